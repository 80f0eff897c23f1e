"""The report of recipe amela: figures of all stages that are done, pictures, and players.

Input: the directories of the recipe's data and experiment. Output: report.json, summary.md, and report.html, one page
that needs nothing else.
"""

import base64
import io
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import ClassVar

from local.amela.figures import find_figures, tables
from steps.audio.containers import AudioProblem
from steps.audio.read import load
from steps.audio.recordings import Utterance, read_utterances
from utils.command import logger, run_command
from utils.errors import InputError
from utils.json_files import json_text, write_json
from utils.option_values import raw_values
from utils.options import option
from utils.report_page import Picture, page_html, picture_html, table_html
from utils.report_tables import table_lines
from utils.stage_dir import StageDir
from utils.tables import read_table

log = logger(__name__)
TITLE = "From recordings to units and speech again"
RATE = 16000
CURVE = "Nats a unit (a nat is 1.44 bits), of training and of dev speakers; the epoch that was kept has a dot."
PICTURES = (
    (
        "vad_picture/speech.png",
        "Where speech is",
        "Waveforms of some recordings; what was found to be speech is shaded.",
    ),
    ("unit_lm/lstm/curve.png", "Training of the LSTM", CURVE),
    ("unit_lm/transformer/curve.png", "Training of the transformer", CURVE),
)
STYLE = """
td:first-child { white-space: normal; }
.heard { display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 1rem; }
.heard p { margin: .2rem 0; }
audio { width: 100%; height: 2.2rem; }
"""


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "local.amela.report"
    data: Path = option(help="directory of the recipe's data, such as data/espeak")
    exp: Path = option(help="directory of its experiment, such as exp/espeak")
    out: Path = option(help="directory to write")
    clips: int = option(4, "pieces, and samples, that can be heard", least=0, most=100)
    seconds: float = option(15.0, "of a clip at most", above=0, most=600)
    force: bool = option(False, "redo the stage even if it is up to date")


def work(options: Options) -> None:
    """Collect and write."""
    figures = find_figures(options.data, options.exp)
    if not figures:
        raise InputError(f"{options.data}, {options.exp}: no stage of the recipe is done here; run stage 0 first")
    settings = raw_values(options) | {"figures": json_text(figures, options.out)}
    inputs = [options.exp / name for name, _, _ in PICTURES if (options.exp / name).is_file()]
    scripts = (options.exp / "resynth", options.exp / "samples" / "speech", options.exp / "samples" / "asr")
    inputs += [folder / name for folder in scripts for name in ("wav.scp", "text") if (folder / name).is_file()]
    with StageDir(options.out, settings, inputs, options.force, command=options.COMMAND) as stage:
        if stage.done:
            return
        found = list(tables(figures))
        write_json(stage.dir / "report.json", figures)
        lines = [f"# {TITLE}", "", *(line for table in found for line in table_lines(table))]
        (stage.dir / "summary.md").write_text("\n".join(lines), encoding="utf-8")
        body = [*map(table_html, found), *heard(options), *pictures(options.exp)]
        (stage.dir / "report.html").write_text(page_html(TITLE, body, STYLE), encoding="utf-8")
        log.info("%s: %s", stage.final / "report.html", ", ".join(table.title for table in found))


def pictures(exp: Path) -> Iterator[str]:
    """The pictures that stages have drawn."""
    for name, title, caption in PICTURES:
        path = exp / name
        if path.is_file():
            yield picture_html(Picture(path.stem, title, caption, path.read_bytes(), caption))


def heard(options: Options) -> Iterator[str]:
    """The players: pieces beside what was made of their units, and samples."""
    spoken, samples = options.exp / "resynth", options.exp / "samples" / "speech"
    if (spoken / "wav.scp").is_file():
        again = {one.id: one for one in read_utterances(spoken)}
        cut = options.data / "pieces"  # not there where a manifest has named pieces
        pieces = {one.id: one for one in read_utterances(cut if cut.is_dir() else options.data / "all")}
        texts = texts_of(options.exp / "asr")
        chosen = spread(sorted(again.keys() & pieces.keys()), options.clips)
        cards = [
            card(key, texts.get(key), [("original", pieces[key]), ("from units", again[key])], options)
            for key in chosen
        ]
        yield section("Speech from units", "Pieces, and what the vocoder makes of their units.", cards)
    if (samples / "wav.scp").is_file():
        texts = texts_of(options.exp / "samples" / "asr")
        cards = [
            card(one.id, texts.get(one.id), [("sample", one)], options)
            for one in read_utterances(samples)[: options.clips]
        ]
        yield section("Samples of the language model", "Units that it has drawn, spoken by the vocoder.", cards)


def texts_of(directory: Path) -> dict[str, str]:
    """What was recognised, where it was."""
    return read_table(directory / "text") if (directory / "text").is_file() else {}


def spread(keys: Sequence[str], n: int) -> list[str]:
    """Some of the keys, from the first to the last."""
    n = min(n, len(keys))
    return [keys[number * len(keys) // n] for number in range(n)]


def section(title: str, caption: str, cards: Sequence[str]) -> str:
    """A part of the page with cards."""
    inner = "\n".join(cards)
    return (
        f'<section><h2>{title}</h2>\n<div class="heard">\n{inner}\n</div>\n<p class="caption">{caption}</p></section>'
    )


def card(key: str, text: str | None, sounds: Sequence[tuple[str, Utterance]], options: Options) -> str:
    """One piece or sample: its name, what was recognised, and its players."""
    told = f"<p><strong>{escape(key)}</strong></p>"
    if text is not None:
        told += f"\n<p>recognised: {escape(text) or '(nothing)'}</p>"
    return f"<div>{told}\n" + "\n".join(player(name, key, one, options.seconds) for name, one in sounds) + "</div>"


def player(name: str, key: str, utterance: Utterance, seconds: float) -> str:
    """A player of an utterance, or the reason why it cannot be heard."""
    import soundfile

    try:
        waveform = load(utterance, RATE).waveform[: round(seconds * RATE)]
    except AudioProblem as problem:
        return f"<p>{escape(name)}: {escape(str(problem))}</p>"
    buffer = io.BytesIO()
    soundfile.write(buffer, waveform.clip(-1, 1), RATE, format="FLAC", subtype="PCM_16")
    data = base64.b64encode(buffer.getvalue()).decode()
    label = escape(f"{name}: {key}")
    return (
        f'<p>{escape(name)}</p><audio controls preload="metadata" aria-label="{label}"'
        f' src="data:audio/flac;base64,{data}"></audio>'
    )


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
