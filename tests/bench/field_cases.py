"""The field cases and the hostile inputs that the tests try, by name, with the number of trials and what came out.

Writes two sections of RESULTS.md. A test names its case by the mark `field_case` or `hostile`; a case may have several.
"""

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.bench.results import PATH, command_line, record, table
from utils.command import run_command
from utils.errors import InputError
from utils.options import option

TITLES = {"field_case": "Field cases", "hostile": "Hostile input"}


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    tests: tuple[str, ...] = option(("tests",), "files or directories of tests")
    results: Path = option(PATH, "file whose sections are written")


class Tally:
    """A plugin of pytest that counts the outcomes of marked tests: (mark, case, outcome) -> tests."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str, str]] = Counter()
        self.cases: dict[str, set[tuple[str, str]]] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            found = [(mark.name, mark.args[0]) for name in TITLES for mark in item.iter_markers(name)]
            self.cases[item.nodeid] = set(found)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            outcome = "failed" if report.failed else report.outcome
            self.counts.update((*case, outcome) for case in self.cases[report.nodeid])

    def rows(self, mark: str) -> list[tuple[str, int, int, int]]:
        """(case, passed, failed, skipped), sorted by the case."""
        cases = sorted({case for found, case, _ in self.counts if found == mark})
        return [(case, *(self.counts[mark, case, what] for what in ("passed", "failed", "skipped"))) for case in cases]


def work(options: Options) -> None:
    """Run the marked tests, record."""
    tally = Tally()
    words = ["-q", "-p", "no:cacheprovider", "-m", " or ".join(TITLES), "--ignore=tests/bench", *options.tests]
    pytest.main(words, plugins=[tally])
    if not tally.counts:
        raise InputError(f"no test in {', '.join(options.tests)} is marked with {' or '.join(TITLES)}")
    for mark, title in TITLES.items():
        rows = tally.rows(mark)
        passed, failed, skipped = (sum(row[column] for row in rows) for column in (1, 2, 3))
        body = f"{len(rows)} cases, {passed + failed} trials: {passed} passed, {failed} failed, {skipped} skipped.\n\n"
        body += table(("case", "passed", "failed", "skipped"), rows)
        record(options.results, title, command_line("tests.bench.field_cases", options), body)


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
