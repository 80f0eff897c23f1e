"""Models, samples, indices and names that no stage has made: scored as they are, or refused in one line."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from steps.generators.linear import LinearMap
from steps.generators.linear_generator import LinearGenerator
from steps.score.evaluation import Scorer
from steps.score.pictures import shown
from steps.score.results import plain
from steps.score.summary import densities
from tests.steps.score.test_score import experiment, run, write_samples  # noqa: F401 -- the first is a fixture
from tests.steps.score.voices import truth
from utils.kaldi_objects import HEADER_BYTES
from utils.report_tables import Cell

NAMES = ("a $x^2$ b", "$", "$\\frac{$", "_under_", "<b>&|`x`", "x" * 200, "ünï", "-dash", "50%{}")


@pytest.mark.hostile("Names of models and of groups with $, _, <, & and |, or of 200 characters, in the report")
def test_names_in_the_report(experiment, tmp_path):  # noqa: F811
    paths = []
    for name in NAMES:
        paths.append(shutil.copytree(experiment.root / "ridge_gaussian", tmp_path / "m" / name))
    write_samples(tmp_path / "m" / "$samples$")
    models = ",".join(map(str, paths))
    assert (
        run(experiment, tmp_path / "out", "--samples", str(tmp_path / "m/$samples$"), models=models, n_draws="1") == 0
    )
    assert json.loads((tmp_path / "out/scores.json").read_text())["order"] == [*NAMES, "$samples$"]
    assert len(list((tmp_path / "out/pictures").iterdir())) > 12
    page, summary = ((tmp_path / "out" / name).read_text() for name in ("report.html", "summary.md"))
    assert "&lt;b&gt;&amp;|`x`" in page and "<b>" not in page
    assert r"\<b>\&\|\`x\`" in summary and "$\\\\frac{$" in summary
    tables = [block for block in summary.split("\n\n") if block.startswith("|")]
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


def test_names_in_pictures():
    assert [shown(name) for name in ("mdn_plain", "_x", "x" * 40)] == ["mdn_plain", " _x", "x" * 40]
    assert len(shown("x" * 300)) == 40 and shown("a" * 50 + "end").endswith("...aaaaaaaend")


@pytest.mark.hostile("A name of a model that cannot be printed")
def test_a_name_with_a_line_break(experiment, tmp_path, capsys):  # noqa: F811
    shutil.copytree(experiment.root / "gaussian", tmp_path / "two\nlines")
    assert run(experiment, tmp_path / "out", models=str(tmp_path / "two\nlines")) == 1
    assert "a name that cannot be printed" in capsys.readouterr().err.splitlines()[-1]


class Broken(LinearGenerator):
    """A generator whose density is not finite."""

    def __init__(self, like: LinearGenerator, scale: float):
        super().__init__(like.frame, like.mean_of, like.log_weights, like.scales)
        self.scales = np.array([scale])


@pytest.mark.field_case("A generator whose log density is not finite: named in the tables, with the reason")
def test_a_density_that_is_not_finite(scorer: Scorer):
    score = scorer.density.score(Broken(truth(), np.nan))
    assert score == {"nats": None, "reason": "its density at some test segments is not finite"}
    document = {
        "data": {"subspace_dim": 3},
        "models": plain({"broken": {"log_density": score}}),
        "comparisons": {},
    }
    assert densities(document).rows[0][:2] == [Cell("broken"), Cell(score["reason"])]


@pytest.mark.field_case("A generator whose samples are not finite is not scored")
def test_samples_that_are_not_finite(scorer: Scorer):
    with pytest.raises(ValueError, match="a sample for the group female_high: no embedding: its norm is nan"):
        scorer.score_generator(Broken(truth(), np.nan))


def test_a_density_without_an_inverse(scorer: Scorer):
    good = truth()
    wide = np.concatenate([good.frame.basis, good.frame.basis[:, :1]], axis=1)  # more directions than it needs
    frame = type(good.frame)(good.frame.offset, np.concatenate([wide[:, :1]] * wide.shape[1], axis=1))
    weights = np.zeros((good.text_dim, wide.shape[1]))
    flat = LinearGenerator(frame, LinearMap(weights, np.zeros(wide.shape[1])), np.zeros(1), np.ones(1))
    assert "has no inverse" in scorer.density.score(flat)["reason"]


def spoil(directory: Path, value: float) -> None:
    """Put a number into the first vector of an archive."""
    archive = directory / "xvector.ark"
    content = bytearray(archive.read_bytes())
    first = content.index(b"\0BFV ") + HEADER_BYTES
    content[first : first + 4] = np.float32(value).tobytes()
    archive.write_bytes(content)


@pytest.mark.hostile("Samples and indices to score that hold NaN, infinity or 1e30")
@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
@pytest.mark.parametrize("which", ["samples", "train", "dev", "test"])
def test_vectors_that_are_none(experiment, tmp_path, capsys, value, which):  # noqa: F811
    shutil.copytree(experiment.index, tmp_path / "index")
    write_samples(tmp_path / "samples")
    spoil(tmp_path / "samples" if which == "samples" else tmp_path / "index" / which, value)
    words = {"index": str(tmp_path / "index"), "models": str(tmp_path / "samples")}
    assert run(experiment, tmp_path / "out", **words) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert re.search(rf"ERROR: .*{which}.*: .*: no embedding: its norm is", error) and not (tmp_path / "out").exists()


@pytest.mark.hostile("A directory of samples that is empty, lacks vectors, or runs a command")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: (d / "utt2group").write_text(""), "samples: "),
        (lambda d: (d / "xvector.scp").write_text(""), "no line for"),
        (lambda d: (d / "xvector.ark").write_bytes(b""), "xvector.scp"),
        (lambda d: (d / "xvector.ark").unlink(), "xvector"),
        (lambda d: (d / "xvector.scp").write_text("a touch ran |\n"), "command"),
        (lambda d: (d / "utt2group").write_bytes(b"a \xff\n"), "utt2group:1: not UTF-8"),
    ],
)
def test_samples_that_are_none(experiment, tmp_path, capsys, change, message):  # noqa: F811
    write_samples(tmp_path / "samples")
    change(tmp_path / "samples")
    assert run(experiment, tmp_path / "out", models=str(tmp_path / "samples")) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert "ERROR: " in error and message in error and not (tmp_path / "out").exists()


@pytest.mark.hostile("An index to score whose layout is no layout, or whose archive is another")
@pytest.mark.parametrize(
    "layout",
    [
        "[" * 100_000,
        "{}",
        '{"dim": -10, "blocks": [[0, 160, 0, 10]]}',
        '{"dim": 10, "blocks": []}',
        '{"dim": 10, "blocks": [[0, 1]]}',
        '{"dim": 10, "blocks": [[0, -160, 0, 10]]}',
        '{"dim": 1e400, "blocks": [[0, 160, 0, 10]]}',
        '{"dim": 10, "blocks": {"a": 1}}',
        '{"dim": 10, "blocks": [[0, 160, 100, 10]]}',
        '{"dim": "10", "blocks": [["0", "160", "0", "10"]]}',
        '{"dim": 10, "blocks": [[0, 1000000000000, 0, 10]]}',
    ],
)
def test_indices_that_are_none(experiment, tmp_path, capsys, layout):  # noqa: F811
    shutil.copytree(experiment.index, tmp_path / "index")
    (tmp_path / "index/train/blocks.json").write_text(layout)
    assert run(experiment, tmp_path / "out", index=str(tmp_path / "index")) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert re.search("ERROR: .*index/train", error) and not (tmp_path / "out").exists()
