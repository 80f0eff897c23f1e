"""The check before a long run: what it finds, what it estimates, and that it leaves nothing behind."""

import io
import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from local import check_run
from local.check_parts import Verdicts, check_encoder, check_gpu, check_room, jobs_at_once, require_places
from local.estimates import Estimate, Sizes, grown, in_words, memory_of, scored_factor, span_in_words, together
from local.rehearsal import Rehearsal
from local.rehearsed_training import Training, repeated, train_for
from steps.data import take_part
from steps.generators.mdn.options import MdnOptions
from steps.generators.pairs import Pairs
from steps.generators.train import Entry
from tests.processes import small_files, wait_for
from tests.recipes.slice import write_slice
from tests.steps.generators.experiment import write_experiment
from utils.data_dir import DataDir, validate, write_data_dir
from utils.errors import InputError
from utils.tables import write_table

ROOT = Path(__file__).parents[2]
RECIPE = """#!/bin/bash
for stage in 0 1; do echo "10:00:0$((3 * stage)) stage $stage: a title"; done
printf '%s\\n' "$PS_PART" "$@"
[ "${!#}" != fail ] || { echo "x: ERROR: no such thing" >&2; exit 1; }
[ "${!#}" != wait ] || sleep 60
"""


@pytest.fixture
def rehearsal(tmp_path: Path) -> Rehearsal:
    script = tmp_path / "recipe.sh"
    script.write_text(RECIPE)
    script.chmod(0o755)
    (tmp_path / "check").mkdir()
    return Rehearsal(script, ["--corpus", "a b"], tmp_path / "check")


def test_a_rehearsal_calls_the_recipe_as_its_user_did(rehearsal: Rehearsal) -> None:
    trial = rehearsal.run(0, 1, "--more", "x", part=7)
    assert trial.fault == "" and trial.peak > 1e6 and trial.stages[0] == 3 and trial.stages[1] <= trial.seconds
    *_, part, first, second = (rehearsal.directory / "stage_0.log").read_text().splitlines()[:5]
    assert (part, first, second) == ("7", "--corpus", "a b")
    last = rehearsal.run(0, 0, "fail")
    assert last.fault == "no such thing"
    stopped = rehearsal.run(0, 0, "wait", enough=lambda seconds: seconds > 0.3)
    assert stopped.fault == "" and stopped.seconds < 30


def test_an_empty_word_of_the_call_is_a_word() -> None:
    assert check_run.words_of("--text\0\0--labels\0a b\0") == ["--text", "", "--labels", "a b"]
    assert check_run.words_of("") == []


def test_what_grows_and_what_does_not() -> None:
    assert grown(10, 4, 3) == 22 and grown(3, 4, 100) == 3
    assert scored_factor(200, 1800) == 1 and scored_factor(4000, 10**6) == 2
    assert memory_of(10**9, 1000, Sizes(1000, 512)) == 10**9
    assert memory_of(0, 0, Sizes(10, 100)) == 10 * (3200 + 300)
    assert [in_words(s) for s in (9.6, 120, 9000)] == ["10 s", "2 min", "2.5 h"]
    assert span_in_words(60, 7200) == "60 s to 2.0 h" and span_in_words(1, 1) == "1 s"
    estimate = Estimate()
    estimate.add("4", 1, 5)
    estimate.add("4", 2)
    assert estimate.seconds == {"4": (3, 7)} and estimate.total == (3, 7)
    estimate.add("0", 9)
    estimate.keep(1, 4)
    assert estimate.total == (3, 7)


def test_trainings_that_run_at_once_take_as_long_as_the_longest_or_their_share() -> None:
    assert together([(4, 40), (2, 10), (6, 10)], 2) == (6, 40) and together([(4, 4)] * 3, 2) == (6, 6)
    assert together([], 2) == (0, 0)
    assert jobs_at_once("cpu", "slurm.pl", 8) == 8 and jobs_at_once("cpu", "run.pl", 8) >= 1


def test_a_training_of_some_seconds_tells_how_long_all_of_it_takes() -> None:
    options = MdnOptions(epochs=100, patience=10, updates_per_epoch=10)
    seen = Training(rows=20_000, start=2.0, updates=5, seconds=10.0)  # an update of 2,000 rows in 2 s
    assert seen.span(options, 80_000) == (8 + 11 * 80, 8 + 100 * 80)


