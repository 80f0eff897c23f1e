"""Stage 0 for the demo corpus: synthetic voices of espeak-ng, embedded with Resemblyzer; nothing is downloaded.

Input: local/rules/demo.yaml, and the packages of requirements-audio.txt and requirements-demo.txt. Output, a valid data
directory: wav/*.flac (16 kHz; Kaldi's own programs need `flac -cds` before them), wav.scp, text, xvector.{ark,scp},
spk_xvector.{ark,scp}, num_utts.ark, utt2spk, spk2utt, spk2gender, utt2dur, the labels utt2gender, utt2pitch and
utt2speaking_rate, and two measurements: utt2f0 (Hz) and utt2rate (words per minute of speech). The label of the rate is
that of the speed that was set; the label of the pitch is the third of its gender in which a voice's measured F0 lies.
"""

import importlib.util
import sys
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from local.demo.voices import Voice, plan_voices, read_rules
from steps.attributes.bins import tercile_rule
from steps.attributes.labels import label_attribute
from steps.data.speaker_vectors import write_of_script
from utils.archive_writer import ArchiveWriter
from utils.command import logger, progress, run_command
from utils.data_dir import write_data_dir
from utils.errors import InputError
from utils.extras import how_to_install
from utils.forked import die_with_parent
from utils.options import MAX_SEED, option
from utils.script_files import ARK_PATHS, ARK_PATHS_HELP, RECIPE, path_in_script
from utils.shards import MOST_JOBS
from utils.stage_dir import StageDir
from utils.tables import read_table

if TYPE_CHECKING:
    from local.demo.speech import SpokenUtterance

log = logger(__name__)
RULES = Path(__file__).parents[1] / "rules" / "demo.yaml"
PACKAGES = ("espeakng_loader", "resemblyzer", "webrtcvad", "librosa", "soundfile", "soxr", "torch")
Tables = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "local.prepare_demo"
    out: Path = option(Path("data/demo/all"), "data directory to write")
    n_voices: int = option(180, "number of voices, half of them female", least=1, most=10_000)
    seed: int = option(1, "decides sentences and speeds", least=0, most=MAX_SEED)
    nj: int = option(2, "parallel processes; the output does not depend on it", least=1, most=MOST_JOBS)
    ark_paths: str = option(RECIPE, ARK_PATHS_HELP, choices=ARK_PATHS)
    force: bool = option(False, "redo the stage even if it is up to date")


def work(options: Options) -> None:
    """Speak, measure, embed, label, write."""
    require_packages()
    with StageDir(options.out, options, inputs=[RULES], force=options.force) as stage:
        if stage.done:
            return
        rules = read_rules(RULES)
        voices = plan_voices(rules, options.n_voices, options.seed)
        (stage.dir / "wav").mkdir()
        tables: Tables = defaultdict(dict)
        with ArchiveWriter(
            stage.dir / "xvector.ark", stage.dir / "xvector.scp", stage.final / "xvector.ark"
        ) as vectors:
            for voice, spoken in speak_all(voices, options.nj):
                store_voice(voice, spoken, stage, vectors, tables)
        label_pitch(voices, tables, tuple(rules["pitch_labels"]))
        write_data_dir(stage.dir, tables)
        write_of_script(stage.dir, stage.final, tables["utt2spk"], read_table(stage.dir / "xvector.scp"))
    log.info("%s: %d voices, %d utterances", stage.final, len(voices), len(tables["utt2spk"]))


def require_packages() -> None:
    """Raise InputError unless the packages for synthesis and embeddings are installed."""
    missing = [package for package in PACKAGES if importlib.util.find_spec(package) is None]
    if missing:
        raise InputError(
            f"the demo corpus needs {', '.join(missing)}: {how_to_install(set(missing))} installs it"
            " (optional, as espeak-ng is GPL; --corpus capspeech needs none of it)"
        )


def speak_all(voices: list[Voice], nj: int) -> Iterator[tuple[Voice, list["SpokenUtterance"]]]:
    """Speak, measure and embed the utterances of the voices in `nj` processes, in the order given."""
    from local.demo.speech import speak_voice

    with ProcessPoolExecutor(nj, mp_context=get_context("spawn"), initializer=die_with_parent) as pool:
        yield from progress(zip(voices, pool.map(speak_voice, voices), strict=True), len(voices), "voices")


def store_voice(
    voice: Voice, spoken: list["SpokenUtterance"], stage: StageDir, vectors: ArchiveWriter, tables: Tables
) -> None:
    """Write the audio and embeddings of one voice, and its lines of every table but the pitch labels."""
    for planned, utterance in zip(voice.utterances, spoken, strict=True):
        wav = Path("wav") / f"{planned.name}.flac"
        (stage.dir / wav).write_bytes(utterance.flac)
        lines = {
            "wav.scp": path_in_script(stage.final / wav),
            "text": planned.sentence,
            "utt2spk": voice.speaker,
            "utt2gender": voice.gender,
            "utt2speaking_rate": planned.rate_label,
            "utt2dur": f"{utterance.seconds:.3f}",
            "utt2f0": f"{utterance.f0:.1f}",
            "utt2rate": f"{utterance.rate:.1f}",
        }
        for table, value in lines.items():
            tables[table][planned.name] = value
        vectors.write([planned.name], utterance.embedding[None])
    tables["spk2gender"][voice.speaker] = voice.gender[0]


def label_pitch(voices: list[Voice], tables: Tables, labels: tuple[str, str, str]) -> None:
    """Label the utterances of a voice by the third of its gender in which its median F0 lies."""
    rule = tercile_rule("pitch", "hertz", labels)
    utt2f0 = {utterance: float(hertz) for utterance, hertz in tables["utt2f0"].items()}
    genders = {voice.speaker: voice.gender for voice in voices}
    tables["utt2pitch"] = label_attribute(rule, utt2f0, tables["utt2spk"], genders).labels


def main(argv: list[str] | None = None) -> int:
    """Run the command; see `Options`."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
