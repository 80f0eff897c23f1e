"""Lists of RedDots as data directories: what is written, what is left out and counted, and which leaks are refused."""

import shutil
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("soundfile")

from local.reddots import __main__ as reddots  # noqa: E402
from local.reddots.leaks import check_leaks  # noqa: E402
from steps.data.enrolments import read_enrolments  # noqa: E402
from steps.metrics.trial_files import read_trials  # noqa: E402
from tests.local.reddots.small_corpus import (  # noqa: E402
    BACKGROUND,
    MEN,
    SENTENCES,
    edit,
    flags,
    ndx_lines,
    recording,
    trn_lines,
    write,
    write_corpus,
)
from tests.steps.audio.sounds import babble, write_sound  # noqa: E402
from utils.data_dir import DataDir, validate  # noqa: E402
from utils.errors import InputError  # noqa: E402
from utils.tables import read_table  # noqa: E402


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("reddots"))


@pytest.fixture
def corpus(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "corpus"))


def make(corpus: Path, *words: str) -> Path:
    out = corpus.parent / "data"
    assert reddots.main(["--data_dir", str(corpus), "--out", str(out), "--n_folds", "0", *words]) == 0
    return out


def rows(path: Path) -> list[list[str]]:
    return [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_part_becomes_data_directories(whole, tmp_path, capsys):
    out = tmp_path / "data"
    assert reddots.main(["--data_dir", str(whole), "--out", str(out), "--background", "all"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[1].split() == ["01", "all", "all", "6", "18", "12", "12", "24", "24"]
    assert printed[2].split() == ["01", "f", "all", *"000000"]
    assert [row[2] for row in rows(out / "counts.tsv")[1:]] == ["all", "all", "all", *MEN]
    assert read_table(out / "lists") == {"01": "01"} and not (out / "spk2fold").exists()
    for name in ("all", "enrol_01", "test_01", "background_01", "cohort_01"):
        assert validate(out / name, text=True, feats=False) == [], name
    models = read_enrolments(out / "enrol_01")
    assert models["m0002_31"] == tuple(f"m0002-{recording('m0002', '31', number)}" for number in range(3))
    assert read_table(out / "enrol_01" / "model2sent")["m0002_100032"] == "100032"
    trials = read_trials(out / "test_01/trials")
    assert Counter(trials.kinds[kind] for kind in trials.kind) == {"TC": 12, "TW": 12, "IC": 24, "IW": 24}
    assert trials.targets.sum() == 12
    assert set(DataDir(out / "background_01").utt2spk.values()) == {BACKGROUND}
    assert DataDir(out / "all").table("text")[f"m0001-{recording('m0001', '31', 0)}"] == "My voice is my password"
    assert set(DataDir(out / "all").table("spk2gender").values()) == {"m"}
    assert rows(out / "left_out.tsv") == [["list", "what", "name", "reason", "trials", "detail"]]


def test_the_default_background_of_a_closed_list_goes_by_folds(corpus):
    out = make(corpus)
    assert read_table(out / "spk2fold") == {"m0001": "0", "m0002": "1", "m0003": "2"}
    assert read_table(out / "lists") == {"01-f0f1": "01", "01-f0f2": "01", "01-f1f2": "01"}
    found = Counter()
    for name, absent in (("01-f0f1", "m0003"), ("01-f0f2", "m0002"), ("01-f1f2", "m0001")):
        trials = read_trials(out / f"test_{name}" / "trials")
        found.update(trials.name(number) for number in range(len(trials)))
        assert set(DataDir(out / f"background_{name}").utt2spk.values()) == {absent}
        assert set(DataDir(out / f"cohort_{name}").utt2spk.values()) == {absent}
    whole = read_trials(out / "test_01" / "trials")
    assert found == Counter(whole.name(number) for number in range(len(whole)))


def test_a_cohort_says_the_sentences_of_its_list(whole, tmp_path):
    out = tmp_path / "data"
    assert reddots.main(["--data_dir", str(whole), "--out", str(out), "--background", "all"]) == 0
    cohort = out / "cohort_01"
    assert read_table(cohort / "model2sent") == {f"{BACKGROUND}_{sentence}": sentence for sentence in SENTENCES}
    assert {len(utterances) for utterances in read_enrolments(cohort).values()} == {3}
    pairs = [line.split() for line in (cohort / "trials_enrol").read_text().splitlines()]
    assert len(pairs) == 6 * 3 and all(model.split("_")[1] == utterance.split("_")[2] for model, utterance in pairs)
    tests = [tuple(line.split()) for line in (cohort / "trials_test").read_text().splitlines()]
    trials = [line.split() for line in (out / "test_01/trials").read_text().splitlines()]
    claims = {(model.split("_")[1], test) for model, test, *_ in trials}
    assert {(model.split("_")[1], test) for model, test in tests} == claims and len(tests) == len(claims)


def test_faulty_recordings_are_listed_with_what_goes_with_them(corpus):
    pcm = corpus / "pcm"
    gone = {"missing": ("31", 0), "empty": ("31", 3), "too_short": ("31", 4), "corrupt": ("100032", 3)}
    paths = {reason: pcm / "m0001" / f"{recording('m0001', *what)}.pcm" for reason, what in gone.items()}
    paths["missing"].unlink()
    paths["empty"].write_bytes(b"")
    paths["too_short"].write_bytes(bytes(100))
    paths["corrupt"].write_bytes(paths["corrupt"].read_bytes()[:-1])
    for number in range(3):
        (pcm / "m0002" / f"{recording('m0002', '31', number)}.pcm").unlink()
    out = make(corpus, "--max_fail", ".3", "--background", "all")
    left_out = {row[2]: (row[1], row[3], row[4]) for row in rows(out / "left_out.tsv")}
    assert left_out[paths["missing"].stem] == ("enrolment", "missing", "0")
    assert left_out[paths["empty"].stem] == ("test", "empty", "6")
    assert left_out[paths["too_short"].stem] == ("test", "too_short", "6")
    assert left_out[paths["corrupt"].stem] == ("test", "corrupt", "6")
    assert left_out["m0002_31"] == ("model", "none of its recordings can be used", "12")
    assert len(left_out) == 1 + 4 + 3 + 1
    models = read_enrolments(out / "enrol_01")
    assert len(models["m0001_31"]) == 2 and "m0002_31" not in models
    assert len(read_trials(out / "test_01/trials")) == 5 * 9


def test_too_many_faulty_recordings_are_an_error_that_lists_them(corpus, capsys):
    shutil.rmtree(corpus / "pcm" / "m0002")
    assert reddots.main(["--data_dir", str(corpus), "--out", str(corpus.parent / "data")]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert "10 of 30 utterances (33.33 %) fail: 10 missing" in error and "data.failures.tsv" in error
    assert not (corpus.parent / "data").exists()


def test_part_04_enrols_in_two_ways_and_tests_once(corpus):
    ndx = corpus / "ndx"
    write(ndx / "m_part_04_td.trn", trn_lines())
    prompted = [
        line.replace("_100032 ", "_x ").replace("_31 ", "_100032 ").replace("_x ", "_31 ") for line in trn_lines()
    ]
    write(ndx / "m_part_04_tp.trn", [*prompted[:-1], prompted[0].replace("m0001", "m0004")])
    write(ndx / "m_part_04.ndx", ndx_lines())
    out = make(corpus, "--background", "all", "--parts", "04")
    assert read_table(out / "lists") == {"04_td": "04_td", "04_tp": "04_tp"}
    assert read_enrolments(out / "enrol_04_td")["m0001_31"][0].endswith("_31")
    assert read_enrolments(out / "enrol_04_tp")["m0001_31"][0].endswith("_100032")
    assert [row[2:5] for row in rows(out / "left_out.tsv")[1:]] == [
        ["m0003_31", "no line in the .trn of this list", "12"],
        ["m0004_100032", "no trial", "0"],
    ]
    assert len(read_trials(out / "test_04_td/trials")) == 72 and len(read_trials(out / "test_04_tp/trials")) == 60


def test_lists_of_both_sexes_are_merged(corpus):
    for path in (corpus / "pcm").rglob("*m0003*.pcm"):
        path.rename(path.with_name(path.name.replace("m0003", "f0003")))
    (corpus / "pcm" / "m0003").rename(corpus / "pcm" / "f0003")
    script = corpus / "infos" / "script.txt"
    script.write_text(script.read_text().replace("m0003", "f0003"))
    for suffix, lines in (("trn", trn_lines), ("ndx", ndx_lines)):
        write(corpus / f"ndx/m_part_01.{suffix}", lines(MEN[:2]))
        write(corpus / f"ndx/f_part_01.{suffix}", [line.replace("m0003", "f0003") for line in lines(MEN[2:])])
    out = make(corpus, "--background", "all")
    assert read_table(out / "all/spk2gender") == {"f0003": "f", "m0001": "m", "m0002": "m", "m0004": "m"}
    assert rows(out / "counts.tsv")[2][:4] == ["01", "f", "all", "2"]


def test_files_of_windows_and_of_one_sex_are_read(corpus):
    for path in (corpus / "ndx").glob("f_*"):
        path.unlink()
    for path in [*(corpus / "ndx").iterdir(), corpus / "infos/script.txt"]:
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n") + b"\r\n")
    script = corpus / "infos/script.txt"
    script.write_bytes(script.read_bytes().replace(b"My voice is", b"My  voice\x92s \xe9"))
    texts = DataDir(make(corpus, "--background", "all") / "all").table("text")
    assert set(texts.values()) == {"My voice’s é my password", "OK Google"}


def test_sexes_that_are_estimated_are_told_as_such(corpus):
    (corpus / "infos/sexes.txt").write_text("m0001 f?\nm0002 m?\nm0003 m?\nm0004 f?\n")
    out = make(corpus, "--background", "all")
    assert not list(out.glob("*/spk2gender"))
    assert [row[1:4] for row in rows(out / "counts.tsv")[1:4]] == [
        ["all", "all", "6"],
        ["f?", "all", "2"],
        ["f?", "m0001", "2"],
    ]


def test_copies_under_other_names_are_listed(corpus):
    names = [recording("m0001", "31", number) for number in (0, 3)]
    shutil.copy(*(corpus / "pcm/m0001" / f"{name}.pcm" for name in names))
    out = make(corpus, "--background", "all")
    assert rows(out / "copies.tsv") == [["lists", "recordings"], ["01", ",".join(names)]]


def test_leaks_are_found_in_what_is_written(corpus):
    out = make(corpus, "--background", "all")
    check_leaks(out)
    leaked = f"m0001-{recording('m0001', '31', 0)} m0001\n"
    table = out / "background_01/utt2spk"
    table.write_text(table.read_text() + leaked)
    with pytest.raises(InputError, match=r"list 01: the speaker m0001 is in its trials and in background_01"):
        check_leaks(out)
    table.write_text(table.read_text().replace(leaked, ""))
    trials = out / "test_01/trials"
    trials.write_text(trials.read_text() + f"m0001_31 {leaked.split()[0]} target TC\n")
    with pytest.raises(InputError, match=r"'m0001_31 .*' is of a model with a recording that enrols it"):
        check_leaks(out)
    trials.write_text("m0009_31 x target TC\n")
    with pytest.raises(InputError, match="with no enrolment"):
        check_leaks(out)
    tests = out / "test_01/utt2spk"
    tests.write_text(tests.read_text() + leaked)
    with pytest.raises(InputError, match="enrols a model and is a test"):
        check_leaks(out)


def test_recordings_that_test_other_models_are_let_through_on_request(corpus):
    shared = f"m0002_31,m0001/{recording('m0001', '31', 0)},{flags(False, True)}"
    edit(corpus / "ndx/m_part_01.ndx", 72, shared)
    words = ["--data_dir", str(corpus), "--out", str(corpus.parent / "data"), "--background", "all"]
    assert reddots.main(words) == 1
    assert reddots.main([*words, "--allow_shared", "true"]) == 0
    edit(corpus / "ndx/m_part_01.ndx", 72, f"m0001_31,m0001/{recording('m0001', '31', 0)},{flags(True, True)}")
    assert reddots.main([*words, "--allow_shared", "true"]) == 1


TRN, NDX, SCRIPT = "ndx/m_part_01.trn", "ndx/m_part_01.ndx", "infos/script.txt"
ENROLLING, FOURTH, THIRD = recording("m0001", "31", 0), recording("m0001", "31", 3), ndx_lines()[2][: -len("N,Y,N,N")]
FAULTS = {
    "trn without recordings": (TRN, 2, "m0001_100032", "expected '<speaker>_<sentence> <recording>"),
    "trn of another speaker": (TRN, 1, f"m0001_31 {recording('m0002', '31', 0)}", "enrols m0001_31"),
    "trn of another sentence": (TRN, 1, f"m0001_31 {recording('m0001', '100032', 0)}", "of m0001_31 alone"),
    "trn with a model twice": (TRN, 2, trn_lines()[0], "stands above too"),
    "trn with a recording twice": (TRN, 1, f"{trn_lines()[0]},{ENROLLING}", "stands twice"),
    "trn with a short stamp": (TRN, 1, "m0001_31 2015_m0001_31", "17-digit stamp"),
    "trn with another folder": (TRN, 1, f"m0001_31 m0002/{ENROLLING}", "expected a recording"),
    "trn of the other sex": ("ndx/f_part_01.trn", 1, trn_lines()[0], "the name tells the other sex"),
    "trn with an empty line": (TRN, 1, "", "an empty line"),
    "ndx without a flag": (NDX, 3, ndx_lines()[2][:-2], "expected"),
    "ndx with two flags": (NDX, 3, f"{THIRD}Y,Y,N,N", "one Y and else N"),
    "ndx without any Y": (NDX, 3, f"{THIRD}N,N,N,N", "one Y and else N"),
    "ndx with a wrong flag": (NDX, 3, f"{THIRD}Y,N,N,N", "flagged TC, but the names tell"),
    "ndx with a trial twice": (NDX, 3, ndx_lines()[0], "stands above too"),
    "ndx of no model": (NDX, 3, ndx_lines()[2].replace("m0001_31,", "m0001_33,"), "no model m0001_33"),
    "ndx of a lone word": (NDX, 3, "m0001_31", "expected '<speaker>_<sentence>,<recording>,TC"),
    "ndx that tests an enrolment": (
        NDX, 72, f"m0001_31,{ENROLLING},{flags(True, True)}", "enrols a model",
    ),
    "script without a text": (SCRIPT, 4, FOURTH + ";", "expected '<17-digit stamp>"),
    "script without a semicolon": (SCRIPT, 4, "x y", "expected '<17-digit stamp>"),
    "script with a line twice": (SCRIPT, 4, recording("m0001", "31", 2) + ";again", "stands above too"),
    "script with a control": (SCRIPT, 4, FOURTH + ";a\x07b", "control character"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_of_lists_are_told_with_file_and_line(corpus, capsys, fault):
    name, line, text, told = FAULTS[fault]
    edit(corpus / name, line, text)
    assert reddots.main(["--data_dir", str(corpus), "--out", str(corpus.parent / "data")]) == 1
    error = capsys.readouterr().err.splitlines()
    assert f"{corpus / name}:{line}: " in error[-1] and told in error[-1], error
    assert not (corpus.parent / "data").exists()


def test_faults_of_directories_are_told(corpus, capsys):
    words = ["--data_dir", str(corpus), "--out", str(corpus.parent / "data")]

    def told() -> str:
        assert reddots.main(words) == 1
        return capsys.readouterr().err.splitlines()[-1]

    (corpus / "infos/folds.txt").write_text("m0001 0\nm0002 1\nm0003 x\n")
    assert "folds.txt:3: expected <speaker> <fold>" in told()
    (corpus / "infos/folds.txt").write_text("m0001 0\nm0002 1\n")
    assert "folds.txt: no fold of m0003" in told()
    (corpus / "infos/folds.txt").write_text("m0001 0\nm0002 1\nm0003 1\n")
    assert "folds.txt: 2 folds, so that list 01 has no background; expected at least 3" in told()
    (corpus / "infos/phones.csv").write_text("sentence_id;content;phones\n31;My voice;M AY1 _ V OYX S\n")
    assert "phones.csv:2: 'OYX' is no phone of CMUdict" in told()
    (corpus / "infos/phones.csv").write_text("sentence_id;content;phones\n31;My voice;M AY1 _ V OY1 S\n")
    (corpus / "infos/sexes.txt").write_text("m0001 f\nm0002 male\n")
    assert "sexes.txt:2: expected <speaker> f|m|f?|m?" in told()
    (corpus / "ndx/m_part_01.trn").unlink()
    assert "m_part_01.trn: missing, but m_part_01.ndx is there" in told()
    (corpus / "ndx/m_part_01.ndx").unlink()
    assert "no trials in the lists of part 01, of either sex" in told()
    (corpus / "ndx/other.ndx").touch()
    assert "expected a name as m_part_01.trn" in told()
    shutil.rmtree(corpus / "ndx")
    assert "no such directory, ndx; expected pcm, ndx and infos" in told()


def test_other_speech_for_the_ubm_comes_from_a_tree_or_a_data_directory(corpus, tmp_path, capsys):
    tree = tmp_path / "LibriSpeech/train-clean-100"
    for speaker in ("26", "103"):
        write_sound(tree / speaker / "1240" / f"{speaker}-1240-0000.flac", babble(int(speaker)))
    (tree.parent / "SPEAKERS.TXT").write_text("26 | M | x | 1 | A\n103 | F | x | 1 | B\n")
    out = make(corpus, "--background", "all", "--ubm_data", str(tmp_path / "LibriSpeech"))
    assert DataDir(out / "ubm_01").utt2spk == {
        "ubm103-1240-103-1240-0000": "ubm103",
        "ubm26-1240-26-1240-0000": "ubm26",
    }
    assert DataDir(out / "ubm_01").table("spk2gender") == {"ubm103": "f", "ubm26": "m"}
    assert validate(out / "all", feats=False) == [] and len(DataDir(out / "all").utt2spk) == 40 + 2
    assert DataDir(out / "all").table("text")["ubm103-1240-103-1240-0000"] == ""
    shutil.copytree(out / "background_01", tmp_path / "other")
    again = make(corpus, "--background", "all", "--ubm_data", str(tmp_path / "other"))
    assert set(DataDir(again / "ubm_01").utt2spk.values()) == {f"ubm{BACKGROUND}"}
    assert reddots.main(["--data_dir", str(corpus), "--out", str(out), "--ubm_data", str(tmp_path / "none")]) == 1
    assert "--ubm_data" in capsys.readouterr().err
