"""What the stages of recipe amela have found, as tables of its report; of stages that are not done, nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from utils.json_files import read_json
from utils.report_tables import Cell, Table, interval_cell, number_cell
from utils.tables import read_lines, read_table

Figures = dict[str, Any]
NAMES = {"words": "words (WER)", "characters": "characters (CER)"}


def find_figures(data: Path, exp: Path) -> Figures:
    """The figures of all stages that are done, by stage."""
    files = {
        "pieces": data / "pieces" / "summary.json",
        "speech": exp / "vad" / "summary.json",
        "detector": exp / "vad" / "vad.json",
        "recognised": exp / "asr" / "summary.json",
        "recogniser": exp / "asr" / "asr.json",
        "errors": exp / "wer" / "error_rates.json",
        "units": exp / "units" / "summary.json",
        "unit_model": exp / "units" / "units.json",
        "distortion": exp / "distortion" / "distortion.json",
        "sampled_speech": exp / "samples" / "vad" / "summary.json",
        "sampled_words": exp / "samples" / "asr" / "summary.json",
    }
    figures: Figures = {"recordings": recordings(data / "all")} if (data / "all" / "utt2spk").is_file() else {}
    figures |= {name: read_json(path) for name, path in files.items() if path.is_file()}
    if (exp / "text" / "no_text.tsv").is_file():
        figures["texts"] = texts(exp / "text")
    models = {
        path.parent.name.removesuffix("_test"): read_json(path) for path in exp.glob("unit_lm/*_test/figures.json")
    }
    return figures | ({"models": dict(sorted(models.items()))} if models else {})


def recordings(directory: Path) -> Figures:
    """Counts of the scan."""
    seconds = read_table(directory / "utt2dur")
    rows = {name: max(0, n_lines(directory / f"{name}.tsv") - 1) for name in ("failures", "left_out")}
    return {
        "recordings": len(seconds),
        "speakers": len(set(read_table(directory / "utt2spk").values())),
        "seconds": round(sum(map(float, seconds.values())), 3),
        "failed": rows["failures"],
        "no_audio": rows["left_out"],
        "copies": n_lines(directory / "copies.tsv"),
    }


def texts(directory: Path) -> Figures:
    """Counts of the texts of recordings."""
    words, heard = read_table(directory / "text"), directory / "recognised" / "utt2spk"
    recognised = read_table(heard).keys() if heard.is_file() else set()
    return {
        "recordings": len(words),
        "not_recognised": sum(bool(text) and key not in recognised for key, text in words.items()),
        "without": n_lines(directory / "no_text.tsv") - 1,
    }


def n_lines(path: Path) -> int:
    """The lines of a file; 0 where there is none."""
    return len([line for line in read_lines(path) if line]) if path.is_file() else 0


def tables(figures: Figures) -> Iterator[Table]:
    """A table for each stage that has figures."""
    if "recordings" in figures:
        own = figures["recordings"]
        yield pairs(
            "Recordings",
            "What the scan has found; failures.tsv, left_out.tsv and copies.tsv beside it name what is not used.",
            {
                "recordings": own["recordings"], "speakers": own["speakers"], "minutes": own["seconds"] / 60,
                "recordings that cannot be read": own["failed"], "other files": own["no_audio"],
                "groups of files with the same bytes": own["copies"],
            },
        )  # fmt: skip
    if "speech" in figures or "pieces" in figures:
        yield speech_table(figures)
    if "errors" in figures:
        yield error_table(figures["errors"], heard_by(figures))
    elif "texts" in figures:
        yield text_table(figures)
    if "units" in figures and "unit_model" in figures:
        yield unit_table(figures)
    if "models" in figures:
        yield model_table(figures["models"])
    if "sampled_speech" in figures:
        yield sample_table(figures)


def speech_table(figures: Figures) -> Table:
    """Speech that was found, if it was not given, and pieces of it."""
    own, pieces, shown = figures.get("speech"), figures.get("pieces"), {}
    if own:
        shown |= {"speech, % of frames": 100 * own["speech"], "stretches of speech": own["segments"]}
        shown |= {
            "recordings without speech": own["without_speech"],
            "recordings that cannot be decoded": own["failed"],
        }
    if pieces:
        shown |= {
            "pieces": pieces["pieces"], "longest piece, s": pieces["longest"], "cuts without a pause": pieces["cuts"],
        }  # fmt: skip
    by = figures.get("detector", {}).get("backend", "a detector")
    caption = f"Where {by} has found speech, and how it was packed." if own else "How speech that was given was packed."
    return pairs("Speech and pieces", caption, shown)


def heard_by(figures: Figures) -> str:
    """How captions begin that tell of recognised text."""
    return f"Recognised by {figures['recogniser']['backend']}" if "recogniser" in figures else "Recognised"


def text_table(figures: Figures) -> Table:
    """Texts of recordings, where no errors were counted."""
    own, heard = figures["texts"], figures.get("recognised")
    shown = {"recordings": own["recordings"], "of them with a text that was known": own["not_recognised"]}
    if heard:
        shown |= {
            "pieces recognised": heard["recognised"], "words in them": heard["words"],
            "pieces without words": heard["without_words"], "pieces that failed": heard["failed"],
        }  # fmt: skip
    shown["recordings without any words"] = own["without"]
    why = "known texts stay (--keep_text false counts errors)" if own["not_recognised"] else "no text was known"
    caption = f"{heard_by(figures)}; {why}." if heard else "All texts were known, and stay."
    return pairs("Transcripts", caption, shown)


def pairs(title: str, caption: str, shown: dict[str, float]) -> Table:
    """A table of names and numbers."""
    return Table(title, caption, ["", "value"], [[Cell(name), number(value)] for name, value in shown.items()])


def number(value: float) -> Cell:
    """A count as it is, another number with two digits."""
    return Cell(f"{value:,}") if isinstance(value, int) else number_cell(value, 2)


def error_table(errors: Figures, heard: str) -> Table:
    """Errors of transcripts."""
    rows = []
    for key, name in NAMES.items():
        own = errors[key]
        counts = [Cell(f"{own[kind]:,}") for kind in ("reference", "insertions", "deletions", "substitutions")]
        bounds = interval_cell([100 * one for one in own["interval"]], 1)
        rows.append([Cell(name), number_cell(100 * own["rate"], 1), bounds, *counts])
    header = ["", "errors, %", "95 % interval", "reference", "insertions", "deletions", "substitutions"]
    caption = f"{heard}, against known texts of {errors['utterances']['n']} recordings; intervals are over speakers."
    return Table("Transcripts", caption, header, rows)


def unit_table(figures: Figures) -> Table:
    """Units, and speech that was made of them."""
    own, model = figures["units"], figures["unit_model"]
    shown = {
        "kinds of units": model["n_units"], "kinds that occur": own["units_that_occur"],
        "seconds of a frame": model["frame_seconds"],
        "units a second, without repetitions": own["units"] / own["seconds"],
        "entropy of a frame's unit, bits": own["entropy_of_frames"],
    }  # fmt: skip
    if "distortion" in figures:
        shown["mel-cepstral distortion of speech from units, dB"] = figures["distortion"]["db"]
    return pairs("Units", "What speech was encoded as, and how near speech that is made of it comes.", shown)


def model_table(models: dict[str, Figures]) -> Table:
    """Language models on the units of held-out speakers."""
    rows = []
    for name, own in sorted(models.items(), key=lambda item: item[1]["bits_per_unit"]):
        right = (own.get("pairs") or {}).get("right")
        cells = [number_cell(own["bits_per_unit"], 3), number_cell(own.get("bits_per_second"), 1)]
        rows.append([Cell(name), *cells, number_cell(None if right is None else 100 * right, 1)])
    own = next(iter(models.values()))
    caption = (
        f"Bits on {own['units']:,} units in {own['utterances']} utterances of speakers that no model was trained on:"
        " fewer are better. Pairs are the real and a random order of the units of an utterance."
    )
    return Table("Language models of units", caption, ["model", "bits a unit", "bits a second", "pairs right, %"], rows)


def sample_table(figures: Figures) -> Table:
    """What a detector of speech and a recogniser say of samples."""
    own, words = figures["sampled_speech"], figures.get("sampled_words")
    shown = {"samples": own["utterances"], "seconds": own["seconds"], "speech, % of frames": 100 * own["speech"]}
    if words:
        shown |= {"words that the recogniser hears": words["words"], "samples without words": words["without_words"]}
    return pairs("Samples", "Unit sequences that a language model has drawn, spoken by the vocoder.", shown)
