"""Splits for the recognition of speakers: what is disjoint is disjoint, what is impossible stops with the reason."""

from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest

from steps.data.split_plans import at_random_in_sizes
from steps.data.split_utterances import main
from utils.data_dir import DataDir, validate, write_data_dir
from utils.tables import read_table

CLOSED = ("train", "dev", "test")


def corpus(folder: Path, speakers: int = 8, chapters: int = 3, takes: int = 4, **tables: dict[str, str]) -> Path:
    """Write `folder/all`: names `s<speaker>-c<chapter>-u<take>`, 12.5 s each; the first half is a train subset."""
    names = [
        f"s{one:02d}-c{chapter}-u{take}"
        for one in range(speakers)
        for chapter in range(chapters)
        for take in range(takes)
    ]
    number = {name: int(name[1:3]) for name in names}
    whole = {
        "utt2spk": {name: name[:3] for name in names},
        "utt2chapter": {name: name[:6] for name in names},
        "utt2subset": {name: "train-clean" if number[name] < speakers / 2 else "test-clean" for name in names},
        "utt2dur": dict.fromkeys(names, "12.50"),
        "spk2gender": {name[:3]: "fm"[number[name] % 2] for name in names},
        "wav.scp": {name: f"/audio/{name}.flac" for name in names},
        "text": dict.fromkeys(names, "WORDS"),
    }
    write_data_dir(folder / "all", whole | tables)
    return folder / "all"


def split(data: Path, *words: str) -> dict[str, DataDir]:
    assert main(["--data", str(data), *words]) == 0
    sets = {name: DataDir(data.parent / name) for name in (*CLOSED, "open") if (data.parent / name).is_dir()}
    assert all(validate(one.path, text=False, feats=False) == [] for one in sets.values())
    assert not any(set(a.utt2spk) & set(b.utt2spk) for a, b in combinations(sets.values(), 2))
    return sets


def fails(capsys, data: Path, *words: str) -> str:
    assert main(["--data", str(data), *words]) == 1
    assert [path.name for path in data.parent.iterdir() if not path.name.startswith(".")] == ["all"]
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


def speakers(data: DataDir) -> set[str]:
    return set(data.spk2utt)


def chapters(data: DataDir) -> set[str]:
    return set(data.table("utt2chapter").values())


def test_chapters_are_disjoint_and_speakers_the_same(tmp_path, caplog):
    caplog.set_level("INFO")
    sets = split(corpus(tmp_path), "--by", "chapter")
    assert (
        speakers(sets["train"]) == speakers(sets["dev"]) == speakers(sets["test"]) and len(sets["train"].spk2utt) == 8
    )
    assert not any(chapters(a) & chapters(b) for a, b in combinations(sets.values(), 2))
    assert "train         8       4     4         8          32      6.7" in caplog.text
    assert "train and test         8         0" in caplog.text
    assert (tmp_path / "split/sets.tsv").read_text().splitlines()[1] == "train\t8\t4\t4\t8\t32\t6.7"


def test_of_two_chapters_dev_shares_that_of_train(tmp_path, caplog):
    caplog.set_level("INFO")
    sets = split(corpus(tmp_path, chapters=2), "--by", "chapter")
    assert not chapters(sets["test"]) & (chapters(sets["train"]) | chapters(sets["dev"]))
    assert chapters(sets["dev"]) == chapters(sets["train"]) and len(sets["dev"].utt2spk) == 8
    assert "8 speakers have two chapters: one is in test alone" in caplog.text


def test_the_largest_chapter_is_for_training(tmp_path):
    chapters = {name: name[:6] if name[5] != "1" or name[-1] == "0" else f"{name[:5]}2" for name in read_names(8)}
    sets = split(corpus(tmp_path, utt2chapter=chapters), "--by", "chapter")
    assert {name[-1] for name in sets["train"].table("utt2chapter").values()} == {"2"}
    assert len(sets["train"].utt2spk) == 8 * 7


def test_random_has_each_speaker_in_each_set(tmp_path):
    sets = split(corpus(tmp_path, chapters=1, takes=10), "--by", "random")
    assert [len(sets[name].utt2spk) for name in CLOSED] == [64, 8, 8]
    assert speakers(sets["train"]) == speakers(sets["dev"]) == speakers(sets["test"])


