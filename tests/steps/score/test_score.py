"""The command, from a generated experiment with trained models to its report; and what it says of bad input."""

import contextlib
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from steps.generators import train
from steps.score import score
from steps.text.encode import SentenceEncoder
from tests.steps.generators.experiment import GROUPS, Experiment, write_experiment
from utils.archive_writer import write_vectors
from utils.tables import read_table, write_table

ROOT = Path(__file__).parents[3]
MODELS = ("ridge_gaussian", "group_gmm", "gaussian")


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    """A generated experiment with three trained baselines, and samples of one."""
    made = write_experiment(tmp_path_factory.mktemp("an experiment"))
    with contextlib.chdir(ROOT):
        for name in MODELS:
            assert train.main(made.options(name)) == 0
    write_samples(made.root / "my samples")
    return made


def write_samples(directory: Path, groups: tuple[str, ...] = GROUPS, dim: int = 10) -> None:
    """A directory of samples as stage 5 leaves it."""
    directory.mkdir()
    utt2group = {f"{group}-{number:03d}": group for group in groups for number in range(50)}
    vectors = np.random.default_rng(0).normal(size=(len(utt2group), dim)).astype(np.float32)
    write_vectors(directory / "xvector.ark", directory / "xvector.scp", list(utt2group), vectors)
    write_table(directory / "utt2group", utt2group)


def run(made: Experiment, out: Path, *more: str, **replaced: str) -> int:
    """Run the command on an experiment; options by name replace the usual ones."""
    options = {
        "index": str(made.index), "descriptions": str(made.descriptions), "text_vectors": str(made.text_vectors),
        "models": ",".join(str(made.root / name) for name in MODELS), "attributes": "gender,pitch",
        "n_draws": "2", "n_halves": "3", "metrics": "shape,distances", "out": str(out), **replaced,
    }  # fmt: skip
    return score.main([word for name, value in options.items() for word in (f"--{name}", value)] + list(more))


