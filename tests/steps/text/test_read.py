"""Readers: vectors of texts with their layout, saved and loaded."""

import json

import numpy as np
import pytest

from steps.text.encode import SentenceEncoder
from steps.text.layout import READER, TextLayout
from steps.text.read import ENCODER, LEARNED, READERS, Reader, main
from steps.text.text_classifier import fit_classifier, soft_labels
from utils.errors import InputError

VALUES = {
    "gender": ["female", "male"],
    "pitch": ["high", "low", "medium"],
    "speaking_rate": ["fast", "measured", "slow"],
}
TEXTS = ["A woman with a deep voice.", "Somebody who speaks fast."]


@pytest.fixture(scope="module")
def reader(encoder):
    return READERS.load("posterior").of_attributes(encoder, VALUES)


def test_a_sentence_reader_gives_sentence_vectors(encoder, tmp_path):
    reader = READERS.load("sentence").of_attributes(encoder, VALUES)
    assert reader.layout == TextLayout(384, {})
    assert np.array_equal(reader.read(TEXTS).vectors, encoder.encode(TEXTS))
    reader.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [ENCODER]
    assert np.array_equal(Reader.load(tmp_path).read(TEXTS).vectors, encoder.encode(TEXTS))


def test_what_is_said_and_unsaid(reader, encoder):
    vectors = reader.read(TEXTS).vectors
    assert vectors.shape == (2, 384 + 11) and vectors.dtype == np.float32
    assert np.array_equal(reader.layout.sentence(vectors), encoder.encode(TEXTS))
    first, second = map(reader.layout.read_as, vectors)
    assert first["gender"]["female"] > 0.9 < first["pitch"]["low"] and first["speaking_rate"]["unsaid"] > 0.9
    assert second["gender"]["unsaid"] > 0.9 < second["speaking_rate"]["fast"]


def test_a_reader_comes_back(reader, tmp_path):
    reader.save(tmp_path)
    other = Reader.load(tmp_path)
    assert other.layout == reader.layout and other.kind == "posterior"
    assert np.array_equal(other.read(TEXTS).vectors, reader.read(TEXTS).vectors)


def test_another_encoder_is_refused(reader, tmp_path):
    reader.save(tmp_path)
    identity = json.loads((tmp_path / ENCODER).read_text())
    (tmp_path / ENCODER).write_text(json.dumps(identity | {"sha256": "0" * 64}))
    with pytest.raises(InputError, match="give the right one with --encoder"):
        Reader.load(tmp_path)


@pytest.mark.parametrize("kind", ["unknown", "os:system", 1, None])
def test_a_kind_that_is_not_registered_is_refused(reader, tmp_path, kind):
    reader.save(tmp_path)
    (tmp_path / READER).write_text(json.dumps({"kind": kind} | reader.layout.as_dict()))
    with pytest.raises(InputError, match="known are posterior, sentence"):
        Reader.load(tmp_path)


def test_files_that_do_not_belong_together_are_refused(reader, tmp_path):
    reader.save(tmp_path)
    path = tmp_path / READER
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"learned": True}))
    with pytest.raises(InputError, match=r"reader.safetensors: no such file"):
        Reader.load(tmp_path)
    for wrong in ({"learned": "yes"}, {"sentence_dim": 383}):
        path.write_text(json.dumps(content | wrong))
        with pytest.raises(InputError, match=r"reader.json: expected sentence_dim 384"):
            Reader.load(tmp_path)
    path.write_text(json.dumps(content | {"learned": True}))
    (tmp_path / LEARNED).write_bytes(b"no tensors")
    with pytest.raises(InputError, match=r"reader.safetensors: not readable"):
        Reader.load(tmp_path)
    path.write_text(json.dumps({"kind": "posterior", "sentence_dim": 384}))
    with pytest.raises(InputError, match=r"reader.json: no attributes"):
        Reader.load(tmp_path)


@pytest.fixture(scope="module")
def learned(reader, encoder):
    """A reader whose classifier knows a few comparisons that no rule knows."""
    low, high = ("tuba", "bassoon", "gong"), ("flute", "whistle", "violin")
    said = [{"pitch": {value: 1.0}} for value, words in (("low", low), ("high", high)) for _ in words]
    said += [{"pitch": {"unsaid": 1.0}}] * 3
    vectors = encoder.encode([f"a voice like a {word}" for word in (*low, *high, "lawyer", "baker", "poet")])
    classifier = fit_classifier(vectors, soft_labels(said, VALUES), list("abcabcabc"), reader.layout.attributes)
    return type(reader)(encoder, reader.layout, classifier)


def test_the_classifier_speaks_where_rules_are_silent_and_words_unknown(learned, reader):
    known, unknown, denied = "A loud woman.", "A woman with a voice like a sackbutt.", "A deep voice like a sackbutt."
    by_both, by_rules = (one.read([known, unknown, denied]).vectors for one in (learned, reader))
    pitch = reader.layout.columns("pitch")
    assert np.array_equal(by_both[[0, 2], pitch], by_rules[[0, 2], pitch])  # nothing to ask
    assert by_rules[1, pitch][-1] == 1 > by_both[1, pitch][-1]


