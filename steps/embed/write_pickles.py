"""Write embeddings as the dictionaries that users of 3D-Speaker load, in two pickles.

    python3 -m steps.embed.write_pickles --embeddings exp/librispeech/embed

Input: what `steps.embed.merge` has written. Output, in --out:

    utterance_embeddings.pkl   <dataset>_<speaker>_<utterance> -> embedding, dataset, speaker_id, utterance_id, path
    speaker_embeddings.pkl     <dataset>_<speaker> -> embedding, dataset, speaker_id, num_utterances

Embeddings are float32 arrays (D,). This project itself reads no pickles: the script files and the JSON lists hold the
same. All embeddings are in memory at once, as in the program that will load them.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from pickle import dump
from typing import Any, ClassVar

from utils.archives import read_vectors
from utils.command import logger, run_command
from utils.errors import InputError
from utils.json_files import read_objects
from utils.options import option
from utils.stage_dir import StageDir

log = logger(__name__)
PROTOCOL = 4  # of pickle: Python 3.4 and later read it


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.embed.write_pickles"
    embeddings: Path = option(help="directory of embeddings")
    out: Path | None = option(None, "directory to write; default: pickles, in the directory of embeddings")
    force: bool = option(False, "write again even if nothing has changed")


def work(options: Options) -> None:
    """Write both files."""
    source = options.embeddings
    inputs = [source / name for name in ("xvector.scp", "spk_xvector.scp", "utterance_list.json", "speaker_list.json")]
    with StageDir(options.out or source / "pickles", options, inputs, options.force, within=source) as stage:
        if stage.done:
            return
        utterances = dictionary(
            source / "xvector.scp",
            source / "utterance_list.json",
            name=("dataset", "speaker_id", "utterance_id"),
            fields=("dataset", "speaker_id", "utterance_id", "path"),
        )
        write(stage.dir / "utterance_embeddings.pkl", utterances)
        speakers = dictionary(
            source / "spk_xvector.scp",
            source / "speaker_list.json",
            name=("dataset", "speaker_id"),
            fields=("dataset", "speaker_id", "num_utterances"),
        )
        write(stage.dir / "speaker_embeddings.pkl", speakers)
        log.info("%s: %d utterances, %d speakers", stage.final, len(utterances), len(speakers))


def dictionary(scp: Path, listing: Path, name: tuple[str, ...], fields: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """The entries of a list, with their vectors, by the values of `name` joined by `_`."""
    entries = read_objects(listing, ("id", *name), fields)
    _, vectors = read_vectors(scp, [entry["id"] for entry in entries])
    named: dict[str, dict[str, Any]] = {}
    for entry, vector in zip(entries, vectors, strict=True):
        key = "_".join(entry[field] for field in name)
        if key in named:
            raise InputError(f"{listing}: {entry['id']}: the second entry with the key {key!r}; rename one of the two")
        named[key] = {"embedding": vector.copy(), **{field: entry[field] for field in fields}}
    return named


def write(file: Path, content: dict[str, dict[str, Any]]) -> None:
    """Write one pickle."""
    with file.open("wb") as out:
        dump(content, out, protocol=PROTOCOL)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