@pytest.fixture(scope="module")
def scored(experiment: Experiment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scores of three models and one directory of samples."""
    out = tmp_path_factory.mktemp("scores") / "score"
    assert run(experiment, out, "--samples", str(experiment.root / "my samples")) == 0
    return out


def test_every_generator_has_its_figures(scored: Path):
    document = json.loads((scored / "scores.json").read_text())
    assert document["order"] == [*MODELS, "my samples"]
    assert set(document["comparisons"]) == set(MODELS)
    for name in MODELS:
        own = document["models"][name]
        by_speaker = list(own["log_density"]["per_speaker"].values())
        assert len(by_speaker) == 8
        assert own["log_density"]["nats"] == pytest.approx(np.mean(by_speaker), rel=1e-4)
        assert set(own["samples"]) == {"seen", "heldout"}
        assert own["memorisation"]["copies"] == 0
    assert document["data"]["subspace_dim"] == 7  # of ten dimensions, one is constant and two follow from others
    assert set(document["models"]["my samples"]["samples"]) == {"given"}
    for own in document["models"].values():
        assert {"shape.zero_share", "shape.norm_distance", "distances.g2s"} <= set(own["measured"])
    shown = {path.name for path in scored.iterdir()}
    assert {"scores.csv", "halves.json", "summary.md", "report.html"} <= shown


def test_random_samples_are_worse_than_the_model(scored: Path):
    models = json.loads((scored / "scores.json").read_text())["models"]
    by_chance, model = models["my samples"]["samples"]["given"], models["ridge_gaussian"]["samples"]["seen"]
    assert by_chance["frechet"]["ratio"] > 2 * model["frechet"]["ratio"]
    assert by_chance["attributes"]["gender"]["accuracy"] < model["attributes"]["gender"]["accuracy"]


def test_summary_names_generators_targets_and_misses(scored: Path):
    text = (scored / "summary.md").read_text()
    for word in (*MODELS, "my samples", "real, same group", "at most 1.10", "(!)", "## Test log density"):
        assert word in text
    tables = [block for block in text.split("\n\n") if block.startswith("|")]
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


class Tags(HTMLParser):
    """Collects the tags of a page with their attributes, and checks that they are closed."""

    def __init__(self, page: str):
        super().__init__()
        self.seen: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_report_is_one_file_that_asks_for_nothing(scored: Path):
    page = (scored / "report.html").read_text()
    tags = Tags(page)
    assert not tags.open
    addresses = [value for _, attrs in tags.seen for name, value in attrs.items() if name in ("src", "href")]
    assert addresses and all(address.startswith(("data:", "#")) for address in addresses)
    places = {attrs["id"] for tag, attrs in tags.seen if tag == "section"}
    assert {f"#{place}" for place in places} == {address for address in addresses if address.startswith("#")}
    assert "url(" not in page and "@import" not in page and "://" not in page
    pictures = [attrs for tag, attrs in tags.seen if tag == "img"]
    assert len(pictures) == len(list((scored / "pictures").glob("*.png"))) > 12
    assert all(attrs["alt"] and len(attrs["src"]) > 5000 for attrs in pictures)


@pytest.mark.skipif(not shutil.which("chromium"), reason="no chromium; apt-get install chromium")
def test_a_browser_shows_every_picture(scored: Path, tmp_path: Path):
    """A script counts the pictures that the browser could decode, and says it in the title."""
    count = (
        "onload = () => { document.title = [...document.images].filter(i => i.naturalWidth > 300).length + ' shown' }"
    )
    page = tmp_path / "counted.html"
    page.write_text((scored / "report.html").read_text() + f"<script>{count}</script>")
    browser = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    done = subprocess.run([*browser, "--dump-dom", page.as_uri()], capture_output=True, text=True, timeout=120)
    assert f"<title>{len(list((scored / 'pictures').iterdir()))} shown</title>" in done.stdout


def test_a_second_run_does_nothing_and_a_forced_one_gives_the_same_bytes(
    experiment: Experiment, scored: Path, capfd: pytest.CaptureFixture
):
    names = ["scores.json", "summary.md", "report.html"]
    before = {name: (scored / name).read_bytes() for name in names}
    stamp = (scored / "report.html").stat().st_mtime_ns
    assert run(experiment, scored, "--samples", str(experiment.root / "my samples")) == 0
    assert (scored / "report.html").stat().st_mtime_ns == stamp
    assert (
        run(experiment, scored, "--samples", str(experiment.root / "my samples"), "--nj", "3", "--force", "true") == 0
    )
    assert (scored / "report.html").stat().st_mtime_ns > stamp
    assert {name: (scored / name).read_bytes() for name in names} == before


def test_generators_of_a_list_are_scored(experiment: Experiment, tmp_path: Path):
    listed = tmp_path / "generators.txt"
    listed.write_text("gaussian gaussian -\nridge_gaussian ridge -\n")
    options = ("--generators", str(listed), "--exp", str(experiment.root))
    assert run(experiment, tmp_path / "out", *options, models="", n_draws="1") == 0
    assert json.loads((tmp_path / "out" / "scores.json").read_text())["order"] == ["gaussian", "ridge_gaussian"]


def test_captions_alone_serve_as_seen_texts(tmp_path: Path):
    made = write_experiment(tmp_path / "captioned", captions="instead")
    with contextlib.chdir(ROOT):
        assert train.main(made.options("ridge_gaussian")) == 0
    models = str(made.root / "ridge_gaussian")
    assert run(made, tmp_path / "out", models=models, n_draws="1") == 0
    own = json.loads((tmp_path / "out" / "scores.json").read_text())["models"]["ridge_gaussian"]
    assert own["samples"]["seen"]["attributes"]["gender"]["ratio"] > 0.8


def test_the_first_model_is_asked_what_it_understands(tmp_path: Path, capfd: pytest.CaptureFixture):
    encoder = SentenceEncoder()
    identity = {"name": encoder.name, "sha256": encoder.sha256, "dim": encoder.dim}
    made = write_experiment(tmp_path / "read", encode=encoder.encode, identity=identity)
    with contextlib.chdir(ROOT):
        assert train.main(made.options("ridge_gaussian")) == 0
    texts = tmp_path / "texts.txt"
    texts.write_text("A male and low voice.\nOne hears a female and high speaker.\n")
    options = {"models": str(made.root / "ridge_gaussian"), "n_draws": "1", "texts": str(texts)}
    assert run(made, tmp_path / "out", **options) == 0
    told = json.loads((tmp_path / "out" / "scores.json").read_text())["understanding"]
    assert (
        told["model"] == "ridge_gaussian" and [one["text"] for one in told["texts"]] == texts.read_text().splitlines()
    )
    male, female = (one["samples"]["gender"]["male"] for one in told["texts"])
    assert male > female + 0.15
    assert "What did it understand?" in (tmp_path / "out" / "summary.md").read_text()
    capfd.readouterr()
    texts.write_text("")
    assert run(made, tmp_path / "none", **options) == 1  # a change of the texts is seen
    assert f"{texts}: 0 texts; expected 1 to 30" in capfd.readouterr().err.splitlines()[-1]


def test_a_model_without_its_encoder_is_scored_and_it_is_said(
    experiment: Experiment, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    assert run(experiment, tmp_path / "out", n_draws="1", models=str(experiment.root / MODELS[0])) == 0
    assert "the report does not show what ridge_gaussian understands: " in caplog.text
    assert "understanding" not in json.loads((tmp_path / "out" / "scores.json").read_text())


@pytest.mark.parametrize(
    ("replaced", "complaint"),
    [
        ({"models": ""}, "nothing to score"),
        ({"models": "{root}/none"}, "{root}/none: no such directory; train it (stage 4)"),
        ({"models": "{root}/index"}, "{root}/index: no xvector.scp; expected samples of group descriptions"),
        ({"models": "{root}/gaussian,{root}/gaussian"}, "{root}/gaussian has the same name"),
        (
            {"attributes": "gender"},
            "group 'female_high': expected 1 values joined by '_', one for each of --attributes gender",
        ),
        ({"metrics": "fid"}, "--metrics: no metric 'fid'; expected quick, full, distances"),
        ({"dev": "{root}/index/dev"}, "--dev: of the index, where --index is given"),
        ({"n_draws": "0"}, "--n_draws: expected 1 to 10000, found 0"),
        ({"max_samples": "0"}, "--max_samples: expected 1 to 10000000, found 0"),
        ({"index": "{root}/none"}, "{root}/none/train: no such file or directory; run the stage that makes it first"),
        ({"generators": "conf/generators.txt"}, "give --exp too"),
        ({"texts": "{root}/none.txt"}, "{root}/none.txt: no such file"),
        (
            {"texts": "{root}/descriptions/text", "models": "", "samples": "{root}/my samples"},
            "is no model that could read",
        ),
        ({"texts": "{root}/descriptions/text"}, "trained on text vectors of by chance (000000000000), this encoder is"),
    ],
)
def test_bad_options_are_one_clear_error(
    experiment: Experiment, tmp_path: Path, capfd: pytest.CaptureFixture, replaced: dict, complaint: str
):
    root = str(experiment.root)
    replaced = {name: value.format(root=root) for name, value in replaced.items()}
    assert run(experiment, tmp_path / "out", **replaced) == 1
    errors = [line for line in capfd.readouterr().err.splitlines() if "ERROR" in line]
    assert len(errors) == 1 and complaint.format(root=root) in errors[0]
    assert not (tmp_path / "out").exists()


def test_a_text_without_a_vector_is_named(experiment: Experiment, tmp_path: Path, capfd: pytest.CaptureFixture):
    shutil.copytree(experiment.text_vectors, tmp_path / "text")
    table = read_table(tmp_path / "text" / "text_vec.scp")
    write_table(tmp_path / "text" / "text_vec.scp", {key: table[key] for key in table if key != "male_low-v05"})
    assert run(experiment, tmp_path / "out", text_vectors=str(tmp_path / "text")) == 1
    assert "no line for 'male_low-v05'" in capfd.readouterr().err


def test_samples_of_another_dimension_are_refused(experiment: Experiment, tmp_path: Path, capfd: pytest.CaptureFixture):
    write_samples(tmp_path / "other", dim=12)
    assert run(experiment, tmp_path / "out", models=str(tmp_path / "other")) == 1
    assert "other: 12-d samples, but the index has 10 dimensions" in capfd.readouterr().err


@pytest.mark.field_case("An index whose sets share speakers is not scored")
def test_an_index_whose_sets_share_speakers(experiment, tmp_path, capsys):
    shutil.copytree(experiment.index, tmp_path / "index")
    shutil.rmtree(tmp_path / "index" / "test")
    shutil.copytree(tmp_path / "index" / "train", tmp_path / "index" / "test")
    assert run(experiment, tmp_path / "score", index=str(tmp_path / "index")) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert re.search(r"\d+ speakers are in .*index/train and in .*index/test: .*split by speaker", error)
    assert not (tmp_path / "score").exists()
