"""Rules as data: labels of all dialects, speakers of all sources, columns by any of their names."""

from pathlib import Path

import pytest

from local.corpus_rules import Rules, slug, strip_extension
from utils.errors import InputError

FOLDER = Path(__file__).parents[2] / "local" / "rules"
RULES = Rules.load(FOLDER)


@pytest.mark.parametrize(
    ("attribute", "labels", "value"),
    [
        ("gender", ["male", "Male", "M"], "male"),
        ("gender", ["female", "woman"], "female"),
        ("pitch", ["low-pitched", "very low-pitch", "low pitch", "Low_Pitched"], "low"),
        ("pitch", ["medium-pitched", "moderate pitch", "slightly low-pitch", "slightly high pitch"], "medium"),
        ("pitch", ["high-pitched", "very high-pitch"], "high"),
        ("speaking_rate", ["slow speed", "very slowly", "slowly"], "slow"),
        ("speaking_rate", ["measured speed", "moderate speed", "slightly fast"], "measured"),
        ("speaking_rate", ["fast speed", "very fast"], "fast"),
        ("age", ["young adult", "young-adult"], "young-adult"),
        ("age", ["middle-aged adult"], "middle-aged-adult"),
        ("age", ["adult"], "adult"),
        ("age", ["6", "12.0"], "child"),
        ("age", ["13", "19"], "teenager"),
        ("age", ["64.5", "101"], "elderly"),
        ("age", ["-3", "1e3", "nan", "twelve"], None),
        ("accent", ["British English", "british-english"], "british-english"),
        ("pitch", ["fast speed", "rumbling"], None),
    ],
)
def test_labels(attribute, labels, value):
    assert [RULES.label(attribute, label) for label in labels] == [value] * len(labels)


@pytest.mark.parametrize("label", [None, "", "null", "None", "N/A", "Unknown", "nan", "<NA>", "#N/A"])
def test_labels_that_say_nothing(label):
    assert RULES.is_unknown(label)
    assert not RULES.is_unknown("male")


@pytest.mark.parametrize(
    ("source", "path", "speaker", "utterance"),
    [
        ("voxceleb", "id10230-WxmrMgdkqOw-00004.wav", "id10230", "id10230-WxmrMgdkqOw-00004"),
        ("voxceleb", "/data/vox1/wav/id10270/5r0d_xy-17C8/00001.wav", "id10270", "id10270-5r0d_xy-17C8-00001"),
        ("ears", "ears/p001/emo_adoration_freeform.wav", "p001", "emo_adoration_freeform"),
        ("expresso", "ex01_confused_00001.wav", "ex01", "ex01_confused_00001"),
        ("libritts-r", "train-clean-100/103/1241/103_1241_000004_000002.wav", "103", "103_1241_000004_000002"),
        ("mls", "4800_10003_000000.flac", "4800", "4800_10003_000000"),
        ("librispeech", "librispeech_103_103-1240-0000-00.wav", "103", "librispeech_103_103-1240-0000-00"),
        ("vctk", "wav48/p226/p226_001_mic1.flac", "p226", "p226_001_mic1"),
        ("vctk", "s5_001.wav", "s5", "s5_001"),
        ("emilia", "EN/EN_B00013_S00913_W000001.mp3", "EN_B00013_S00913", "EN_B00013_S00913_W000001"),
        ("gigaspeech", "POD1000000004_S0000000.wav", None, "POD1000000004_S0000000"),
        ("voxceleb", "x_voicefixer/adoration_2.5dB.wav", None, "adoration_2.5dB"),
        ("other", "a/b.wav", None, "b"),
    ],
)
def test_speakers_and_names(source, path, speaker, utterance):
    assert (RULES.speaker(source, path), RULES.utterance(source, path)) == (speaker, utterance)


@pytest.mark.field_case("The second speaker of an Expresso dialogue")
@pytest.mark.parametrize(
    ("path", "speaker"),
    [
        ("ex02-ex01_sad_003_channel2_segment_10.52_12.9", "ex01"),
        ("ex02-ex01_sad_003_channel1_segment_10.52_12.9.wav", "ex02"),
        (
            "audio_48khz/conversational_vad_segmented/ex04-ex02/sad/ex04-ex02_sad_001_channel2_segment_1.0_2.5.wav",
            "ex02",
        ),
        ("expresso_audio_48khz_conversational_ex04-ex02_sad_ex04-ex02_sad_012_channel1_segment_50.0_59.58", "ex04"),
        ("conversational\\ex04-ex01\\animal-animaldir\\ex04-ex01_animal-animaldir_003_channel2_voicefixer.wav", "ex01"),
        ("ex01-ex01_default_006_channel2_295s.wav", "ex01"),
        ("audio_48khz/conversational/ex04-ex02/sad/ex04-ex02_sad_001.wav", None),
        ("audio_48khz/read/ex01/confused/base/ex01_confused_00001.wav", "ex01"),
    ],
)
def test_speakers_of_dialogues(path, speaker):
    assert RULES.speaker("expresso", path) == speaker


