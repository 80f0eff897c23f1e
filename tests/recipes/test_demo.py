"""The recipe on a small demo corpus, from voices to the report page as a browser shows it."""

import subprocess
import sys
from pathlib import Path

import pytest

from local.demo.__main__ import PACKAGES
from tests.recipes.page import open_page
from tests.recipes.recipe import ROOT, Recipe, write_conf
from utils.tables import read_table

for package in PACKAGES:
    pytest.importorskip(
        package, reason="the packages of requirements-demo.txt and requirements-audio.txt are not installed"
    )

VOICES = "36"  # as few as leave training speakers in every group


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """All stages, the first one with fewer voices than ./run.sh would take."""
    root = tmp_path_factory.mktemp("demo")
    recipe = Recipe(root / "small demo", write_conf(root / "conf"), "--corpus", "demo")
    prepare = [sys.executable, "-m", "local.demo", "--n_voices", VOICES, "--out", str(recipe.data / "all")]
    subprocess.run(prepare, cwd=ROOT, check=True)
    recipe.run("--stage", "1")
    return recipe


@pytest.mark.parametrize("name", ["all", "train", "dev", "test"])
def test_data_directories_are_valid_with_their_audio(demo, name):
    command = [ROOT / "utils/validate_data_dir.sh", "--no-feats", demo.data / name]
    shown = subprocess.run(command, capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr
    assert all(Path(wav).is_file() for wav in read_table(demo.data / name / "wav.scp").values())


def test_every_group_gets_its_samples(demo):
    groups = list(read_table(demo.exp / "samples/groups/utt2group").values())
    assert len(set(groups)) == 18
    assert len(groups) == 18 * 3


def test_help_shows_what_is_done(demo):
    shown = subprocess.run([*demo.words, "--help"], cwd=ROOT, capture_output=True, text=True)
    lines = [line.split() for line in shown.stderr.splitlines()]
    assert ["4", "train", "gaussian", "mdn"] in lines
    assert ["6", "score", "score"] in lines


def test_the_report_shows_every_picture_and_asks_nobody(demo, tmp_path):
    shown = open_page(demo.exp / "score/report.html", tmp_path / "page")
    assert len(shown["pictures"]) == len(list((demo.exp / "score/pictures").iterdir())) >= 5
    hidden = [alt for alt, complete, width, seen in shown["pictures"] if not (complete and width > 300 and seen > 100)]
    assert hidden == []
    assert shown["requests"] == []
    assert "gaussian" in shown["text"]
    page = (demo.exp / "score/report.html").read_text(encoding="utf-8")
    assert page.count('src="data:audio/flac;base64,') == 12  # two real speakers beside each of six samples


def test_a_broken_picture_would_be_seen(demo, tmp_path):
    page = (demo.exp / "score/report.html").read_text(encoding="utf-8")
    broken = page.replace("data:image/png;base64,iVBOR", "data:image/png;base64,XXXXX", 1)
    broken = broken.replace("</body>", '<img alt="far" src="http://127.0.0.1:9/far.png"></body>')
    (tmp_path / "broken.html").write_text(broken, encoding="utf-8")
    shown = open_page(tmp_path / "broken.html", tmp_path / "page")
    assert [width for _, _, width, _ in shown["pictures"]].count(0) == 2
    assert shown["requests"] == ["http://127.0.0.1:9/far.png"]
