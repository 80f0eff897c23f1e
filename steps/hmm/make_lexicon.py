"""Write a lexicon: the words of transcripts with their phones.

Input: data directories with `text` (without them, all words that the sources below have). Sources, the first that has a
word counts: --lexicon (Kaldi's lines `word phone phone ...`), --phones (phones.csv of RedDots), --digits (bundled), and
--english (CMUdict, then letters to sounds by a g2p library). Output, a directory:

    lexicon.txt   `word phone phone ...`, a line for each pronunciation; phones without stress
    sources.tsv   which source each word is from
    outside.tsv   words that no source has, and how often they come: utterances with one are skipped later
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from steps.hmm.lexicon import LEXICON, Row, read_lexicon, words_of, write_lexicon
from steps.hmm.phones_file import read_phones_file
from utils.command import logger, run_command
from utils.errors import InputError
from utils.option_values import raw_values
from utils.options import option
from utils.stage_dir import StageDir
from utils.tables import read_table

log = logger(__name__)
DIGITS = Path(__file__).parent / "digits"
NO_DIGITS = "none"
SOURCES, OUTSIDE = "sources.tsv", "outside.tsv"
Finder = Callable[[Sequence[str]], dict[str, list[Row]]]


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    out: Path = option(help="directory of the lexicon to write")
    data: tuple[Path, ...] = option((), "data directories whose words are wanted, separated by commas; default: all")
    lexicon: Path | None = option(None, "pronunciations of your own, in Kaldi's lines")
    phones: Path | None = option(None, "phones.csv: sentence_id;content;phones")
    digits: str = option(NO_DIGITS, "bundled words for digits", (NO_DIGITS, "english", "arabic"))
    english: bool = option(False, "English words by CMUdict and letters to sounds; needs the extra lexicon")
    max_outside: float = option(0.1, "largest share of spoken words that no source has", least=0, most=1)
    force: bool = option(False, "write again even if nothing has changed")
    COMMAND: ClassVar[str] = "steps.hmm.make_lexicon"


def work(options: Options) -> None:
    """Find the words, then a source for each, and commit the directory."""
    if not any((options.lexicon, options.phones, options.digits != NO_DIGITS, options.english)):
        raise InputError("no source of pronunciations; give --phones, --lexicon, --digits or --english true")
    if options.english and not options.data:
        raise InputError("--english true pronounces the words of transcripts; give --data")
    texts = [directory / "text" for directory in options.data]
    given = [path for path in (options.lexicon, options.phones) if path is not None]
    settings = raw_values(options) | {"data": list(map(str, options.data))}
    with StageDir(options.out, settings, [*texts, *given], options.force, command=options.COMMAND) as stage:
        if stage.done:
            return
        counts = Counter(word for text in texts for line in read_table(text).values() for word in words_of(line))
        found, sources = _look_up(options, list(counts))
        outside = sorted(word for word in counts if word not in found)
        _check(outside, counts, options)
        write_lexicon(stage.dir / LEXICON, found)
        _write_rows(stage.dir / SOURCES, "word\tsource", (f"{word}\t{sources[word]}" for word in sorted(found)))
        _write_rows(stage.dir / OUTSIDE, "word\ttimes", (f"{word}\t{counts[word]}" for word in outside))
        names = Counter(sources.values())
        log.info("%d words: %s", len(found), ", ".join(f"{count} of {name}" for name, count in sorted(names.items())))


def _sources(options: Options) -> Iterator[tuple[str, Finder]]:
    """Name of each source, with what finds words in it."""
    if options.lexicon is not None:
        yield "lexicon", _of(read_lexicon(options.lexicon))
    if options.phones is not None:
        yield "phones", _of(read_phones_file(options.phones))
    if options.digits != NO_DIGITS:
        yield "digits", _of(read_lexicon(DIGITS / f"{options.digits}.txt"))
    if options.english:
        from steps.hmm.spelling import from_cmudict, from_letters

        yield "cmudict", from_cmudict
        yield "letters", from_letters


def _of(lexicon: dict[str, list[Row]]) -> Finder:
    """What finds some words in a lexicon, or, where none is asked for, gives all of it."""
    return lambda words: {word: lexicon[word] for word in words if word in lexicon} if words else lexicon


def _look_up(options: Options, words: list[str]) -> tuple[dict[str, list[Row]], dict[str, str]]:
    """Pronunciations of the words that a source has, and which; without words, of all that the sources have."""
    found: dict[str, list[Row]] = {}
    sources: dict[str, str] = {}
    for name, find in _sources(options):
        rest = [word for word in words if word not in found]
        if rest or not words:
            new = {word: rows for word, rows in find(rest).items() if word not in found}
            found |= new
            sources |= dict.fromkeys(new, name)
    return found, sources


def _check(outside: Sequence[str], counts: Counter, options: Options) -> None:
    """Log the words outside. Raises InputError where they are too many, or there are no words at all."""
    if options.data and not counts:
        raise InputError(f"{options.data[0] / 'text'}: no words; expected transcripts")
    if not outside:
        return
    times, total = sum(counts[word] for word in outside), sum(counts.values())
    shown = ", ".join(sorted(outside, key=lambda word: -counts[word])[:5])
    share = f"{len(outside)} of {len(counts)} words ({times} of {total} spoken) have no pronunciation: {shown}"
    if times > options.max_outside * total:
        raise InputError(
            f"{share}; more than --max_outside {options.max_outside:g}: add another source, or allow for more"
        )
    log.warning("%s; %s lists them", share, options.out / OUTSIDE)


def _write_rows(path: Path, head: str, rows: Iterator[str]) -> None:
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