def test_a_network_is_trained_for_some_seconds(tmp_path: Path) -> None:
    made = write_experiment(tmp_path / "made")
    options = MdnOptions(hidden=16, n_components=2, epochs=10_000, patience=10_000)
    places = made.index, made.descriptions, made.text_vectors
    seen = train_for(Entry("mdn", "mdn", None), options, places, 500, "cpu", tmp_path / "out", 0.5)
    assert seen.rows == 480 and seen.updates > 1 and 0.4 < seen.seconds < 20 and seen.start > 0
    least, most = seen.span(options, 10**6)
    assert seen.start < least <= most


def test_pairs_are_repeated_for_new_speakers() -> None:
    numbers = np.arange(3)
    pairs = Pairs(
        np.eye(3, dtype=np.float32), numbers, numbers % 2, ["a", "b"], np.eye(2), numbers[:2], np.eye(1), numbers[2:]
    )
    more = repeated(pairs, 7)
    assert (
        more.x.shape == (6, 3) and more.speakers.tolist() == [0, 1, 2, 3, 4, 5] and more.caption_rows.tolist() == [2, 5]
    )
    assert more.texts_of_row.tolist() == pairs.texts_of_row.tolist() * 2 and len(repeated(pairs, 1).x) == 3


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    verdicts = Verdicts()
    assert not check_encoder(tmp_path / "nowhere", verdicts)
    check_room(tmp_path / "data", tmp_path / "exp", Estimate(memory=10**15, disk=10**18), verdicts)
    assert [what for what, _, verdict in verdicts.rows if verdict == "MISSING"] == ["encoder", "memory", "disk"]
    assert "1000000.0 GB needed" in verdicts.missing[1] and len(verdicts.missing) == 3
    check_gpu("true", "slurm.pl", verdicts)
    assert check_gpu("false", "run.pl", verdicts) == "cpu"
    assert [verdict for *_, verdict in verdicts.rows[3:]] == ["ok", "ok"]


@pytest.fixture
def without_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())


@pytest.mark.usefixtures("without_words")
def test_a_run_that_could_not_write_is_not_tried(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    require_places(tmp_path / "data" / "demo", tmp_path)
    call = ["--data", str(tmp_path / "file" / "data"), "--exp", str(tmp_path / "exp")]
    assert check_run.main(call) == 1 and f"{tmp_path / 'file'} is no directory" in capsys.readouterr().err
    with small_files(1000), pytest.raises(InputError, match=r"--data .*: .* cannot be written to \(File too large\)"):
        require_places(tmp_path / "data", tmp_path)
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]
    with pytest.raises(InputError, match="--exp .*file is no directory; name a directory"):
        require_places(tmp_path, tmp_path / "file")


@pytest.mark.usefixtures("without_words")
def test_data_of_an_earlier_stage_is_checked_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = ["--data", str(tmp_path / "data"), "--exp", str(tmp_path / "exp"), "--stage", "1"]
    assert check_run.main(call) == 1 and "all/utt2spk: missing" in capsys.readouterr().err
    data = tmp_path / "data" / "all"
    write_data_dir(data, {"utt2spk": {"a-1": "a"}})
    write_table(data / "utt2dur", {"a-1": "long"})
    assert check_run.main(call) == 1 and "utt2dur" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.usefixtures("without_words")
def test_a_disk_without_room_for_a_part_is_told_in_the_table(tmp_path, monkeypatch, capsys) -> None:
    write_data_dir(tmp_path / "data/all", {"utt2spk": {f"s{n:03}-1": f"s{n:03}" for n in range(900)}})
    monkeypatch.setattr(check_run, "check_encoder", lambda *words: True)
    call = ["--data", str(tmp_path / "data"), "--exp", str(tmp_path / "exp"), "--stage", "1", "--use_gpu", "false"]
    with small_files(5000):
        assert check_run.main(call) == 1
    shown = capsys.readouterr()
    assert (
        "disk" in shown.out and "1 of the run's needs are not met: disk: no room for a part of the run: " in shown.err
    )
    assert "Traceback" not in shown.err and left() == []