def test_speakers_are_disjoint_and_sexes_balanced(tmp_path):
    sets = split(corpus(tmp_path, speakers=40, chapters=1), "--by", "speaker")
    assert [len(sets[name].spk2utt) for name in CLOSED] == [32, 4, 4]
    assert all(list(one.table("spk2gender").values()).count("f") == len(one.spk2utt) / 2 for one in sets.values())


def test_pieces_are_cut_through_segments(tmp_path):
    sets = split(corpus(tmp_path), "--by", "segment", "--pieces", "train,train,train,test", "--open_share", ".25")
    assert sets.keys() == {"train", "test", "open"}
    assert read_table(sets["test"].path / "segments")["s00-c0-u0-0000900-0001200"] == "s00-c0-u0 9.00 12.00"
    assert len(sets["train"].utt2spk) == 6 * 12 * 3 and len(sets["open"].utt2spk) == 2 * 12 * 4
    assert sets["test"].table("utt2chapter")["s00-c0-u0-0000900-0001200"] == "s00-c0"
    assert not sets["train"].has("text") and set(sets["train"].table("utt2dur").values()) == {"3.00"}
    assert sets["train"].table("wav.scp").keys() == sets["test"].table("wav.scp").keys()


def test_pieces_of_utterances_that_are_segments_themselves(tmp_path):
    names = [f"s{one}-{begin}" for one in range(3) for begin in (0, 7)]
    write_data_dir(
        tmp_path / "all",
        {
            "utt2spk": {name: name[:2] for name in names},
            "segments": {name: f"r{name[1]} {name[3]}.25 {int(name[3]) + 6}.25 1" for name in names},
            "wav.scp": {f"r{one}": f"/r{one}.wav" for one in range(3)},
        },
    )
    sets = split(tmp_path / "all", "--by", "segment", "--piece_seconds", "1.5")
    assert read_table(sets["test"].path / "segments")["s2-7-0000450-0000600"] == "r2 11.75 13.25 1"


def test_open_speakers_are_in_no_other_set(tmp_path):
    data = corpus(tmp_path, speakers=20)
    (tmp_path / "some").write_text("s03\ns04 f\n")
    words = ("--open_subsets", "test-clean", "--open_speakers", str(tmp_path / "some"), "--open_share", ".25")
    for by in ("chapter", "random", "segment", "speaker"):
        sets = split(data, "--by", by, *words, "--out", str(tmp_path))
        closed = set().union(*(speakers(sets[name]) for name in CLOSED))
        assert not closed & speakers(sets["open"]) and len(speakers(sets["open"])) == 14
        assert {"s03", "s04", "s10", "s19"} <= speakers(sets["open"]) and len(closed) == 6


@pytest.mark.parametrize("by", ["chapter", "random", "segment", "speaker"])
def test_speakers_to_be_left_out_are_in_no_set(tmp_path, by):
    """As 19, 26 and 27 of LibriSpeech, who are in two of the corpora that systems are compared on."""
    data = corpus(tmp_path, speakers=30)
    (tmp_path / "leave").write_text("s19\ns26\ns27\ns99\n")
    sets = split(data, "--by", by, "--leave_out", str(tmp_path / "leave"), "--open_share", ".2")
    everybody = set().union(*map(speakers, sets.values()))
    assert not everybody & {"s19", "s26", "s27"} and len(everybody) == 27
    assert "speaker\ts26\tnamed in leave" in (tmp_path / "split/left_out.tsv").read_text()


def test_an_open_set_has_two_speakers_or_more(tmp_path, capsys):
    """Trials of different speakers need them, after hours of training."""
    data = corpus(tmp_path)
    names = data / "some"
    names.write_text("s03\n")
    assert "the open set has one speaker, s03; expected a" in fails(capsys, data, "--open_speakers", str(names))
    names.unlink()
    assert len(speakers(split(data, "--open_share", ".01")["open"])) == 2


