"""Two spellings of one person: what nobody sees is normalised, what can be seen is an error unless the user decides."""

from pathlib import Path

import pytest

from steps.data.build_index import Options as Index
from steps.data.build_index import main as index_main
from steps.data.build_index import work as index
from steps.data.spellings import Mention, look, normal_names, refuse_shared, require_distinct
from steps.data.split_speakers import SETS
from steps.data.split_speakers import Options as Split
from steps.data.split_speakers import work as split
from tests.steps.data.corpus import make_all
from utils.data_dir import DataDir, write_data_dir
from utils.errors import InputError
from utils.tables import read_table


@pytest.mark.field_case("Names that differ in what nobody sees")
@pytest.mark.parametrize(
    ("written", "name", "change"),
    [
        ("Mu\u0308ller", "M\u00fcller", "in NFC"),
        ("10\u200b3", "103", "without invisible characters"),
        ("\ufeff103", "103", "without invisible characters"),
        ("103\u2060\u200d", "103", "without invisible characters"),
        ("An\u00adna", "Anna", "without invisible characters"),
        ("Anna\u00a0", "Anna", "with plain blanks"),
        ("Anna\u3000Berg\t", "Anna Berg", "with plain blanks"),
        ("103\x00", "103", "without invisible characters"),
        ("p1\ufe0f", "p1", "without invisible characters"),
        ("\u200bMu\u0308ller ", "M\u00fcller", "without invisible characters, in NFC, with plain blanks"),
        ("s-01_b.2", "s-01_b.2", ""),
        ("\uff11\uff10\uff13", "\uff11\uff10\uff13", ""),  # full width can be seen
    ],
)
def test_what_nobody_sees_is_normalised(written, name, change):
    assert normal_names({written, "other"})[written] == (name, change)


@pytest.mark.field_case("Point zero at the end of a number")
def test_point_zero_goes_where_all_are_whole_numbers():
    assert normal_names({"103", "103.0", "7.00", "008"}) == {
        "103": ("103", ""),
        "103.0": ("103", "without .0"),
        "7.00": ("7", "without .0"),
        "008": ("008", ""),
    }
    assert normal_names({"103", "103.0", "v2"})["103.0"] == ("103.0", "")


ALIKE = [
    ("103", "00103"),
    ("103", "103.0"),
    ("spk1", "spk01"),
    ("Anna", "anna"),
    ("\u00c9va", "\u00e9va"),
    ("M\u00fcller", "Mu\u0308ller"),
    ("103", "\uff11\uff10\uff13"),  # full-width digits
    ("103", "\u0661\u0660\u0663"),  # Arabic digits
    ("\uff21nna", "anna"),
    ("103", "1.03E+02"),  # as spreadsheets write it
    ("103", "103\u200b"),
    ("Anna Berg", "anna\u00a0berg "),
    ("p007-x", "P7-x"),
]


@pytest.mark.field_case("Names that differ in case, zeros or digits")
@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_spellings_that_may_be_one_person_are_refused(one, other):
    mentions = [Mention(one, one, "a.csv:2"), Mention("x", "x", "a.csv:3"), Mention(other, other, "b.csv:9")]
    with pytest.raises(InputError, match=r"b.csv:9: speaker .* may be .* of a.csv:2: .* or give --distinct_ids true"):
        require_distinct(mentions, False, "rename one")
    assert require_distinct(mentions, True, "rename one") == {one: other, other: one}


@pytest.mark.parametrize(
    "names",
    [
        ("10", "100", "1000"),
        ("s1", "s10", "s0", "s"),
        ("p1.5", "p15"),
        ("a-b", "ab"),
        ("\u0930\u092e\u093f", "\u0930\u092e\u0940"),
    ],
)
def test_speakers_that_differ(names):
    assert len({look(name) for name in names}) == len(names)
    assert require_distinct([Mention(name, name, "a:1") for name in names], False, "") == {}


def test_who_names_both_has_decided():
    both = [Mention("Ann", "Ann", "a:1", True), Mention("ann", "ann", "a:2", True)]
    assert require_distinct(both, False, "") == {"Ann": "ann", "ann": "Ann"}
    with pytest.raises(InputError, match="a:3: speaker 'ann' may be 'Ann' of a:1: they differ in case only; rename"):
        require_distinct([*both, Mention("ann", "ann", "a:3", False)], False, "rename one")