def test_a_part_is_of_speakers_from_everywhere(tmp_path: Path) -> None:
    utt2spk = {f"s{s:03}-{u:02}": f"s{s:03}" for s in range(100) for u in range(30)}
    tables = {
        "utt2spk": utt2spk,
        "utt2gender": {u: "male" for u in utt2spk},
        "spk2gender": dict.fromkeys(set(utt2spk.values()), "m"),
    }
    write_data_dir(tmp_path / "all", tables)
    for wanted, speakers in ((200, 20), (2000, 100), (10**6, 100)):
        out = tmp_path / f"part {wanted}"
        assert take_part.main(["--data", str(tmp_path / "all"), "--out", str(out), "--utterances", str(wanted)]) == 0
        part = DataDir(out)
        assert validate(out, text=False, feats=False, wav=False) == [] and len(part.spk2utt) == speakers
        assert len(part.utt2spk) == min(wanted, 3000) and set(part.table("spk2gender")) == set(part.spk2utt)
    assert sorted(DataDir(tmp_path / "part 200").spk2utt)[-1] > "s090"
    write_table(tmp_path / "all" / "utt2gender", dict.fromkeys(utt2spk, "female"))
    assert (
        take_part.main(["--data", str(tmp_path / "all"), "--out", str(tmp_path / "part 200"), "--utterances", "200"])
        == 0
    )
    assert set(DataDir(tmp_path / "part 200").table("utt2gender").values()) == {"female"}  # made anew


@pytest.fixture
def corpus(capspeech_libri: Path, tmp_path: Path) -> Path:
    return write_slice(capspeech_libri, tmp_path / "my corpus")


def call(corpus: Path, *more: str) -> list[str]:
    words = ["--corpus", "capspeech", "--data_dir", str(corpus), "--embedding_dir", str(corpus / "embeddings")]
    words += ["--data", str(corpus.parent / "data"), "--exp", str(corpus.parent / "exp")]
    return [str(ROOT / "run.sh"), *words, "--check", "true", *more]


def left() -> list[Path]:
    return list((ROOT / ".setup").glob("check.*"))


@pytest.mark.field_case("A long run that fails late for what could have been seen before it")
def test_a_run_is_looked_at_without_a_trace(corpus: Path) -> None:
    before = sorted(corpus.parent.rglob("*"))
    shown = subprocess.run(call(corpus, "--stop_stage", "0"), cwd=ROOT, capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr
    rows = [line.split("  ")[0] for line in shown.stdout.splitlines() if line.endswith(" ok")]
    assert rows == ["GPU", "encoder", "corpus", "memory", "disk"] and "time " in shown.stdout
    assert sorted(corpus.parent.rglob("*")) == before and left() == []

    for table in (corpus / "embeddings").rglob("*.csv"):
        head, *rows = table.read_text().splitlines(keepends=True)
        table.write_text(head + "".join(f"of-another-corpus-{row}" for row in rows))
    shown = subprocess.run(call(corpus), cwd=ROOT, capture_output=True, text=True)
    assert shown.returncode == 1 and "MISSING" in shown.stdout
    assert "local.check_run: ERROR: 1 of the run's needs are not met: corpus: " in shown.stderr.splitlines()[-1]
    assert left() == [] and not (corpus.parent / "data").exists() and not (corpus.parent / "exp").exists()


def test_a_check_that_is_stopped_leaves_nothing(corpus: Path) -> None:
    with subprocess.Popen(call(corpus), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as check:
        assert wait_for(lambda: left() != [])
        time.sleep(1)
        check.send_signal(signal.SIGTERM)
    assert wait_for(lambda: left() == [], 15)
    assert not (corpus.parent / "exp").exists()


def test_the_directory_lies_on_the_disk_of_the_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exp = tmp_path / "exp" / "demo"
    monkeypatch.setattr(check_run, "CHECKOUT", tmp_path / "nowhere")
    dead = tmp_path / f"check.{os.uname().nodename}.999999999.x"
    dead.mkdir()
    exp.mkdir(parents=True)
    with check_run.working_directory(exp) as directory:
        assert directory.parent == exp.parent and directory.is_dir()
    assert list(exp.parent.iterdir()) == [exp]
