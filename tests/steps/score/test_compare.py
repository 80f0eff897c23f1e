"""Two scores compared in pairs: who is named better, what cannot be compared, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from steps.score import compare

REAL = ["a", "b"]


def write_scores(
    path: Path,
    values: dict[str, float],
    seed: int = 0,
    density: float | None = None,
    real: list[str] = REAL,
    better: str = "near",
    name: str = "mdn",
) -> Path:
    """Scores of one source: figures whose halves vary by .01 around them, real speakers at 1, with shared halves."""
    rng, shared = np.random.default_rng(seed), 1 + 0.01 * np.random.default_rng(99).normal(size=10)
    figures = {key: {"value": value, "real": 1.0, "better": better} for key, value in values.items()}
    halves = {
        key: {"samples": (value + 0.01 * rng.normal(size=10)).tolist(), "real": shared.tolist()}
        for key, value in values.items()
    }
    source = {"kind": "samples", "samples": {}, "measured": figures}
    if density is not None:
        noise = 0.1 * np.random.default_rng(5).normal(size=40)
        source["log_density"] = {"per_speaker": {f"s{k}": density + v for k, v in enumerate(noise.tolist())}}
    (path / "score").mkdir(parents=True)
    document = {"models": {name: source, "other": {"kind": "x", "samples": {}}}, "order": [name, "other"]}
    (path / "score" / "scores.json").write_text(json.dumps(document))
    one = {"real": real, "seed": 0, "n_halves": 10, "figures": halves}
    (path / "score" / "halves.json").write_text(json.dumps({name: one}))
    return path


def table(text: str) -> dict[str, list[str]]:
    """Figure -> cells of its row."""
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {row[0]: row[1:] for row in rows}


def test_the_nearer_to_real_speakers_is_better(tmp_path: Path, capfd: pytest.CaptureFixture):
    a = write_scores(tmp_path / "a", {"far": 1.2, "above": 1.05, "same": 1.0, "only_a": 1.0}, density=-1.0)
    b = write_scores(tmp_path / "b", {"far": 1.05, "above": 0.6, "same": 1.0}, seed=1, density=-1.5)
    assert compare.main([str(a), str(b), "--out", str(tmp_path / "out")]) == 0
    text = capfd.readouterr().out
    better = {figure: cells[-1] for figure, cells in table(text).items()}
    assert (better["far"], better["above"], better["same"], better["log_density"]) == ("B", "A", "neither", "A")
    assert "- only_a cannot be compared: B has no such figure" in text
    assert "A is better in 2 figures, B in 1; 1 do not differ beyond chance." in text
    assert (tmp_path / "out" / "comparison.md").read_text() == text
    assert json.loads((tmp_path / "out" / "comparison.json").read_text())["left_out"].keys() == {"only_a"}


@pytest.mark.parametrize(("better", "winner"), [("low", "A"), ("high", "B")])
def test_low_and_high_figures(tmp_path: Path, capfd: pytest.CaptureFixture, better: str, winner: str):
    a, b = (
        write_scores(tmp_path / n, {"f": v}, seed=k, better=better) for k, (n, v) in enumerate((("a", 0.5), ("b", 0.9)))
    )
    assert compare.main([str(a / "score"), str(b / "score")]) == 0
    text = capfd.readouterr().out
    assert table(text)["f"][-1] == winner
    assert "log_density cannot be compared: A has no log density" in text


def test_equal_systems_rarely_differ(tmp_path: Path, capfd: pytest.CaptureFixture):
    """Of 40 figures whose halves differ by chance alone, none is called better: Holm's level is for all of them."""
    rng = np.random.default_rng(0)
    a, b = (
        write_scores(tmp_path / name, {f"f{k}": 1.1 + 0.01 * rng.normal() for k in range(40)}, seed=seed)
        for seed, name in enumerate("ab")
    )
    assert compare.main([str(a), str(b)]) == 0
    assert "A is better in 0 figures, B in 0; 40 do not differ" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["{root}/a", "{root}/none"], "{root}/none: no scores.json, here or in score/; score it first"),
        (["{root}/a", "{root}/a"], "{root}/a: compared with itself; name two of its sources"),
        (["{root}/a", "{root}/b", "--name_b", "x"], "no source 'x'; expected mdn, other"),
        (["{root}/a", "{root}/others"], "nothing can be compared: A has no log density; the real speakers differ"),
        (["{root}/a", "{root}/broken"], "scores.json: not the scores that steps.score.score writes"),
        (["{root}/a"], "--b"),
        (["{root}/a", "{root}/b", "{root}/c"], "'{root}/c': expected options only"),
    ],
)
def test_bad_input_is_one_line(tmp_path: Path, capfd: pytest.CaptureFixture, words: list[str], complaint: str):
    for name, real in (("a", REAL), ("b", REAL), ("others", ["c", "d"])):
        write_scores(tmp_path / name, {"f": 1.0}, real=real)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "scores.json").write_text('{"models": [], "order": ["mdn"]}')
    assert compare.main([word.format(root=tmp_path) for word in words]) == 1
    errors = [line for line in capfd.readouterr().err.splitlines() if "ERROR" in line]
    assert len(errors) == 1 and complaint.format(root=tmp_path) in errors[0]


def spoil(directory: Path, file: str, *keys: str, value: object) -> None:
    """Put a value into one of the files of a score."""
    path = directory / "score" / file
    place = document = json.loads(path.read_text())
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    path.write_text(json.dumps(document))


@pytest.mark.hostile("Scores to compare whose figures or halves are of other types, other lengths, or not there")
@pytest.mark.parametrize(
    ("file", "keys", "value"),
    [
        ("halves.json", ["mdn"], {}),
        ("halves.json", ["mdn"], 3),
        ("halves.json", ["mdn", "figures", "f"], {}),
        ("halves.json", ["mdn", "figures", "f", "samples"], [1.0, 2.0]),
        ("halves.json", ["mdn", "figures", "f", "real"], ["a"] * 10),
        ("scores.json", ["models", "mdn", "measured", "f", "value"], None),
        ("scores.json", ["models", "mdn", "measured", "f", "better"], "up"),
        ("scores.json", ["models", "mdn", "measured"], [1]),
        ("scores.json", ["models", "mdn", "log_density"], {"per_speaker": {"a": "b"}}),
        ("scores.json", ["models"], {}),
    ],
)
def test_scores_that_are_none(tmp_path: Path, capfd: pytest.CaptureFixture, file: str, keys: list[str], value: object):
    a, b = (write_scores(tmp_path / name, {"f": 1.0}) for name in "ab")
    spoil(b, file, *keys, value=value)
    assert compare.main([str(a), str(b)]) == 1
    errors = capfd.readouterr().err.splitlines()
    assert f"ERROR: {b}" in errors[-1] and "not the scores that steps.score.score writes" in errors[-1]


def test_a_score_without_halves_is_named(tmp_path: Path, capfd: pytest.CaptureFixture):
    a, b = (write_scores(tmp_path / name, {"f": 1.0}) for name in "ab")
    (b / "score" / "halves.json").unlink()
    assert compare.main([str(a), str(b)]) == 1
    assert "B has no halves.json; score it again" in capfd.readouterr().err