def test_long_names_are_cut():
    with pytest.raises(InputError) as error:
        require_distinct([Mention("1", "a" * 100_000, "a:1"), Mention("2", "A" * 100_000, "a:2")], False, "rename one")
    assert len(str(error.value)) < 600


def rename(data: Path, speakers: dict[str, str]) -> None:
    """Give speakers of a data directory, and their utterances, other ids."""
    tables = DataDir(data).tables()
    new = {key: speakers.get(speaker, speaker) + "-" + key for key, speaker in tables["utt2spk"].items()}
    renamed = {
        name: {new[key]: value for key, value in table.items()} for name, table in tables.items() if "utt" in name
    }
    renamed["utt2spk"] = {key: speakers.get(speaker, speaker) for key, speaker in renamed["utt2spk"].items()}
    renamed["xvector.scp"] = {new[key]: value for key, value in tables["xvector.scp"].items()}
    renamed["spk2gender"] = {speakers.get(key, key): value for key, value in tables["spk2gender"].items()}
    write_data_dir(data, renamed)


@pytest.mark.field_case("A data directory with one speaker in two spellings is split")
@pytest.mark.parametrize("other", ["S4", "s04", "s4.0", "s\uff14", "s4\u200b"])
def test_split_of_a_data_directory(tmp_path, other):
    data = make_all(tmp_path)
    rename(data, {"s6": other})
    options = Split(data, attributes=("gender", "pitch"))
    with pytest.raises(InputError, match=r"all.utt2spk:\d+: speaker .* may be .* give one id to both in"):
        split(options)
    assert not (tmp_path / "train").exists()
    split(Split(data, attributes=("gender", "pitch"), distinct_ids=True))
    tables = [
        read_table(tmp_path / name / "distinct_speakers")
        for name in SETS
        if (tmp_path / name / "distinct_speakers").exists()
    ]
    assert {key: value for table in tables for key, value in table.items()} == {"s4": other, other: "s4"}
    index(Index(tmp_path, tmp_path / "index"))  # the decision has come along


@pytest.fixture
def sets(tmp_path) -> Path:
    split(Split(make_all(tmp_path), attributes=("gender", "pitch")))
    return tmp_path


@pytest.mark.field_case("Sets of stage 3 share speakers")
@pytest.mark.parametrize("pair", [("train", "test"), ("train", "dev"), ("dev", "test")])
def test_sets_that_share_speakers_are_no_index(sets, pair, capsys):
    one, other = (DataDir(sets / name) for name in pair)
    shared = next(iter(one.spk2utt))
    tables, more = other.tables(), one.tables()
    for name in tables:
        keep = {shared} if name == "spk2gender" else set(one.spk2utt[shared])
        tables[name] |= {key: value for key, value in more[name].items() if key in keep}
    write_data_dir(sets / pair[1], tables)
    assert index_main(["--data", str(sets), "--out", str(sets / "index")]) == 1
    error = capsys.readouterr().err
    assert f"1 speakers are in {pair[0]} and in {pair[1]}: {shared}" in error and error.count("\n") == 1
    assert not (sets / "index").exists()


@pytest.mark.field_case("Sets of stage 3 share a speaker in another spelling")
@pytest.mark.parametrize("spell", [str.upper, lambda name: name.replace("s", "s00"), lambda name: name + ".0"])
def test_sets_that_share_a_speaker_under_another_spelling(sets, spell):
    speaker, other = (next(iter(DataDir(sets / name).spk2utt)) for name in ("train", "test"))
    rename(sets / "test", {other: spell(speaker)})
    with pytest.raises(InputError, match=rf"test.utt2spk:\d+: speaker .* may be '{speaker}' of .*train.utt2spk"):
        index(Index(sets, sets / "index"))
    index(Index(sets, sets / "index", distinct_ids=True))


def test_shared_speakers_are_named_but_not_all():
    with pytest.raises(InputError, match=r"^9 speakers are in a and in b: 0, 1, 2 \.\.\.;"):
        refuse_shared({"a": map(str, range(9)), "b": map(str, range(10))})
