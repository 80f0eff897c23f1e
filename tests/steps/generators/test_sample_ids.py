"""Ids of sampled speakers: unique over sets, models, seeds and texts; the vectors are those of ids without them."""

import itertools
import re
import shutil
from pathlib import Path

import pytest

from steps.generators import merge_samples, plan_samples, sample
from steps.generators.sample_ids import MOST_LETTERS, spelled
from tests.steps.generators.known_model import TEXTS, VECTORS, known_options
from utils.archives import read_vectors
from utils.data_dir import invert, validate, write_data_dir
from utils.fix_data_dir import main as fix_data_dir
from utils.tables import read_table

MORE = ("-n", "3", "--seed", "7", "--temperature", "4")


def draw(root: Path, *more: str, out: str = "groups", offset: float = 1.0) -> Path:
    """Sample three speakers for each text. Returns the directory."""
    assert sample.main([*known_options(root, out, offset), *MORE, *more]) == 0
    return root / out


def speakers(directory: Path) -> set[str]:
    return set(read_table(directory / "utt2spk").values())


@pytest.mark.field_case("Vectors of samples stay the same when their ids change")
@pytest.mark.parametrize("more", [(), ("--id_prefix", "mine")])
def test_vectors_are_those_of_before(tmp_path, more):
    keys, x = read_vectors(draw(tmp_path, *more) / "xvector.scp")
    wanted = [(text_id, value) for text_id, values in VECTORS for value in values.split()]
    assert [vector.tobytes().hex() for vector in x] == [value for _, value in wanted]
    assert [text_id in key for key, (text_id, _) in zip(keys, wanted, strict=True)] == [True] * 6


def test_an_id_tells_set_text_and_number(tmp_path):
    for key, (text_id, number) in zip(
        sorted(speakers(draw(tmp_path))), itertools.product(TEXTS, (1, 2, 3)), strict=True
    ):
        assert re.fullmatch(rf"groups-{text_id}-[0-9a-f]{{8}}-000000{number}", key)


def combine(*sources: Path) -> Path:
    """What Kaldi's combine_data.sh makes: the lines of all directories, sorted, one of each key; then fix_data_dir."""
    out = sources[0].parent / "combined"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    for name in ("utt2spk", "xvector.scp", "spk2utt"):
        lines: dict[str, str] = {}
        for source in sources:
            lines |= read_table(source / name)
        (out / name).write_text("".join(f"{key} {lines[key]}\n" for key in sorted(lines)))
    assert fix_data_dir([str(out)]) == 0
    assert validate(out, text=False, feats=False, wav=False) == []
    return out


@pytest.mark.field_case("Two sample sets that are combined keep all speakers: another set, seed, model or number")
def test_combined_sets_keep_all_speakers(tmp_path):
    root, other = tmp_path / "a", tmp_path / "b"
    sets = [
        draw(root),
        draw(root, out="deep"),
        draw(root, "--seed", "8", out="exp2/groups"),
        draw(root, "--temperature", "1", out="exp3/groups"),
        draw(root, "-n", "2", out="exp4/groups"),
        draw(other, offset=2.0),
    ]
    for one, two in itertools.combinations(sets, 2):
        assert len(speakers(combine(one, two))) == len(speakers(one)) + len(speakers(two))


@pytest.mark.field_case("Combined samples of two descriptions with one id keep all speakers")
def test_combined_texts_keep_all_speakers(tmp_path):
    one = draw(tmp_path / "a")
    known_options(tmp_path / "b")
    text = tmp_path / "b/descriptions/text"
    text.write_text(text.read_text().replace(" low ", " deep "))
    two = draw(tmp_path / "b")
    assert len(speakers(combine(one, two))) == 12


def test_the_same_samples_have_the_same_ids_wherever_they_lie(tmp_path):
    one = draw(tmp_path / "a")
    two = draw(tmp_path / "b", "--max_tries", "7")
    for name in ("xvector.ark", "utt2spk", "provenance.jsonl"):
        assert (one / name).read_bytes() == (two / name).read_bytes()