def test_the_same_seed_and_no_order_of_rows(tmp_path):
    first = {name: one.utt2spk for name, one in split(corpus(tmp_path / "a"), "--open_share", ".2").items()}
    more = split(corpus(tmp_path / "b", speakers=9), "--by", "chapter")
    assert {name: one.utt2spk for name, one in split(corpus(tmp_path / "c"), "--open_share", ".2").items()} == first
    assert {name: one.utt2spk for name, one in split(tmp_path / "a/all", "--split_seed", "7").items()} != first
    before = split(corpus(tmp_path / "d"), "--by", "chapter")["test"].utt2spk
    assert {u: s for u, s in more["test"].utt2spk.items() if s != "s08"} == before  # whoever else there is


def test_an_earlier_open_set_does_not_stay(tmp_path):
    data = corpus(tmp_path)
    assert "open" in split(data, "--open_share", ".2")
    assert "open" not in split(data)


@pytest.mark.parametrize(
    "by, shape, message",
    [
        ("chapter", {"chapters": 1}, "8 of 8 speakers cannot be in train and in test: s00 (one chapter, s00-c0), s01"),
        ("random", {"chapters": 1, "takes": 1}, "8 of 8 speakers cannot be in train and in test: s00 (one utterance"),
        ("speaker", {"speakers": 2}, "impossible: 2 speakers (s00, s01) for three sets"),
        ("chapter", {"chapters": 2, "takes": 1}, "impossible: no utterance is left for dev"),
    ],
)
def test_what_is_impossible_stops_with_the_reason(tmp_path, capsys, by, shape, message):
    assert message in fails(capsys, corpus(tmp_path, **shape), "--by", by)


def test_some_who_cannot_be_split_are_left_out_or_trained_on_request(tmp_path, capsys):
    data = corpus(tmp_path, utt2chapter={name: name[: 6 if name[2] != "5" else 3] for name in read_names(8)})
    assert "1 of 8 speakers cannot be in train and in test: s05 (one chapter, s05)" in fails(capsys, data)
    sets = split(data, "--unsplittable", "leave_out")
    assert all("s05" not in one.spk2utt for one in sets.values())
    assert "speaker\ts05\tone chapter, s05" in (tmp_path / "split/left_out.tsv").read_text()
    sets = split(data, "--unsplittable", "train")
    assert [len(sets[name].spk2utt.get("s05", [])) for name in CLOSED] == [12, 0, 0]


def read_names(n: int) -> list[str]:
    return [f"s{one:02d}-c{chapter}-u{take}" for one in range(n) for chapter in range(3) for take in range(4)]


def test_short_utterances_have_no_pieces(tmp_path, capsys, caplog):
    caplog.set_level("INFO")
    data = corpus(tmp_path, utt2dur={name: "11.90" if name[2] == "5" else "12.00" for name in read_names(8)})
    assert "1 of 8 speakers cannot be in train and in test: s05 (no utterance of 12 s)" in fails(
        capsys, data, "--by", "segment"
    )
    sets = split(data, "--by", "segment", "--unsplittable", "leave_out")
    assert len(sets["train"].spk2utt) == 7 and "12 utterances are shorter than 4 pieces of 3 s" in caplog.text


def test_segments_that_overlap_stay_together(tmp_path):
    names = [f"s{one}-r{recording}-{begin}" for one in range(3) for recording in range(4) for begin in range(3)]
    write_data_dir(
        tmp_path / "all",
        {
            "utt2spk": {name: name[:2] for name in names},
            "segments": {name: f"{name[:5]} {name[6]} {int(name[6]) + 1}.5" for name in names},
            "wav.scp": {name[:5]: f"/{name[:5]}.wav" for name in names},
        },
    )
    sets = split(tmp_path / "all", "--by", "random")
    assert not any({u[:5] for u in a.utt2spk} & {u[:5] for u in b.utt2spk} for a, b in combinations(sets.values(), 2))


PARTS = {  # speakers and utterances of LibriSpeech's parts
    "train-clean-100": (251, 28539),
    "train-clean-360": (921, 104014),
    "train-other-500": (1166, 148688),
    "dev-clean": (40, 2703),
    "test-clean": (40, 2620),
}
HUNDRED, CLEAN_360, OTHER_500 = list(PARTS)[:3]