@pytest.mark.field_case("Folders above a corpus that look like its speakers")
@pytest.mark.parametrize(
    ("source", "path", "speaker"),
    [
        ("vctk", "/kaldi/egs/vctk/s5/wav48/p226/p226_001.wav", "p226"),
        ("vctk", "/data/s5/wav48/s5/s5_001.wav", "s5"),
        ("ears", "ears/p001-p107/p005/emo_anger.wav", "p005"),
        ("ears", "/disks/p100/ears/p007/sentences_01_fast.wav", "p007"),
        ("ears", "ears/p001-p107/emo_anger.wav", None),
        ("voxceleb", "/corpora/vid12345/wav/id10270/5r0dWxy17C8/00001.wav", "id10270"),
        ("voxceleb", "/mnt/id00001/wav/id10270/x-id12345-_/00001.wav", "id10270"),
        ("voxceleb", "vox_id10230-WxmrMgdkqOw-00004_voicefixer.wav", "id10230"),
        ("libritts-r", "train-clean-100_103_1241_103_1241_000004_000002.wav", "103"),
        ("librispeech", "train-other-500-1006-1006-135212-0001.flac", "1006"),
        ("mls", "mls_english/train/audio/4800/10003/4800_10003_000000.flac", "4800"),
    ],
)
def test_speakers_below_other_folders(source, path, speaker):
    assert RULES.speaker(source, path) == speaker


@pytest.mark.field_case("Common Voice's words in the rules")
@pytest.mark.parametrize(
    ("attribute", "labels", "value"),
    [
        ("gender", ["male_masculine", "Male_Masculine"], "male"),
        ("gender", ["female_feminine"], "female"),
        ("gender", ["transgender", "non-binary", "intersex", "do_not_wish_to_say", "other"], None),
        ("age", ["teens"], "teenager"),
        ("age", ["twenties", "thirties"], "young-adult"),
        ("age", ["forties", "fourties", "fifties"], "middle-aged-adult"),
        ("age", ["sixties", "seventies", "eighties", "nineties"], "elderly"),
    ],
)
def test_words_of_common_voice(attribute, labels, value):
    assert [RULES.label(attribute, label) for label in labels] == [value] * len(labels)


@pytest.mark.field_case("Common Voice's client_id is the speaker")
def test_columns_of_common_voice():
    present = ["client_id", "path", "sentence", "up_votes", "age", "gender", "accents", "locale"]
    wanted = ("speaker", "audio_path", "text", "accent")
    assert [RULES.column(name, present) for name in wanted] == ["client_id", "path", "sentence", "accents"]


def test_sources_have_one_name():
    assert [RULES.source(name) for name in ("VoxCeleb1", "libritts_r", "LibriTTS-R", "EARS")] == [
        "voxceleb",
        "libritts-r",
        "libritts-r",
        "ears",
    ]


@pytest.mark.field_case("One source or label in two spellings")
def test_spellings_of_sources_and_labels():
    assert {RULES.source(name) for name in ("LibriSpeech", "libri_speech", "Libri-Speech")} == {"librispeech"}
    assert {RULES.source(name) for name in ("LibriTTSR", "libri-tts-r", "libritts_r")} == {"libritts-r"}
    assert RULES.source("Common Voice") == "commonvoice" and RULES.source("My Corpus") == "my-corpus"
    assert (
        RULES.label("accent", "que\u0301be\u0301cois")
        == RULES.label("accent", "Qu\u00e9b\u00e9cois")
        == "qu\u00e9b\u00e9cois"
    )


def test_columns_best_name_first_whatever_the_case():
    assert RULES.column("audio_path", ["id", " Audio_Path ", "path"]) == " Audio_Path "
    assert RULES.column("audio_path", ["id", "path"]) == "path"
    assert RULES.column("mood", ["Mood"]) == "Mood"
    assert RULES.column("pitch", ["f0"]) is None


def test_words():
    assert slug(" Scottish  (Glasgow) ") == "scottish-glasgow"
    assert strip_extension("a.b.FLAC") == "a.b" and strip_extension("a.b") == "a.b"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("labels.yaml", "attributes: {}"),
        ("labels.yaml", "["),
        ("columns.yaml", "- a"),
        ("speakers.yaml", "vctk: {pattern: '('}"),
        ("speakers.yaml", "vctk: {}"),
        ("speakers.yaml", "vctk: {pattern: '(a{99999999999})'}"),
        ("speakers.yaml", "vctk: {pattern: '(a)', readers: [librivox]}"),
        ("speakers.yaml", "vctk: {pattern: [[1]]}"),
        ("speakers.yaml", "vctk: {pattern: '(a)', aliases: [{a: 1}]}"),
        ("labels.yaml", "{unknown: [a], attributes: {gender: {male: 5}}}"),
        ("labels.yaml", "{unknown: [a], names: 5, attributes: {}}"),
        ("columns.yaml", "{speaker: 5}"),
        ("speakers.yaml", "vctk: {pattern: 'p226'}"),
    ],
)
def test_bad_rules_name_the_file_or_folder(tmp_path, name, content):
    for file in FOLDER.glob("*.yaml"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=str(tmp_path)):
        Rules.load(tmp_path)


def test_no_label_need_mean_unknown(tmp_path):
    for file in FOLDER.glob("*.yaml"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "labels.yaml").write_text("{unknown: [], attributes: {}}")
    assert not Rules.load(tmp_path).is_unknown("NA")


@pytest.mark.parametrize("source", ["gigaspeech", "commonvoice"])
def test_why_the_paths_of_a_source_tell_no_speaker(source):
    assert RULES.why_no_speaker(source).endswith(", not speakers")


def test_two_ages():
    rules = RULES.with_two_ages(15)
    ages = {"15": "child", "16": "adult", "child": "child", "adult": "adult", "elderly": "adult", "twenties": "adult"}
    assert {label: rules.label("age", label) for label in ages} == ages
    assert rules.label("age", "teenager") is None
    assert rules.label("gender", "girl") == "female"