@pytest.mark.field_case("Ids of samples do not depend on the number of jobs")
@pytest.mark.parametrize("nj", [2, 3])
def test_jobs_give_the_same_ids(tmp_path, nj):
    alone = draw(tmp_path / "alone", "-n", "600")
    options = [*known_options(tmp_path / "jobs"), *MORE, "-n", "600", "--nj", str(nj)]
    assert plan_samples.main(options) == 0
    for job in range(1, nj + 1):
        assert sample.main([*options, "--job", str(job)]) == 0
    assert merge_samples.main(options) == 0
    for name in ("xvector.ark", "utt2spk", "spk2utt", "num_utts.ark", "provenance.jsonl"):
        assert (tmp_path / "jobs/groups" / name).read_bytes() == (alone / name).read_bytes()


@pytest.mark.field_case("Names of sample sets with blanks and other characters make ids that Kaldi reads")
@pytest.mark.parametrize(
    ("name", "begin"),
    [
        ("samples, all", "samples_all"),
        ("-x", "x"),
        ("$(touch hacked)", "_touch_hacked_"[1:-1]),
        ("tief \u2014 sehr tief", "tief_sehr_tief"),
        ("\u6df1\u3044", "\u6df1\u3044"),
        ("..x", "x"),
        ("---", "samples"),
        ("x" * 200, "x" * MOST_LETTERS),
        ("a\u00a0b\u200bc", "a_b_c"),
        ("caf\u0065\u0301", "caf\u00e9"),
    ],
)
def test_odd_names_are_spelled(tmp_path, name, begin):
    directory = draw(tmp_path, out=name)
    assert all(key.startswith(f"{begin}-") and key.split() == [key] for key in speakers(directory))
    assert validate(directory, text=False, feats=False, wav=False) == []
    assert spelled(begin) == begin


@pytest.mark.field_case("Names of sample sets that are spelled alike make different ids")
def test_names_that_are_spelled_alike_stay_apart(tmp_path):
    names = ("a b", "a,b", "a_b", "x" * 100, "x" * 101)
    found = [speakers(draw(tmp_path, out=name)) for name in names]
    assert len(set().union(*found)) == 6 * len(names)


def test_a_prefix_of_the_user_takes_the_place_of_set_and_hash(tmp_path):
    assert "mine-male_low-v01-0000003" in speakers(draw(tmp_path, "--id_prefix", "mine"))


@pytest.mark.hostile("An --id_prefix that is no part of an id")
@pytest.mark.parametrize("prefix", ["", " ", "a b", "a/b", "-x", "x-", "\u00a0", "x" * 49, "a\tb", "a\x07", "$(x)"])
def test_a_bad_prefix_is_refused(tmp_path, capsys, prefix):
    assert sample.main([*known_options(tmp_path), *MORE, "--id_prefix", prefix]) == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and "--id_prefix: expected up to 48 letters" in said[0]
    assert not (tmp_path / "groups").exists()


@pytest.mark.field_case("Several utterances of a sampled speaker sort by speaker too")
def test_ids_leave_room_for_several_utterances(tmp_path):
    """`<speaker>-0001` keeps utt2spk sorted by speaker, beyond ten million samples and beside odd names too."""
    found = sorted(
        speakers(draw(tmp_path)) | speakers(draw(tmp_path, out="groups!")) | speakers(draw(tmp_path, out="g"))
    )
    found += [found[0][:-7] + number for number in ("1000000", "10000000", "9999999")]
    utt2spk = {f"{speaker}-{take:04d}": speaker for speaker in found for take in (1, 2, 11)}
    write_data_dir(tmp_path / "several", {"utt2spk": utt2spk})
    assert len(invert(utt2spk)) == len(set(found))


@pytest.mark.field_case("num_utts.ark of samples, as ivector-mean writes it")
def test_the_number_of_utterances_is_told(tmp_path):
    directory = draw(tmp_path)
    lines = [f"{speaker} 1\n" for speaker in sorted(speakers(directory))]
    assert (directory / "num_utts.ark").read_text() == "".join(lines)