def test_the_classifier_is_not_asked_about_other_things(learned):
    """A sentence that is about no voice is unsaid, whatever its words are near to."""
    text = "The thunder rolled over the village in the evening."
    reading = learned.read([text])
    assert all(one["unsaid"] == 1 for one in learned.layout.read_as(reading.vectors[0]).values())
    assert "nothing is said of a voice" in reading.warnings[0]


def test_warnings(reader):
    texts = [
        "A woman.",
        "A deep, high-pitched voice.",
        "A voice like a sackbutt.",
        "A voice. " * 200 + "She speaks fast.",
    ]
    found = reader.read(texts)
    assert found.warnings[0] == () and "deep" in found.warnings[1][0]
    assert found.warnings[2] == ("not understood: sackbutt",)
    named = reader.read(["A man with a sackbutty deep voice.", "A man with a sackbutty voice, speaking fast."]).warnings
    assert named == [(), ("not understood: sackbutty",)]
    assert reader.read(["On Monday a man in a deep voice, speaking fast, beside a sackbutt."]).warnings == [()]
    twice = reader.read(["A voice like a sackbutt, like a serpent, and like a sackbutt."]).warnings
    assert twice == [("not understood: sackbutt, serpent",)]
    (long,) = found.warnings[3]
    cut = reader.read([f"{'loud ' * begin}voice" + ", a voice" * 150 for begin in range(3)]).warnings
    assert all("from 'voice' on" in one or "from 'a' on" in one for (one,) in cut)
    assert (
        long.startswith("beyond the encoder's length: the last ")
        and reader.layout.read_as(found.vectors[3])["gender"]["female"] > 0.9
    )


def command(capsys, *words):
    status = main([str(word) for word in words])
    shown = capsys.readouterr()
    return status, shown.out, shown.err


def test_the_command_reads_by_rules_at_once(capsys, monkeypatch):
    monkeypatch.setattr(SentenceEncoder, "encode", None)
    status, out, _ = command(capsys, "--text", "A woman with a deep voice")
    lines = out.splitlines()
    assert status == 0 and lines[0] == "A woman with a deep voice"
    assert [line.split()[:2] for line in lines[1:] if line[2] != " "] == [
        *(["gender", "female"], ["pitch", "low"], ["speaking_rate", "unsaid"])
    ]


def test_the_command_reads_by_a_model(reader, tmp_path, capsys):
    reader.save(tmp_path)
    (tmp_path / "texts").write_text("a\tA deep, high-pitched voice.\n\nA man who talks fast\nb\tA boy\tm\n")
    status, out, _ = command(capsys, "--text_file", tmp_path / "texts", "--model", tmp_path, "--json", "true")
    first, second, third = map(json.loads, out.splitlines())
    assert status == 0 and first["text"] == "A deep, high-pitched voice." and len(first["warnings"]) == 1
    assert third["text"] == "A boy"
    read_as = reader.layout.read_as(reader.read(["A man who talks fast"]).vectors[0])
    assert second["read_as"] == {n: {v: round(p, 4) for v, p in of.items()} for n, of in read_as.items()}


def test_the_command_tells_of_the_attributes_that_are_named(reader, tmp_path, capsys):
    reader.save(tmp_path)
    for model in ((), ("--model", tmp_path)):
        words = ("--text", "a low voice", "--attributes", "pitch,gender,pitch", "--json", "true", *model)
        status, out, _ = command(capsys, *words)
        assert status == 0 and list(json.loads(out)["read_as"]) == ["pitch", "gender"]
    status, _, err = command(capsys, "--text", "a low voice", "--attributes", "age", "--model", tmp_path)
    assert status == 1 and f"--attributes age: {tmp_path} reads gender, pitch" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "give --text or --text_file"),
        (["--text", "a", "--text_file", "b"], "give --text or --text_file"),
        (["--text", " "], "--text: empty text"),
        (["--text", "a", "--encoder", "x"], "--encoder is that of a --model"),
        (["--text", "a", "--attributes", "accent"], "--attributes accent: the rules know gender, pitch"),
        (["--text", "a", "--model", "nowhere"], "nowhere/encoder.json: no such file; expected that of a trained model"),
        (["--text_file", "nowhere"], "nowhere"),
    ],
)
def test_bad_options(capsys, words, message):
    status, out, err = command(capsys, *words)
    assert status == 1 and message in err and err.count("\n") == 1 and not out


def test_a_model_of_sentence_vectors_reads_nothing(encoder, tmp_path, capsys):
    READERS.load("sentence").of_attributes(encoder, VALUES).save(tmp_path)
    status, _, err = command(capsys, "--text", "a voice", "--model", tmp_path)
    assert status == 1 and "sentence vectors alone" in err
