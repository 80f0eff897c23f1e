"""Write a language directory: the units that have states, and words as rows of them.

Input: the directory of a lexicon (`steps.hmm.make_lexicon`), or a file in its form. Output: what `steps/hmm/lang.py`
reads. With --topology phones every phone is a unit of --states states; with words every word is a unit of its own, with
--word_states states for each phone of its first pronunciation, or --states_of_every_word. Silence has --silence_states.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from steps.hmm.lexicon import LEXICON, MOST_STATES, Pronunciations, read_lexicon
from utils.command import logger, run_command
from utils.errors import InputError
from utils.options import option
from utils.stage_dir import StageDir

if TYPE_CHECKING:
    from steps.hmm.lang import Lang

log = logger(__name__)
PHONES, WORDS = "phones", "words"


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    lexicon: Path = option(help="directory of steps.hmm.make_lexicon, or lexicon.txt")
    out: Path = option(help="language directory to write")
    topology: str = option(PHONES, "what has states of its own", (PHONES, WORDS))
    states: int = option(3, "of a phone", least=1, most=100)
    word_states: int = option(2, "of a word, for each of its phones", least=1, most=100)
    states_of_every_word: int = option(0, "in the place of this rule; 0: by the rule", least=0, most=MOST_STATES)
    silence: str = option("SIL", "name of the unit of silence, which no word has")
    silence_states: int = option(3, "of silence", least=1, most=100)
    silence_share: float = option(
        0.5, "probability of silence before, between and behind words", least=0.001, most=0.999
    )
    force: bool = option(False, "write again even if nothing has changed")
    COMMAND: ClassVar[str] = "steps.hmm.make_lang"


def work(options: Options) -> None:
    """Read the lexicon and commit the directory."""
    file = options.lexicon / LEXICON if options.lexicon.is_dir() else options.lexicon
    with StageDir(options.out, options, [file], options.force) as stage:
        if stage.done:
            return
        lexicon = read_lexicon(file)
        lang = language(lexicon, options, file)
        lang.save(stage.dir)
        log.info("%d words, %d units, %d states", len(lexicon), len(lang.units), lang.n_pdfs)


def language(lexicon: Pronunciations, options: Options, file: Path) -> "Lang":
    """The units and words of a topology. Raises InputError where a word has the unit of silence."""
    from steps.hmm.lang import Lang

    own = {phone for rows in lexicon.values() for row in rows for phone in row}
    if options.silence.split() != [options.silence] or options.silence in own | set(lexicon):
        raise InputError(f"{file}: {options.silence!r} is the unit of silence; give it another name with --silence")
    units = {options.silence: options.silence_states}
    if options.topology == PHONES:
        units |= dict.fromkeys(sorted(own), options.states)
        rows = lexicon
    else:
        sizes = {word: options.word_states * len(lexicon[word][0]) for word in sorted(lexicon)}
        units |= {word: options.states_of_every_word or min(size, MOST_STATES) for word, size in sizes.items()}
        rows = {word: [(word,)] for word in lexicon}
    return Lang(units, rows, options.silence, options.silence_share)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
