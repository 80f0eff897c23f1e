"""From LibriSpeech to the false acceptance of sampled speakers, and the commands that Kaldi would run."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from steps.generators import sample
from tests.recipes.recipe import ROOT
from tests.steps.verify.corpus import write_corpus
from utils.archives import read_vectors
from utils.tables import read_table

RECIPE = ROOT / "egs" / "librispeech" / "plda"
EVERY = 10  # speakers


class Program(NamedTuple):
    """How one of Kaldi's programs is called, as its source in src/ivectorbin or src/bin says."""

    arguments: set[int]
    outputs: int = 1  # so many of the arguments, the last ones, are written
    options: tuple[str, ...] = ()


KALDI = {
    "ivector-mean": Program({2, 3, 4}, outputs=2),
    "ivector-compute-lda": Program({3}, options=("total-covariance-factor", "dim")),
    "ivector-compute-plda": Program({3}),
    "ivector-plda-scoring": Program({5}, options=("normalize-length", "num-utts")),
    "ivector-copy-plda": Program({2}, options=("smoothing",)),
    "ivector-subtract-global-mean": Program({2, 3}),
    "ivector-normalize-length": Program({2}),
    "transform-vec": Program({3}),
    "compute-eer": Program({1}, outputs=0),
}


class Plda:
    """The recipe on every tenth speaker, with settings so small that it takes seconds."""

    def __init__(self, root: Path, corpus: Path):
        self.root, self.corpus, self.conf = root, corpus, root / "conf"
        self.conf.mkdir()
        (self.conf / "mdn.yaml").write_text("epochs: 3\nhidden: 32\nn_components: 2\n")
        (self.conf / "generators.txt").write_text(f"mdn mdn {self.conf / 'mdn.yaml'}\n")
        (self.conf / "prepare.yaml").write_text((RECIPE / "conf" / "prepare.yaml").read_text())
        (self.conf / "text.yaml").write_text("variants_per_group: 4\nreader_texts: 0\n")
        (self.conf / "split.yaml").write_text("allow_missing_groups: true\nfractions: [0.5, 0.1, 0.4]\n")
        (self.conf / "sample.yaml").write_text("n_samples: 5\n")
        (self.conf / "plda.yaml").write_text("enrol_utterances: 1\nprojection: whitening\ndim: 16\n")

    def run(self, *more: str) -> str:
        """Run it to its end. Returns what it said."""
        out, data, exp = self.root / "verify", self.root / "data", self.root / "exp"
        words = ["--data", str(data), "--exp", str(exp), "--out", str(out), "--conf_dir", str(self.conf)]
        run = subprocess.run(
            ["./run.sh", "--data_dir", str(self.corpus), *words, *more],
            cwd=RECIPE,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert run.returncode == 0, run.stdout
        return run.stdout


@pytest.fixture(scope="module")
def finished(librispeech_251: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Plda, str]:
    """The recipe, run once, and what it said."""
    root = tmp_path_factory.mktemp("plda")
    whole, corpus = librispeech_251 / "LibriSpeech", root / "LibriSpeech"
    (corpus / "train-clean-100").mkdir(parents=True)
    (corpus / "SPEAKERS.TXT").symlink_to(whole / "SPEAKERS.TXT")
    for folder in sorted((whole / "train-clean-100").iterdir())[::EVERY]:
        (corpus / "train-clean-100" / folder.name).symlink_to(folder)
    recipe = Plda(root, corpus)
    return recipe, recipe.run()


@pytest.mark.timeout(400)
@pytest.mark.field_case("Real enrolment against sampled speakers by PLDA: the use that the README promises")
def test_samples_are_judged_beside_real_strangers(finished):
    recipe, said = finished
    out = recipe.root / "verify"
    figures = json.loads((out / "report" / "figures.json").read_text())
    for name in ("plda", "cosine"):
        found = figures[name]["all"]
        assert 0 < found["eer"] < 0.3 and min(found["trials"].values()) > 20
        assert 0 <= found["at"]["eer"]["sampled"] < 0.5
    assert (out / "report" / "summary.md").read_text() in said and (out / "report" / "scores.png").is_file()
    speakers = {name: set(read_table(recipe.root / "data" / name / "utt2spk").values()) for name in ("train", "test")}
    assert speakers["train"].isdisjoint(speakers["test"])
    enrolled = set(read_table(out / "trials" / "enrol" / "utt2spk").values())
    assert enrolled <= speakers["test"]
    assert "Not run here: Kaldi's programs are not on PATH" in said or (out / "scores/kaldi/scores").is_file()
    again = recipe.run("--stage", "1")
    assert again.count("is up to date") == 5


@pytest.mark.timeout(400)
def test_a_back_end_is_trained_on_samples_alone(finished):
    recipe, _ = finished
    exp, samples = recipe.root / "exp", recipe.root / "samples"
    words = [
        "--model",
        exp / "mdn",
        "--descriptions",
        recipe.root / "data/descriptions",
        "--text_vectors",
        exp / "text",
    ]
    words += ["--out", samples, "-n", "3", "--utts_per_speaker", "3", "--id_prefix", "backend"]
    assert sample.main([str(word) for word in words]) == 0
    recipe.run("--stage", "1", "--stop_stage", "1", "--train", str(samples), "--out", str(recipe.root / "sampled"))
    speakers = read_table(recipe.root / "sampled/plda/train/utt2spk").values()
    assert len(set(speakers)) * 3 == len(speakers) == 135 and all(one.startswith("backend-") for one in speakers)


@pytest.mark.timeout(400)
def test_commands_for_kaldi_name_its_programs_and_files_that_are_there(finished):
    """They are not run: the programs, their options and numbers of arguments are compared with Kaldi's sources."""
    recipe, _ = finished
    out, trials = recipe.root / "kaldi", recipe.root / "verify" / "trials"
    words = [str(recipe.root / "data" / "train"), str(trials), str(out)]
    script = [ROOT / "steps/verify/kaldi_plda.sh", "--print", "true", "--dim", "12", *words]
    said = subprocess.run(script, check=True, capture_output=True, text=True, cwd=ROOT).stdout
    assert subprocess.run(["bash", "-n"], input=said, text=True).returncode == 0
    checked = Commands(str(out))
    for line in said.replace("\\\n", " ").replace("|\n", "| ").splitlines():
        checked.check(shlex.split(line, comments=True))
    assert checked.used == KALDI.keys()
    assert str(out / "scores") in checked.written
    assert all(len(line.split()) == 2 for line in (trials / "pairs").read_text().splitlines())


class Commands:
    """Checks commands in their order: known programs and options, and each file there or written before it is read."""

    def __init__(self, out: str):
        self.out, self.written, self.used = out, set(), set()

    def check(self, words: list[str]) -> None:
        """Check the programs of one line."""
        while "|" in words:
            end = words.index("|")
            self._check_program(words[:end])
            words = words[end + 1 :]
        if words:
            self._check_program(words)

    def _check_program(self, words: list[str]) -> None:
        if words[0] in ("mkdir", "awk"):
            return
        if words[0] == "mv":
            assert words[1] in self.written
            self.written.add(words[2])
            return
        self.used.add(words[0])
        program, given = KALDI[words[0]], [word for word in words[1:] if not word.startswith("--")]
        options = dict(word[2:].split("=") for word in words[1:] if word.startswith("--"))
        assert options.keys() <= set(program.options) and len(given) in program.arguments, words
        files = [*given, *(value for value in options.values() if value.startswith("ark:"))]
        for number, word in enumerate(files):
            self._check_file(word, len(given) - program.outputs <= number < len(given))

    def _check_file(self, word: str, may_be_new: bool) -> None:
        if word.endswith("|"):
            self.check(shlex.split(word.removeprefix("ark:").removesuffix("|")))
            return
        name = re.sub("^(?:ark|ark,t|scp):", "", word)
        if may_be_new and name.startswith(self.out):
            self.written.add(name)
        assert name == "-" or name in self.written or Path(name).is_file(), word


@pytest.mark.timeout(400)
@pytest.mark.field_case(
    "Embeddings for the Voice Privacy Challenge 2024, by the lines of the README, and no code in them"
)
def test_the_lines_for_the_voice_privacy_challenge(finished, tmp_path):
    recipe, _ = finished
    lines = re.search(r"<<'END'\n(.+?)\nEND\n", (RECIPE / "README.md").read_text(), re.DOTALL).group(1)
    samples, out = recipe.root / "exp" / "samples" / "groups", tmp_path / "for vpc"
    subprocess.run([sys.executable, "-c", lines, str(samples), str(out)], check=True, cwd=ROOT)
    vectors = torch.load(out / "speaker_vectors.pt", weights_only=True)
    speakers, x = read_vectors(samples / "spk_xvector.scp")
    rows = {speaker: int(row) for speaker, row in read_table(out / "id2idx").items()}
    assert rows == {speaker: row for row, speaker in enumerate(speakers)} and torch.equal(vectors, torch.from_numpy(x))
    names = [speaker for _, speaker in sorted(read_table(out / "idx2spk").items())]
    assert names == speakers and read_table(out / "spk2gender").keys() == rows.keys()


@pytest.mark.hostile(
    "The recipe of real and sampled speakers: stray words, stages that are none, settings that are nowhere"
)
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["stray"], "stray: expected options only"),
        (["--stage", "18446744073709551616"], "expected two numbers"),
        (["--stage", "0"], "give --data_dir, or --stage 1"),
        (["--stage", "1", "--conf_dir", "nowhere"], "no plda.yaml there"),
        (["--stage", "1", "--set", "dims=3", "--data", "nowhere"], "unknown option"),
        (["--stage", "1", "--data", "nowhere"], "nowhere/train/utt2spk: no such file or directory; run the stage"),
    ],
)
def test_bad_options_are_refused_in_one_line(words, said):
    run = subprocess.run(["./run.sh", *words], cwd=RECIPE, capture_output=True, text=True)
    errors = [line for line in run.stderr.splitlines() if "ERROR" in line]
    assert run.returncode == 1 and len(errors) == 1 and said in errors[0], run.stderr


def test_paths_with_blanks_are_no_fault_where_kaldi_is_not(tmp_path):
    """Nothing runs then; but commands that would not work are not printed either."""
    trials = write_corpus(tmp_path / "my corpus").test
    for name in ("trials", "pairs", "enrol/spk2utt", "enrol/xvector.scp", "test/xvector.scp"):
        (trials / name).parent.mkdir(exist_ok=True)
        (trials / name).touch()
    script = [ROOT / "steps/verify/kaldi_plda.sh", tmp_path / "my corpus" / "train", trials, tmp_path / "out"]
    environment = os.environ | {"PATH": "/usr/bin:/bin"}
    run = subprocess.run(script, capture_output=True, text=True, cwd=ROOT, env=environment)
    assert run.returncode == 0 and run.stdout.count("\n") == 1 and "rename the directories" in run.stdout
    run = subprocess.run([*script, "--print", "true"], capture_output=True, text=True, cwd=ROOT, env=environment)
    assert run.returncode == 1
