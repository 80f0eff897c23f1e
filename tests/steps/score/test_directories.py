"""Anyone's directories of samples beside real speakers: what is measured, what is skipped, and what is refused."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from steps.score import score
from steps.score.results import read_results
from utils.archive_writer import write_vectors
from utils.tables import write_table

DIM = 8
QUICK = ("--metrics", "quick", "--n_halves", "4")


def write_directory(
    path: Path,
    n: int,
    each: int = 1,
    dim: int = DIM,
    seed: int = 0,
    shift: float = 0.0,
    groups: bool = False,
    speakers: bool = True,
    name: str = "spk",
) -> Path:
    """Embeddings of n speakers, `each` a speaker, who are female or male by turns, which one dimension tells."""
    rng = np.random.default_rng(seed)
    path.mkdir(parents=True)
    ids = [f"{name}{seed}-{number:03d}-{k}" for number in range(n) for k in range(each)]
    gender = np.repeat(np.arange(n) % 2, each)
    x = np.repeat(rng.normal(size=(n, dim)), each, axis=0) + 0.3 * rng.normal(size=(n * each, dim)) + 1
    x[:, 0] += 3 * gender
    write_vectors(path / "xvector.ark", path / "xvector.scp", ids, (x + shift).astype(np.float32))
    if speakers:
        write_table(path / "utt2spk", {one: one.rpartition("-")[0] for one in ids})
    if groups:
        write_table(path / "utt2group", {one: ("female", "male")[g] for one, g in zip(ids, gender, strict=True)})
    return path


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directories of real speakers, train, dev and test, and samples: good, shifted, without anything but vectors."""
    root = tmp_path_factory.mktemp("anyone")
    for seed, (name, n) in enumerate({"train": 60, "dev": 24, "test": 40}.items()):
        write_directory(root / name, n, 3, seed=seed, groups=True)
    write_directory(root / "good", 80, 2, seed=5, groups=True, name="new")
    write_directory(root / "shifted", 80, 2, seed=6, groups=True, shift=-6.0, name="new")
    write_directory(root / "bare", 50, seed=7, speakers=False, name="7f3c")
    for seed in (8, 9):
        write_directory(root / f"mdn_seed{seed}", 40, seed=seed, speakers=False)
    return root


def run(root: Path, names: str, out: Path, *more: str, **replaced: str) -> int:
    """Score some directories of samples, names separated by commas."""
    options = {
        "train": str(root / "train"), "test": str(root / "test"), "out": str(out),
        "samples": ",".join(str(root / name) for name in names.split(",")),
    } | replaced  # fmt: skip
    return score.main([word for name, value in options.items() for word in (f"--{name}", value)] + list(more))


