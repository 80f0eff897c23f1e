"""The split: no speaker in two sets, and nobody's set depends on who else is there."""

import re
import shutil
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest

from steps.data.split_speakers import SETS, Options, main, work
from tests.steps.data.corpus import make_all
from utils.data_dir import DataDir, validate
from utils.errors import InputError
from utils.tables import read_table, write_table

ATTRIBUTES = ("gender", "pitch")


def split(data: Path, **more) -> dict[str, str]:
    """Split beside the data, or in `out`. Returns the set of each speaker."""
    options = replace(Options(data, attributes=ATTRIBUTES), **more)
    work(options)
    return read_table((options.out or data.parent) / "split" / "spk2set")


def test_sets_are_valid_and_disjoint_and_hold_everything(tmp_path):
    data = make_all(tmp_path)
    spk2set = split(data)
    sets = {name: DataDir(tmp_path / name) for name in SETS}
    assert all(validate(part.path, text=False, feats=False, wav=False) == [] for part in sets.values())
    assert sorted(u for part in sets.values() for u in part.utt2spk) == sorted(DataDir(data).utt2spk)
    for name, part in sets.items():
        assert set(part.spk2utt) == {speaker for speaker, owner in spk2set.items() if owner == name}
        assert part.table("utt2group").keys() == part.utt2spk.keys()
        assert part.table("spk2gender").keys() == part.spk2utt.keys()
    assert sets[spk2set["s1"]].table("utt2group")["s1-u1"] == "male_medium"


def test_shares_within_each_gender(tmp_path):
    spk2set = split(make_all(tmp_path, 1000, 3))
    for odd in (0, 1):
        sets = [owner for speaker, owner in spk2set.items() if int(speaker[1:]) % 2 == odd]
        shares = [sets.count(name) / len(sets) for name in SETS]
        assert shares == pytest.approx([0.7, 0.1, 0.2], abs=0.05)


def test_a_speaker_keeps_its_set_when_others_come_or_rows_go(tmp_path):
    before = split(make_all(tmp_path / "a", 60))
    more = split(make_all(tmp_path / "b", 90, takes=6))
    assert {speaker: more[speaker] for speaker in before} == before
    fewer = split(make_all(tmp_path / "c", 30, first=30))
    assert fewer == {speaker: before[speaker] for speaker in fewer}


def test_another_seed_gives_another_split(tmp_path):
    data = make_all(tmp_path)
    assert split(data) != split(data, split_seed=7)
    assert split(data) == split(data, force=True)


def test_row_order_does_not_count(tmp_path):
    data = make_all(tmp_path)
    before = split(data)
    pitch = (data / "utt2pitch").read_text().splitlines(keepends=True)
    (data / "utt2pitch").write_text("".join(reversed(pitch)))
    assert split(data) == before
    assert validate(tmp_path / "train", text=False, feats=False, wav=False) == []


def test_utterances_that_lack_a_label_are_left_out(tmp_path):
    data = make_all(tmp_path)
    pitch = read_table(data / "utt2pitch")
    lost = {key for key in pitch if key.startswith("s3-")} | {"s4-u0"}
    write_table(data / "utt2pitch", {key: value for key, value in pitch.items() if key not in lost})
    spk2set = split(data)
    assert "s3" not in spk2set and "s4" in spk2set
    kept = {key for name in SETS for key in DataDir(tmp_path / name).utt2spk}
    assert kept == set(pitch) - lost


def test_genders_of_the_sets_where_the_whole_has_none(tmp_path):
    data = make_all(tmp_path)
    whole = read_table(data / "spk2gender")
    (data / "spk2gender").unlink()
    split(data)
    assert all(whole[spk] == g for name in SETS for spk, g in DataDir(tmp_path / name).table("spk2gender").items())


