"""What has no result, such as utterances without an embedding: the table of them, and the check that they are few."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from utils.command import logger
from utils.errors import InputError, brief, cut
from utils.tables import read_lines

log = logger(__name__)
FAILURES = "failures.tsv"  # name of the table in a directory of results
NOT_DONE = "not_computed"  # the reason of what was left out on request, as its job is not done; it is no failure
Failure = tuple[str, str, str]  # utterance, reason, detail


def write_failures(file: Path, failures: Sequence[Failure], noun: str = "utterance") -> None:
    """Write a table `utterance<tab>reason<tab>detail`, sorted; `noun` says what fails, if that is no utterance."""
    lines = [f"{noun}\treason\tdetail", *("\t".join(map(one_line, failure)) for failure in sorted(failures))]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_left_out(directory: Path, files: Sequence[Sequence[str]]) -> None:
    """Write left_out.tsv: files of a tree that are no utterances, with the reason; nothing where there are none."""
    if files:
        rows = ["path\treason", *("\t".join(file) for file in files)]
        (directory / "left_out.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def read_failures(file: Path) -> list[Failure]:
    """Read a table of `write_failures`. Raises InputError with the line that is none of it."""
    found: list[Failure] = []
    for number, line in enumerate(read_lines(file)[1:], 2):
        cells = line.split("\t")
        if len(cells) != 3:
            raise InputError(f"{file}:{number}: expected 3 cells (an id, a reason, a detail), found {brief(line)}")
        found.append((cells[0], cells[1], cells[2]))
    return found


def one_line(text: str) -> str:
    """A text as one cell of a table."""
    return text if text.isprintable() else " ".join(text.split())


def count_reasons(failures: Sequence[Failure]) -> dict[str, int]:
    """How many fail for each reason, sorted by it."""
    return dict(sorted(Counter(reason for _, reason, _ in failures).items()))


def check_failures(
    failures: Sequence[Failure], n_utterances: int, max_fail: float, out: Path, noun: str = "utterance"
) -> None:
    """Log how many utterances failed, by reason; `noun` says what fails, if that is no utterance.

    Raises InputError where more than the share `max_fail` of all `n_utterances` failed, or none has a result; their
    table is then written beside `out` as `<out>.failures.tsv`.
    """
    listing = out.absolute().with_name(f"{out.name}.failures.tsv")
    if not failures:
        listing.unlink(missing_ok=True)
        return
    counts = ", ".join(f"{n} {reason}" for reason, n in count_reasons(failures).items())
    share = f"{len(failures)} of {n_utterances} {noun}s ({100 * len(failures) / n_utterances:.2f} %) fail: {counts}"
    failed = sum(reason != NOT_DONE for _, reason, _ in failures)
    none_left = len(failures) == n_utterances
    if failed > max_fail * n_utterances or none_left:
        key, _, detail = min(failures)
        fault = f"more than --max_fail {max_fail:g}" if failed > max_fail * n_utterances else "none has a result"
        listing.parent.mkdir(parents=True, exist_ok=True)
        listing.unlink(missing_ok=True)  # perhaps a link
        write_failures(listing, failures, noun)
        raise InputError(
            f"{share}; {fault}. The first: {cut(key)}: {one_line(detail).rstrip('.')}. They are listed in {listing};"
            f" repair or remove them{'' if none_left else ', or allow for more'}"
        )
    listing.unlink(missing_ok=True)
    log.warning("%s", share)
