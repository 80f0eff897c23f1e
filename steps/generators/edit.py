"""Move the vectors of real speakers towards a description: other voices, as far from each other as the speakers were.

    python3 -m steps.generators.edit --model exp/demo/mdn --vectors data/demo/test/xvector.scp \
      --text "A woman with a deep voice" --amount .5 --out exp/demo/edited

Input: the vectors, of the network that made the training vectors, with the utt2spk beside them; without one each is a
speaker. Output: a data directory with the same utterances and speakers,

    xvector.{ark,scp}, utt2spk, spk2utt     the vectors; spk_xvector.{ark,scp}, num_utts.ark, the means of speakers
    spk2gender                              by the model's classifier, if it has one
    utt2description                         the text
    provenance.jsonl                        of each speaker: how the generator read the speaker before, what was to
                                            become of that, the cosine of the mean to the original, the likelier gender
    edit.json                               cosines between speakers before and after, and their correlation
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from utils.command import logger, run_command
from utils.errors import InputError
from utils.options import MAX_SEED, option
from utils.script_files import ARK_PATHS, ARK_PATHS_HELP, RECIPE
from utils.stage_dir import StageDir
from utils.tables import read_table

log = logger(__name__)


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.generators.edit"
    model: Path = option(help="directory of a trained generator")
    vectors: Path = option(help="xvector.scp of real speakers; an utt2spk beside it tells who they are")
    text: str = option(help="description of a voice; what it leaves unsaid stays as the speaker has it")
    out: Path = option(help="data directory to write")
    amount: float = option(1.0, "how far: 0 changes nothing, 1 moves all the way, more exaggerates", least=0, most=4)
    seed: int = option(0, "of what is drawn of entries that a ReLU has cut off", least=0, most=MAX_SEED)
    strict: bool = option(False, "a text that the reader warns of is an error: contradictory, foreign, not understood")
    encoder: Path | None = option(None, "directory of the sentence encoder, if it is not the installed one")
    ark_paths: str = option(RECIPE, ARK_PATHS_HELP, choices=ARK_PATHS)
    force: bool = option(False, "move them again even if nothing has changed")


def work(options: Options) -> None:
    """Move the speakers and commit the directory."""
    table = options.vectors.parent / "utt2spk"
    inputs = [options.model, options.vectors, *([table] if table.is_file() else [])]
    with StageDir(options.out, options, inputs, options.force) as stage:
        if not stage.done:
            edit(options, read_table(table) if table.is_file() else None, stage)


def edit(options: Options, utt2spk: Mapping[str, str] | None, stage: StageDir) -> None:
    """The same into the directory of the stage."""
    import numpy as np

    from steps.generators.contract import load_generator
    from steps.generators.edited_speakers import EditedSpeakers
    from steps.generators.gender_classifier import GenderClassifier
    from steps.generators.requests import SampleRequest, read_requests
    from steps.generators.text_warnings import heed_warnings
    from steps.generators.voice_edit import VoiceEditor, check_vectors
    from steps.text.check import require_text
    from steps.text.read import Reader
    from utils.archives import read_vectors

    request = SampleRequest("text", require_text(options.text, "--text"), 1)
    keys, x = read_vectors(options.vectors)
    if not keys:
        raise InputError(f"{options.vectors}: empty; expected lines of utterance and location of its vector")
    generator = load_generator(options.model)
    if x.shape[1] != generator.dim:
        raise InputError(
            f"{options.vectors}: vectors of {x.shape[1]} dimensions, {options.model} was trained on {generator.dim};"
            " give vectors of the same network"
        )
    try:
        editor = VoiceEditor(generator)
    except InputError as error:
        raise InputError(f"{options.model}: {error}") from error
    check_vectors(x, editor.surface, lambda row: f"{options.vectors}: {keys[row]}")
    names, speakers = np.unique([_speaker(utt2spk, key, options.vectors) for key in keys], return_inverse=True)
    requests, vectors = read_requests(Reader.load(options.model, options.encoder), [request])
    heed_warnings(requests, options.strict)
    editor.check_text(vectors[0])
    moved = editor.move(x, speakers, vectors[0], options.amount, options.seed)
    check_vectors(moved.x, None, lambda row: f"{options.model}: {keys[row]} moved by {options.amount:g}")
    told = {"text": request.text, "amount": options.amount, "seed": options.seed}
    judge = GenderClassifier.read(options.model, generator.dim)
    edited = EditedSpeakers(keys, names.tolist(), speakers, x, moved, editor.read.groups.values)
    cosines = edited.write(stage.dir, stage.final, told, requests[0].warnings, judge)
    log.info("%s: %d speakers, %s", stage.final, len(names), cosines)


def _speaker(utt2spk: Mapping[str, str] | None, key: str, script: Path) -> str:
    if utt2spk is None:
        return key
    if key not in utt2spk:
        raise InputError(f"{script.parent / 'utt2spk'}: no line for {key}, which {script.name} has; add it")
    return utt2spk[key]


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