@pytest.mark.field_case("Speakers who are neither male nor female, in a split by other attributes")
@pytest.mark.parametrize("gender", ["non-binary", None])
def test_speakers_of_no_gender(tmp_path, gender, caplog):
    data = make_all(tmp_path)
    caplog.set_level("INFO")
    (data / "spk2gender").unlink()
    genders = read_table(data / "utt2gender")
    changed = {key: gender if key.startswith("s1") else value for key, value in genders.items()}
    write_table(data / "utt2gender", {key: value for key, value in changed.items() if value})
    split(data, attributes=("pitch",))
    assert not (tmp_path / "train" / "spk2gender").exists()
    assert "no spk2gender: 7 of 40 speakers are neither male nor female" in caplog.text
    assert validate(tmp_path / "train", text=False, feats=False, wav=False) == []


def test_coverage_table(tmp_path):
    split(make_all(tmp_path))
    rows = [line.split("\t") for line in (tmp_path / "split" / "coverage.tsv").read_text().splitlines()]
    assert rows[0][:3] == ["group", "train_speakers", "train_utterances"]
    assert [row[0] for row in rows[1:]] == sorted(
        f"{g}_{p}" for g in ("female", "male") for p in ("low", "medium", "high")
    ) + ["all"]
    assert sum(int(cell) for cell in rows[-1][1::2]) == 60 and sum(int(cell) for cell in rows[-1][2::2]) == 180


def test_speakers_by_gender_are_shown_with_and_without_spk2gender(tmp_path, caplog):
    data = make_all(tmp_path)
    caplog.set_level("INFO")
    sets, genders = split(data), read_table(data / "spk2gender")
    count = [sum(sets[speaker] == name and gender == "f" for speaker, gender in genders.items()) for name in SETS]
    line = f"speakers of gender f: {count[0]} train, {count[1]} dev, {count[2]} test"
    assert line in caplog.text and "speakers of gender m: " in caplog.text
    (data / "spk2gender").unlink()
    caplog.clear()
    split(data)
    assert line in caplog.text


def relabel(data: Path, speakers: set[str], pitch: str) -> None:
    table = read_table(data / "utt2pitch")
    write_table(data / "utt2pitch", {u: pitch if u.split("-")[0] in speakers else v for u, v in table.items()})


def test_a_group_without_training_speakers(tmp_path, caplog):
    data = make_all(tmp_path)
    tested = {speaker for speaker, owner in split(data).items() if owner == "test"}
    relabel(data, tested, "shrill")
    with pytest.raises(
        InputError, match="2 groups have no training speaker: female_shrill, male_shrill, .*--allow_missing"
    ):
        split(data, out=tmp_path / "b")
    assert not list((tmp_path / "b").glob("*"))
    split(data, out=tmp_path / "b", allow_missing_groups=True)
    assert "dev has no speaker of female_shrill, male_shrill" in caplog.text


def test_combinations_that_nobody_has_are_warned_of(tmp_path, caplog):
    data = make_all(tmp_path)
    relabel(data, {f"s{number}" for number in range(0, 60, 2)}, "low")
    split(data)
    assert "2 combinations of values have no utterance: female_high, female_medium" in caplog.text