@pytest.fixture(scope="module")
def scored(real: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scores of all samples, with one metric that is not quick."""
    out = tmp_path_factory.mktemp("scores") / "score"
    more = ("--dev", str(real / "dev"), "--attributes", "gender", "--n_halves", "8")
    assert run(real, "good,shifted,bare", out, "--metrics", "quick,frechet,attributes,same_speaker", *more) == 0
    return out


def test_a_fault_is_seen_and_good_samples_are_not_blamed(scored: Path):
    models = json.loads((scored / "scores.json").read_text())["models"]
    assert list(models) == ["bare", "good", "shifted"]
    good, shifted = (models[name]["measured"] for name in ("good", "shifted"))
    assert all(one.get("as_real", True) for one in good.values())
    assert not shifted["distances.g2s"]["as_real"] and not shifted["energy.energy_score"]["as_real"]
    assert shifted["energy.energy_score"]["value"] > shifted["energy.energy_score"]["real"]
    for one in good.values():
        assert one["ci95"][0] <= one["value"] <= one["ci95"][1]
    wanted = good["attributes.gender"]
    assert wanted["value"] > 0.9 and wanted["real"] > 0.9 and wanted["floor"] < 0.7


def test_what_lacks_an_input_is_skipped_with_the_reason(scored: Path):
    bare = json.loads((scored / "scores.json").read_text())["models"]["bare"]
    assert {"same_speaker", "attributes", "log_density", "paraphrases"} <= set(bare["skipped"])
    assert "one utterance a sampled speaker" in bare["skipped"]["same_speaker"]
    assert "give utt2group" in bare["skipped"]["attributes"]
    assert "distances.g2s" in bare["measured"]
    text = (scored / "summary.md").read_text()
    assert "bare: same\\_speaker" in text or "bare: same_speaker" in text


def test_all_figures_are_read_as_a_table(scored: Path):
    table = read_results(scored)
    assert set(table.model) == {"good", "shifted", "bare"}
    row = table[(table.model == "good") & (table.metric == "measured.frechet.value")]
    document = json.loads((scored / "scores.json").read_text())
    assert row.value.tolist() == [document["models"]["good"]["measured"]["frechet"]["value"]]
    with (scored / "scores.csv").open() as lines:
        assert len(list(csv.reader(lines))) == len(table) + 1
    pandas, _ = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    assert pandas.read_parquet(scored / "scores.parquet").equals(table)


def test_any_number_of_processes_and_a_second_run(real: Path, tmp_path: Path):
    assert (
        run(real, "bare,good", tmp_path / "one", *QUICK)
        == run(real, "bare,good", tmp_path / "two", *QUICK, nj="2")
        == 0
    )
    for name in ("scores.json", "halves.json", "summary.md", "scores.csv", "report.html"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    stamp = (tmp_path / "one" / "scores.json").stat().st_mtime_ns
    assert run(real, "bare,good", tmp_path / "one", *QUICK) == 0
    assert (tmp_path / "one" / "scores.json").stat().st_mtime_ns == stamp


def test_genders_stand_in_for_groups(real: Path, tmp_path: Path):
    for name, n in (("train", 40), ("test", 30), ("theirs", 30)):
        made = write_directory(tmp_path / name, n, seed=len(name), name=name)
        speakers = sorted({line.split()[1] for line in (made / "utt2spk").read_text().splitlines()})
        write_table(made / "spk2gender", {one: "fm"[number % 2] for number, one in enumerate(speakers)})
    assert run(tmp_path, "theirs", tmp_path / "out", "--metrics", "attributes", "--n_halves", "3") == 0
    found = json.loads((tmp_path / "out" / "scores.json").read_text())["models"]["theirs"]["measured"]
    assert found["attributes.gender"]["value"] > 0.85


@pytest.mark.parametrize("groups", [{}, {"utt2group": "female"}], ids=["no groups", "one group"])
def test_the_page_shows_what_is_known(tmp_path: Path, groups: dict):
    for name, n in (("train", 12), ("test", 9), ("theirs", 20)):
        made = write_directory(tmp_path / name, n, seed=n, name=name)
        for table, value in groups.items():
            ids = [line.split()[0] for line in (made / "utt2spk").read_text().splitlines()]
            write_table(made / table, dict.fromkeys(ids, value))
    assert run(tmp_path, "theirs", tmp_path / "out", "--metrics", "distances", "--n_halves", "3") == 0
    page = (tmp_path / "out" / "report.html").read_text()
    pictures = sorted(path.name for path in (tmp_path / "out" / "pictures").iterdir())
    assert pictures == ["distances_01.png", "distances_02.png", "maps_01.png", "maps_02.png"]
    assert page.count("<img ") == 4 and "has no wav.scp" in page and page.count("<h3>Sample") == 6


def test_models_of_several_seeds_have_a_table_over_them(real: Path, tmp_path: Path):
    assert run(real, "mdn_seed8,mdn_seed9", tmp_path / "out", "--metrics", "distances", "--n_halves", "3") == 0
    table = read_results(tmp_path / "out").set_index(["model", "metric"]).value
    both = [table[f"mdn_seed{seed}", "measured.distances.g2s.value"] for seed in (8, 9)]
    assert table["mdn (seeds)", "measured.distances.g2s.value"] == pytest.approx(np.mean(both), rel=1e-4)
    assert "## mdn over training seeds" in (tmp_path / "out" / "summary.md").read_text()


def test_training_speakers_as_samples_are_copies(real: Path, tmp_path: Path):
    assert run(real, "train", tmp_path / "out", "--metrics", "memorisation,distances", "--n_halves", "3") == 0
    found = json.loads((tmp_path / "out" / "scores.json").read_text())["models"]["train"]["measured"]
    assert found["memorisation.copies"]["value"] == 1


def test_samples_that_are_all_one_vector_are_scored(real: Path, tmp_path: Path):
    one = np.tile(np.arange(DIM, dtype=np.float32), (30, 1))
    (tmp_path / "collapsed").mkdir()
    ids = [f"s{number}" for number in range(30)]
    write_vectors(tmp_path / "collapsed" / "xvector.ark", tmp_path / "collapsed" / "xvector.scp", ids, one)
    assert run(real, "bare", tmp_path / "out", "--metrics", "crowding", samples=str(tmp_path / "collapsed")) == 0
    found = json.loads((tmp_path / "out" / "scores.json").read_text())["models"]["collapsed"]["measured"]
    assert found["crowding.g2g"]["value"] < 1e-5 and not found["crowding.g2g"]["as_real"]


@pytest.mark.parametrize(
    ("replaced", "complaint"),
    [
        ({"test": "{root}/train"}, "--test {root}/train: the directory of --train; give speakers held out"),
        ({"samples": "{root}/none"}, "{root}/none: no such directory"),
        ({"samples": "{root}/wide"}, "{root}/wide: embeddings of 9 dimensions, but {root}/train has 8"),
        ({"samples": "{root}/empty"}, "{root}/empty/xvector.scp: no such file"),
        ({"samples": "{root}/one"}, "{root}/one: 1 sampled speakers; expected two or more"),
        ({"train": "{root}/bare"}, "{root}/bare: no utt2spk here; expected a Kaldi data directory"),
        ({"test": "{root}/few"}, "{root}/few/utt2spk: 3 speakers; a real set needs 8"),
        ({"test": "{root}/again"}, "60 speakers are in {root}/train and in {root}/again"),
        ({"metrics": "fid"}, "--metrics: no metric 'fid'; expected quick, full, distances"),
        ({"exp": "{root}/bare"}, "--train, --test: --exp is for scores with --index"),
        ({"n_halves": "1"}, "--n_halves: expected 3 to 1000"),
        ({"samples": "{root}/nan"}, "{root}/nan/xvector.scp: a: no embedding: its norm is nan"),
        ({"samples": "{root}/blank"}, "{root}/blank/xvector.scp: empty"),
        ({"samples": "{root}/bare,{root}/bare"}, "has the same name"),
    ],
)
def test_bad_input_is_one_line(
    real: Path, tmp_path: Path, capfd: pytest.CaptureFixture, replaced: dict, complaint: str
):
    root = tmp_path / "r"
    root.mkdir()
    for name in ("train", "test", "bare"):
        (root / name).symlink_to(real / name)
    write_directory(root / "wide", 10, dim=9)
    write_directory(root / "few", 3, seed=9)
    write_directory(root / "again", 60, seed=0)
    write_directory(root / "one", 1, each=2, seed=8)
    for name in ("empty", "nan", "blank"):
        (root / name).mkdir()
    broken = np.full((2, DIM), np.nan, np.float32)
    write_vectors(root / "nan" / "xvector.ark", root / "nan" / "xvector.scp", ["a", "b"], broken)
    (root / "blank" / "xvector.scp").write_text("")
    replaced = {name: value.format(root=root) for name, value in replaced.items()}
    assert run(root, "bare", tmp_path / "out", **{"metrics": "distances", **replaced}) == 1
    errors = [line for line in capfd.readouterr().err.splitlines() if "ERROR" in line]
    assert len(errors) == 1 and complaint.format(root=root) in errors[0]
    assert not (tmp_path / "out").exists()


def test_one_real_set_alone_is_asked_for_the_other(real: Path, tmp_path: Path, capfd: pytest.CaptureFixture):
    assert (
        score.main(["--train", str(real / "train"), "--samples", str(real / "bare"), "--out", str(tmp_path / "o")]) == 1
    )
    assert "--test: missing; give --train and --test" in capfd.readouterr().err
