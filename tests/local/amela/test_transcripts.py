"""Texts of recordings: those that are known stay, those of pieces are joined; and what is left to be recognised."""

import json
from pathlib import Path

import pytest

from local.amela import join_text, untold
from steps.audio.failures import write_failures
from utils.data_dir import write_data_dir
from utils.tables import read_table


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Three recordings, of which b has a text and c no speech; two pieces of a, one of b."""
    wav = {key: f"/audio/{key}.wav" for key in ("s/a", "s/b", "s/c")}
    tables = {"wav.scp": wav, "utt2spk": dict.fromkeys(wav, "s"), "utt2dur": dict.fromkeys(wav, "9.0")}
    write_data_dir(tmp_path / "all", tables | {"utt2text": {"s/b": "known words"}})
    segments = {"s/a-0000000-0000300": "s/a 0 3", "s/a-0000400-0000700": "s/a 4 7", "s/b-0000000-0000300": "s/b 0 3"}
    used = {key: wav[key] for key in ("s/a", "s/b")}
    write_data_dir(
        tmp_path / "pieces", {"wav.scp": used, "segments": segments, "utt2spk": dict.fromkeys(segments, "s")}
    )
    return tmp_path


def given(corpus: Path, *words: str) -> list[str]:
    return ["--data", str(corpus / "all"), "--pieces", str(corpus / "pieces"), "--out", str(corpus / "out"), *words]


def test_pieces_of_recordings_without_a_text_are_left(corpus):
    assert untold.main(given(corpus)) == 0
    assert list(read_table(corpus / "out" / "utt2spk")) == ["s/a-0000000-0000300", "s/a-0000400-0000700"]
    assert list(read_table(corpus / "out" / "wav.scp")) == ["s/a"]
    write_data_dir(
        corpus / "all",
        {"text": dict.fromkeys(("s/a", "s/b", "s/c"), "x"), "utt2spk": read_table(corpus / "all" / "utt2spk")},
    )
    assert untold.main(given(corpus)) == 0
    assert (corpus / "out" / "utt2spk").read_bytes() == b""


def test_texts_are_joined_in_the_order_of_pieces(corpus):
    pieces = read_table(corpus / "pieces" / "utt2spk")
    words = dict(zip(pieces, ("one two", "", "wrong"), strict=True))
    write_data_dir(corpus / "asr", {"utt2spk": pieces, "text": words})
    assert join_text.main(given(corpus, "--asr", str(corpus / "asr"))) == 0
    assert read_table(corpus / "out" / "text") == {"s/a": "one two", "s/b": "known words", "s/c": ""}
    assert read_table(corpus / "out" / "recognised" / "text") == {"s/a": "one two", "s/b": "wrong"}
    assert (corpus / "out" / "no_text.tsv").read_text() == "recording\treason\ns/c\tno speech\n"
    rows = [json.loads(line) for line in (corpus / "out" / "manifest.jsonl").read_text().splitlines()]
    assert [row["text"] for row in rows] == ["one two", "known words", ""]


def test_a_recording_with_a_failed_piece_has_no_text(corpus):
    pieces = read_table(corpus / "pieces" / "utt2spk")
    done = {"s/a-0000000-0000300": "one"}
    write_data_dir(corpus / "asr", {"utt2spk": {key: pieces[key] for key in done}, "text": done})
    assert join_text.main(given(corpus, "--asr", str(corpus / "asr"))) == 0
    assert "s/a\ta piece failed" in (corpus / "out" / "no_text.tsv").read_text()
    assert not (corpus / "out" / "recognised").exists()


def test_a_recording_that_was_not_read_is_not_said_to_have_no_speech(corpus):
    (corpus / "vad").mkdir()
    write_failures(corpus / "vad" / "failures.tsv", [("s/c", "corrupt", "/audio/s/c.wav: has samples that are ...")])
    assert join_text.main(given(corpus, "--vad", str(corpus / "vad"))) == 0
    assert "s/c\tnot read: corrupt\n" in (corpus / "out" / "no_text.tsv").read_text()


def stretches_of(corpus: Path, text: dict[str, str]) -> None:
    """The recordings of the corpus as stretches of speech, which the pieces join; these have some texts."""
    segments = {"s/a-0000000-0000300": "s/a 0 3", "s/a-0000400-0000500": "s/a 4 5", "s/a-0000600-0000700": "s/a 6 7"}
    segments |= {"s/b-0000000-0000300": "s/b 0 3"}
    tables = {"segments": segments, "utt2spk": dict.fromkeys(segments, "s"), "utt2text": text}
    (corpus / "all" / "utt2dur").unlink()
    wav = {key: path for key, path in read_table(corpus / "all" / "wav.scp").items() if key != "s/c"}
    write_data_dir(corpus / "all", tables | {"wav.scp": wav})


def test_texts_of_stretches_that_pieces_join_are_those_of_recordings(corpus, caplog):
    known = {f"s/a-0000{times}": word for times, word in (("000-0000300", "one"), ("400-0000500", "two"))}
    stretches_of(corpus, known | {"s/b-0000000-0000300": "four"})
    assert untold.main(given(corpus)) == 0
    assert list(read_table(corpus / "out" / "utt2spk")) == ["s/a-0000000-0000300", "s/a-0000400-0000700"]
    assert "2 stretches have a text, but others of their recordings have none" in caplog.text
    words = {"s/a-0000000-0000300": "eins", "s/a-0000400-0000700": "zwei drei"}
    write_data_dir(corpus / "asr", {"utt2spk": dict.fromkeys(words, "s"), "text": words})
    corpus.joinpath("out").rename(corpus / "untold")
    words = given(corpus, "--asr", str(corpus / "asr"))
    assert join_text.main(words) == 0
    assert read_table(corpus / "out" / "text") == {"s/a": "eins zwei drei", "s/b": "four"}
    assert read_table(corpus / "out" / "known_text") == {"s/b": "four"}
    stretches_of_all = known | {"s/a-0000600-0000700": "three", "s/b-0000000-0000300": "four"}
    (corpus / "all" / "utt2text").write_text("".join(f"{key} {text}\n" for key, text in stretches_of_all.items()))
    assert join_text.main(words) == 0
    assert read_table(corpus / "out" / "text") == {"s/a": "one two three", "s/b": "four"}


def test_pieces_of_other_recordings_are_refused(corpus, capsys):
    write_data_dir(
        corpus / "pieces",
        {"wav.scp": {"x": "x.wav"}, "utt2spk": {"x-0000000-0000100": "x"}, "segments": {"x-0000000-0000100": "x 0 1"}},
    )
    assert untold.main(given(corpus)) == 1
    assert "x-0000000-0000100: no piece of an utterance of" in capsys.readouterr().err