def librispeech(*parts: str, tenth: int = 1) -> tuple[dict[str, str], dict[str, str]]:
    """utt2spk and utt2subset of parts, with dev-clean and test-clean; perhaps of a share of their utterances."""
    utt2spk, utt2subset = {}, {}
    for part in (*parts, "dev-clean", "test-clean"):
        n_speakers, n_utterances = PARTS[part]
        for number in range(n_utterances // tenth + 1):
            name = f"{part}_{number % n_speakers}-{number:06d}"
            utt2spk[name], utt2subset[name] = f"{part}_{number % n_speakers}", part
    return utt2spk, utt2subset


@pytest.mark.parametrize(
    "parts, classes, tenth",
    [
        ((HUNDRED,), 331, 1),
        ((CLEAN_360,), 1001, 10),
        ((OTHER_500,), 1246, 10),
        ((HUNDRED, CLEAN_360), 1252, 10),
        ((HUNDRED, CLEAN_360, OTHER_500), 2418, 10),
    ],
    ids=["100", "360", "500", "460", "960"],
)
def test_the_published_numbers_of_classes(parts, classes, tenth):
    """Of the larger ones a tenth of the utterances."""
    utt2spk, _ = librispeech(*parts, tenth=tenth)
    sizes = tuple(n // tenth for n in (sum(PARTS[part][1] for part in parts), 2703, 2620))
    sets = at_random_in_sizes(utt2spk, sizes, 42).sets
    assert tuple(Counter(sets.values())[name] for name in CLOSED) == sizes
    assert len({utt2spk[name] for name, owner in sets.items() if owner == "train"}) == classes


def test_published_sizes_are_those_of_the_subsets(tmp_path):
    utt2spk, utt2subset = librispeech(HUNDRED, tenth=10)
    write_data_dir(tmp_path / "all", {"utt2spk": utt2spk, "utt2subset": utt2subset})
    assert main(["--data", str(tmp_path / "all"), "--by", "random", "--sizes", "subsets"]) == 0
    assert [len(DataDir(tmp_path / name).utt2spk) for name in CLOSED] == [2854, 271, 263]


def test_sizes_that_leave_a_speaker_untrained_stop_after_100_draws(tmp_path, capsys):
    data = corpus(tmp_path, speakers=20, chapters=1, takes=3)
    words = ("--by", "random", "--sizes", "22,19,19")
    assert "impossible: in the best of 100 draws " in fails(capsys, data, *words)
    once = corpus(tmp_path / "once", chapters=1, takes=1)
    assert "each of the 8 speakers has one utterance" in fails(capsys, once, "--by", "random", "--sizes", "4,2,2")


@pytest.mark.parametrize(
    "words, message",
    [
        (("--sizes", "subsets"), "--sizes subsets: is for --by random, not --by chapter"),
        (("--by", "random", "--sizes", "5,x,1"), "--sizes 5,x,1: expected subsets, or three numbers"),
        (("--by", "random", "--sizes", "99,9,9"), "--sizes 99,9,9: 117 utterances, but there are 96"),
        (("--by", "random", "--sizes", "subsets"), "expected utterances of train-, dev- and test- subsets"),
        (("--pieces", "train,eval"), "--pieces train,eval: expected a set of train, dev, test for each piece"),
        (("--open_subsets", "dev-clean"), "no utterance of this subset; there are: test-clean, train-clean"),
        (("--open_subsets", "test-clean,train-clean"), "all 8 speakers are held out or left out"),
        (("--by", "segment", "--unsplittable", "train"), "--unsplittable train: is not for --by segment"),
        (("--fractions", "1,0,1"), "--fractions: expected three numbers above 0"),
    ],
)
def test_options_that_say_nothing_are_named(tmp_path, capsys, words, message):
    assert message in fails(capsys, corpus(tmp_path), *words)


def test_a_corpus_without_chapters_says_so(tmp_path, capsys):
    data = corpus(tmp_path)
    (data / "utt2chapter").unlink()
    assert "utt2chapter: no chapter (session) for 96 of 96 utterances, such as s00-c0-u0" in fails(capsys, data)
