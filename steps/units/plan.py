"""Plan the encoding of a corpus as units: open each file once, and divide the utterances into shards.

Input: a data directory with wav.scp, or a tree of audio; the model of the encoder. Output: the table of shards that
`utils.parts` describes, beside --out. Audio that cannot be used is refused here, by its header, and a model that does
not work.
"""

import sys
from collections.abc import Sequence

from steps.audio.lengths import read_lengths
from steps.audio.recordings import Utterance
from steps.audio.utterance_jobs import Accepted
from steps.units.encode_job import EncoderChoice, Options
from utils.command import run_command


def work(options: Options) -> None:
    """Write the table of shards, unless it or the result exists; then make it the current one."""
    choice = EncoderChoice.of(options)

    def accept(utterances: Sequence[Utterance]) -> Accepted:
        choice.encoder()  # which may lack a package, or a tensor
        return Accepted(list(read_lengths(utterances, options.min_seconds)), {})

    choice.jobs(options).plan(accept)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