@pytest.mark.hostile("Tables of a data directory that do not fit each other")
@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("utt2spk", "zoe-1 zoe ann\n", r"all.utt2spk:181: expected 'utterance speaker', found the speaker 'zoe ann'"),
        ("spk2gender", "s1 female\n", "all.spk2gender: s1: expected m or f, found 'female'"),
        ("segments", "s1-u0 recording 0 3\n", "segments: no line for .*, which utt2spk has; run utils/fix_data_dir.sh"),
        ("utt2dur", "s1-u0 -3\n", "all.utt2dur: "),
        ("xvector.scp", "s1-u0 nowhere\n", "all.xvector.scp:1: s1-u0: no archive nowhere"),
        ("utt2pitch", "s1-u0 " + "x_" * 100_000 + "\n", r"all.utt2pitch: s1-u0: value 'x_x_[x_.]*' has '_'"),
    ],
)
def test_tables_that_do_not_fit(tmp_path, capsys, name, line, message):
    data = make_all(tmp_path)
    before = (data / name).read_text() if name == "utt2spk" else ""
    (data / name).write_text(before + line)
    assert main(["--data", str(data), "--attributes", "gender,pitch"]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert re.search(message, error) and len(error) < 1000 and not (tmp_path / "train").exists()


@pytest.mark.hostile("A gender of an utterance that is not there")
def test_a_gender_of_nobody(tmp_path, capsys):
    data = make_all(tmp_path)
    (data / "spk2gender").unlink()
    (data / "utt2gender").write_text((data / "utt2gender").read_text() + "zoe-1 female\n")
    assert main(["--data", str(data), "--attributes", "gender,pitch"]) == 1
    assert "utt2gender: zoe-1: utt2spk has no such utterance" in capsys.readouterr().err


@pytest.mark.hostile("A label of 200 kB")
def test_a_label_without_end(tmp_path, caplog):
    data = make_all(tmp_path)
    relabel(data, {"s0"}, "x" * 200_000)
    split(data, allow_missing_groups=True)
    assert max(map(len, caplog.messages)) < 20_000
    assert (tmp_path / "split" / "coverage.tsv").stat().st_size > 200_000


@pytest.mark.hostile("Attributes of thousands of values, whose combinations fill no memory")
def test_groups_of_many_values(tmp_path, caplog):
    data = make_all(tmp_path, 700)
    for name in ("utt2pitch", "utt2accent", "utt2age"):
        write_table(data / name, {key: f"{name}{number}" for number, key in enumerate(DataDir(data).utt2spk)})
    tracemalloc.start()
    split(data, attributes=("gender", "pitch", "accent", "age"), allow_missing_groups=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6  # a list of the combinations would take a terabyte
    absent = f"{2 * 2100**3 - 2100} combinations of values have no utterance: "
    line = next(text for text in caplog.messages if text.startswith(absent))
    assert line.count(", ") == 19 and line.endswith(" more") and all(len(text) < 50_000 for text in caplog.messages)
    table = (tmp_path / "split" / "coverage.tsv").read_text().splitlines()
    assert len(table) == 2102 and sum(map(int, table[-1].split("\t")[2::2])) == 2100


@pytest.mark.parametrize(
    ("n_speakers", "message"),
    [(1, r"1 speaker\(s\) in all, s0: too few"), (4, "no speaker of 4 falls into dev and test")],
)
def test_too_few_speakers(tmp_path, n_speakers, message):
    with pytest.raises(InputError, match=message):
        split(make_all(tmp_path, n_speakers), fractions=(0.98, 0.01, 0.01))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all", "x.ark", "x.scp"]


@pytest.mark.parametrize(
    "fractions", [(0.7, 0.3), (0.7, 0.3, 0.0), (-1.0, 1.0, 1.0), (float("inf"), 1.0, 1.0), (1e308, 1e308, 1e308)]
)
def test_bad_fractions(tmp_path, fractions):
    with pytest.raises(InputError, match="--fractions: expected three numbers above 0"):
        split(make_all(tmp_path), fractions=fractions)


def test_official_split_is_imported(tmp_path):
    data = make_all(tmp_path)
    names = {"train": "train", "dev": "val", "test": "test"}
    official = {u: names[SETS[int(u[1:].split("-")[0]) % 3]] for u in DataDir(data).utt2spk}
    write_table(tmp_path / "official", official)
    spk2set = split(data, official=str(tmp_path / "official"))
    assert spk2set == {f"s{number}": SETS[number % 3] for number in range(60)}
    write_table(data / "utt2split", official)
    assert split(data, official="true", force=True) == spk2set


def test_official_split_that_leaks_or_is_not_whole(tmp_path):
    data = make_all(tmp_path)
    official = {u: SETS[n % 3] for n, u in enumerate(DataDir(data).utt2spk)}
    table = tmp_path / "official"
    write_table(table, official)
    with pytest.raises(InputError, match="the split leaks: 60 of 60 speakers .* as s0 in dev and test and train"):
        split(data, official=str(table))
    write_table(table, official | {"s5-u1": "eval"})
    with pytest.raises(InputError, match="official: s5-u1: expected one of train, dev, .* found 'eval'"):
        split(data, official=str(table))
    del official["s7-u0"]
    write_table(table, official)
    with pytest.raises(InputError, match="official: s7-u0: expected one of .*, it is not there"):
        split(data, official=str(table))
    with pytest.raises(InputError, match="nowhere: no such file"):
        split(data, official=str(tmp_path / "nowhere"))


def test_command_line_and_a_rerun(tmp_path, capsys):
    data = make_all(tmp_path)
    words = ["--data", str(data), "--attributes", "gender,pitch"]
    assert main(words) == 0
    stamp = (tmp_path / "train" / "utt2spk").stat().st_ino
    assert main(words) == 0
    assert (tmp_path / "train" / "utt2spk").stat().st_ino == stamp
    assert main([*words, "--attributes", "gender,mood"]) == 1
    assert "utt2mood" in capsys.readouterr().err


def test_a_set_that_is_lost_is_made_again_alone(tmp_path):
    data = make_all(tmp_path)
    split(data)
    before = {
        path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.name != "run_info.json"
    }
    stamp = (tmp_path / "train" / "utt2spk").stat().st_ino
    shutil.rmtree(tmp_path / "dev")
    split(data)
    assert {path: path.read_bytes() for path in before} == before
    assert (tmp_path / "train" / "utt2spk").stat().st_ino == stamp


def test_the_official_split_of_real_data_leaks(capspeech_libri, tmp_path):
    from local.capspeech.__main__ import Options as Prepare
    from local.capspeech.__main__ import work as prepare

    prepare(Prepare(capspeech_libri, capspeech_libri / "embeddings", tmp_path / "all"))
    attributes = ("gender", "pitch", "speaking_rate")
    with pytest.raises(InputError, match="the split leaks: 122 of 251"):
        split(tmp_path / "all", official="true", attributes=attributes)
    spk2set = split(tmp_path / "all", attributes=attributes)
    assert len(spk2set) == 251
    assert len((tmp_path / "split" / "coverage.tsv").read_text().splitlines()) == 20


@pytest.mark.field_case("Utterances without an attribute, and lines of tables that are of no utterance")
def test_what_is_in_no_set_is_listed(tmp_path, caplog):
    data = make_all(tmp_path)
    split(data)
    assert not (tmp_path / "split" / "left_out.tsv").exists()
    pitch = read_table(data / "utt2pitch")
    del pitch["s1-u1"]
    write_table(data / "utt2pitch", pitch | {"s99-u1": "low"})
    write_table(data / "xvector.scp", (scp := read_table(data / "xvector.scp")) | {"t-1": scp["s1-u1"]})
    split(data)
    assert (tmp_path / "split" / "left_out.tsv").read_text().splitlines() == [
        "table\tkey\treason",
        "utt2pitch\ts99-u1\tutt2spk has none of it",
        "utt2spk\ts1-u1\tno pitch",
        "xvector.scp\tt-1\tutt2spk has none of it",
    ]
    assert "xvector.scp: 1 lines such as t-1 are of nothing in utt2spk" in caplog.text


@pytest.mark.field_case("A data directory in which utterances lack vectors, without spk2utt")
def test_the_table_that_lacks_utterances_is_named(tmp_path):
    data = make_all(tmp_path)
    lines = (data / "xvector.scp").read_text().splitlines()
    (data / "xvector.scp").write_text("\n".join(lines[:-3]) + "\n")
    (data / "spk2utt").unlink()
    with pytest.raises(InputError, match="xvector.scp: 177 keys, expected 180"):
        split(data)
