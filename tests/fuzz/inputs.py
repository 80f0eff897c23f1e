"""Small valid input of every entry: each function writes one kind of it below a directory."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from steps.gmm.diag_gmm import DiagGmm
from steps.gmm.kaldi_text import write_kaldi_text
from tests.fuzz.trees import OPTIONS
from tests.local.corpus import Corpus, make_rows
from tests.local.reddots.small_corpus import write_corpus as write_reddots
from tests.steps.audio.sounds import babble, write_sound
from tests.steps.data.corpus import make_all
from tests.steps.features.speech import write_speech
from tests.steps.generators.experiment import Experiment, write_experiment
from tests.steps.sid.feats import write_feats
from tests.steps.verify.phrases import made_up_scores, write_phrases, write_system
from utils.archive_writer import ArchiveWriter, write_vectors
from utils.tables import read_lines, read_table, write_table


def build_corpus(folder: Path, container: str = "csv", layout: str = "scp") -> None:
    """Rows and embeddings of a corpus like CapSpeech; no cell spans lines, so that lines can be counted."""
    rows = [row | {"caption": f"A voice, number {n}."} for n, row in enumerate(make_rows())]
    Corpus(folder, rows).write(container, layout)


def build_folder(folder: Path) -> None:
    """Six recordings of three speakers, and a table of what is known of them."""
    lines = ["path,speaker,gender,text,age"]
    for number in range(6):
        path = f"set/s{number // 2}/u{number}.wav"
        write_sound(folder / "tree" / path, babble(number, 0.6))
        lines.append(f"{path},s{number // 2},{('male', 'female')[number // 2 % 2]},some words,young adult")
    (folder / "known.csv").write_text("\n".join(lines) + "\n")


def build_librispeech(folder: Path) -> None:
    """Three speakers as OpenSLR ships them."""
    lines = [";ID |SEX| SUBSET |MINUTES| NAME"]
    for speaker in (19, 26, 103):
        chapter = folder / f"LibriSpeech/dev-clean/{speaker}/1"
        write_sound(chapter / f"{speaker}-1-0000.flac", babble(speaker, 4))
        (chapter / f"{speaker}-1.trans.txt").write_text(f"{speaker}-1-0000 SOME WORDS\n")
        lines.append(f"{speaker} | F | dev-clean | 8.0 | A Name")
    (folder / "LibriSpeech/SPEAKERS.TXT").write_text("\n".join(lines) + "\n")


def build_reddots(folder: Path) -> None:
    """Lists of three men and two sentences, in the files of RedDots, with folds."""
    root = write_reddots(folder / "reddots")
    (root / "infos/folds.txt").write_text("m0001 0\nm0002 1\nm0003 2\nm0004 2\n")
    (root / "infos/phones.csv").write_text("sentence_id;content;phones\n31;My voice;M AY1 _ V OY1 S\n")
    (root / "infos/sexes.txt").write_text("m0001 m\nm0002 m\n")


def build_saved(folder: Path) -> None:
    """The same speakers in two chapters, as Hugging Face's datasets hold them: parquet of the hub, arrow as saved."""
    for split, take, suffix in (("train.clean.100", 0, ".parquet"), ("test.clean", 1, ".arrow")):
        names = [f"{speaker}-{chapter}-000{take}" for speaker in (19, 26, 103) for chapter in (1, 2)]
        rows = {"id": names, "speaker_id": [int(name.split("-")[0]) for name in names], "text": ["SOME WORDS"] * 6}
        for number, name in enumerate(names):
            write_sound(folder / f"{name}.flac", babble(number, 1.5))
        audio = [{"bytes": (folder / f"{name}.flac").read_bytes(), "path": None} for name in names]
        kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
        table = pa.table(rows | {"audio": pa.array(audio, kind)})
        (folder / "hf").mkdir(exist_ok=True)
        file = folder / f"hf/{split}-00000-of-00001{suffix}"
        if suffix == ".parquet":
            pq.write_table(table, file, row_group_size=2)
        else:
            with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
                writer.write_table(table, max_chunksize=2)
    (folder / "hf/SPEAKERS.TXT").write_text("".join(f"{one} | F | x | 8 | A Name\n" for one in (19, 26, 103)))


def build_kaldi(folder: Path) -> None:
    """Recordings in a data directory without segments, of three speakers in three sessions each."""
    names = [f"s{speaker}-{chapter}" for speaker in range(3) for chapter in range(3)]
    for number, name in enumerate(names):
        write_sound(folder / f"{name}.wav", babble(number, 1.5))
    (folder / "data").mkdir()
    tables = {
        "wav.scp": {name: f"{name}.wav" for name in names},
        "utt2spk": {name: name[:2] for name in names},
        "utt2chapter": {name: name[-1] for name in names},
        "spk2gender": {f"s{speaker}": "m" for speaker in range(3)},
        "text": dict.fromkeys(names, "some words"),
    }
    for name, table in tables.items():
        write_table(folder / "data" / name, table)
    (folder / "some").write_text("s1\n")


def build_recordings(folder: Path) -> None:
    """Three recordings in a data directory, one of them with segments."""
    for number in range(3):
        write_sound(folder / f"{number}.wav", babble(number, 1.5))
    data = folder / "data"
    data.mkdir()
    (data / "wav.scp").write_text("".join(f"s{n} {n}.wav\n" for n in range(3)))
    (data / "segments").write_text(
        "".join(f"s{n}-{part} s{n} {part / 2} {part / 2 + 0.6}\n" for n in range(3) for part in range(2))
    )
    (data / "utt2spk").write_text("".join(f"s{n}-{part} s{n}\n" for n in range(3) for part in range(2)))
    (data / "text").write_text("".join(f"s{n}-{part} some words of text\n" for n in range(3) for part in range(2)))


def build_speech(folder: Path) -> None:
    """Features of four utterances of two speakers, and which of their frames are speech."""
    rng, utt2spk = np.random.default_rng(0), {f"s{n // 2}-u{n}": f"s{n // 2}" for n in range(4)}
    frames = [rng.normal(size=(20 + n, 6)) for n in range(4)]
    write_feats(folder / "feats", utt2spk, frames, spk2gender={"s0": "f", "s1": "m"})
    (folder / "vad").mkdir()
    with ArchiveWriter(folder / "vad" / "vad.ark", folder / "vad" / "vad.scp") as writer:
        for utterance, x in zip(utt2spk, frames, strict=True):
            writer.add(utterance, (rng.random(len(x)) < 0.7).astype(np.float32))
    (folder / "vad" / "vad.json").write_text('{"backend": "energy", "frames_per_second": 100.0}')


def build_mixtures(folder: Path) -> None:
    """Speech frames to train a UBM on, and a mixture in Kaldi's text form."""
    rng, utt2spk = np.random.default_rng(0), {f"s{n // 2}-u{n}": f"s{n // 2}" for n in range(4)}
    frames = [rng.normal(size=(40 + n, 6)) for n in range(4)]
    write_speech(folder / "feats", utt2spk, frames, spk2gender={"s0": "f", "s1": "m"})
    write_kaldi_text(folder / "kaldi.dubm", DiagGmm(np.full(2, 0.5), rng.normal(size=(2, 3)), np.ones((2, 3))))


def build_measured(folder: Path) -> None:
    """The same recordings, with embeddings beside them."""
    build_recordings(folder)
    keys = [f"s{n}-{part}" for n in range(3) for part in range(2)]
    write_vectors(
        folder / "x.ark", folder / "x.scp", keys, np.random.default_rng(0).normal(size=(6, 8)).astype(np.float32)
    )


def build_sets(folder: Path) -> None:
    """A data directory with labels and vectors."""
    make_all(folder, n_speakers=20)
    (folder / "all" / "utt2split").write_text(
        "".join(f"{line.split()[0]} train\n" for line in (folder / "all/utt2spk").read_text().splitlines())
    )


def build_index_input(folder: Path) -> None:
    """Three sets of speakers."""
    write_experiment(folder)


def build_texts(folder: Path) -> None:
    """A data directory with captions, paraphrases in a file, and options in a configuration."""
    make_all(folder, n_speakers=6)
    utterances = [line.split()[0] for line in (folder / "all/utt2spk").read_text().splitlines()]
    (folder / "all/utt2caption").write_text("".join(f"{key} A voice of medium pitch.\n" for key in utterances))
    groups = [f"{gender}_{pitch}" for gender in ("female", "male") for pitch in ("low", "medium", "high")]
    texts = {group: [f"A {group.replace('_', ' voice of pitch ')}, number {n}." for n in range(10)] for group in groups}
    (folder / "paraphrases.json").write_text(json.dumps(texts))
    conf = {
        "attributes": ["gender", "pitch"],
        "augment": "file",
        "captions": "beside",
        "seed": 1,
        "heldout_fraction": 0.2,
        "reader_texts": 0,
    }
    (folder / "augment.yaml").write_text(yaml.safe_dump(conf))


def build_training(folder: Path) -> None:
    """An index, texts, and a list of generators."""
    write_experiment(folder)
    (folder / "generators.txt").write_text("one group_gaussian -\ntwo ridge two.yaml\n")
    (folder / "two.yaml").write_text(yaml.safe_dump({"penalty": 0.1, "student": False, "shrinkage": 0.1}))


def build_model(folder: Path) -> None:
    """A trained generator that knows the real encoder, and texts to sample for."""
    from steps.text.encode import SentenceEncoder

    encoder = SentenceEncoder()
    identity = {"name": encoder.name, "sha256": encoder.sha256, "dim": encoder.dim}
    train_model(folder, write_experiment(folder, encode=encoder.encode, identity=identity))


def build_read_model(folder: Path) -> None:
    """The same with texts that were read into posteriors."""
    train_model(folder, write_read_texts(folder))


def train_model(folder: Path, made: Experiment) -> None:
    """Train a small network, and write texts to sample for."""
    from steps.generators import train

    (folder / "generators.txt").write_text("model mdn -\n")
    settings = ["--generators", str(folder / "generators.txt"), "--set", "hidden=8,epochs=1,folds=2"]
    assert train.main(made.options("model", *settings)) == 0
    (folder / "texts.tsv").write_text("one\tA woman with a deep voice.\ntwo\tA man.\n")
    (folder / "sample.yaml").write_text(yaml.safe_dump({"n_samples": 3, "seed": 1, "temperature": 1.0, "max_tries": 3}))


def write_read_texts(folder: Path) -> Experiment:
    """An experiment whose texts a reader has read."""
    from steps.text.encode import SentenceEncoder
    from steps.text.read import READERS

    reader = READERS.load("posterior").of_attributes(
        SentenceEncoder(), {"gender": ["female", "male"], "pitch": ["high", "low"]}
    )
    made = write_experiment(folder, encode=lambda texts: reader.read(texts).vectors)
    reader.save(made.text_vectors)
    return made


def build_read_training(folder: Path) -> None:
    """An index, texts that were read, and a list of generators."""
    write_read_texts(folder)
    (folder / "generators.txt").write_text("one group_gaussian -\n")


def build_options(folder: Path, **words: object) -> None:
    """Options in words.json, so that their names and values are mutated as any tree."""
    (folder / OPTIONS).write_text(json.dumps({key: str(value) for key, value in words.items()}))


def build_options_of_sampling(folder: Path) -> None:
    """A model, and options for it."""
    build_model(folder)
    build_options(
        folder, n_samples=3, seed=1, temperature=1.0, weight_temperature=1.0, distance_to_train=0.1, max_tries=3,
        id_prefix="mine", text="A man.", set="spread_temperature=1.0", conf="sample.yaml",
    )  # fmt: skip


def build_options_of_split(folder: Path) -> None:
    """A data directory, and options for its split."""
    build_sets(folder)
    build_options(
        folder,
        attributes="gender,pitch",
        split_seed=3,
        fractions=".4,.3,.3",
        allow_missing_groups="true",
        force="false",
    )


def build_options_of_run(folder: Path) -> None:
    """A corpus, and options of run.sh that prepare it."""
    build_corpus(folder)
    build_options(
        folder, stage=0, nj=1, force="false", seed=1, attributes="gender,pitch", name="mine",
        launcher="run.pl", set="prepare.min_match=.5", n_samples=3, text="A man.", temperature=1,
    )  # fmt: skip


def build_sweep(folder: Path) -> None:
    """A grid of six points that do nothing but write a file."""
    command = "cp --suffix={set} one.json {out}/loss.json"
    tree = {
        "command": command, "metric": {"file": "loss.json", "key": "loss", "best": "min"}, "inputs": ["one.json"],
        "exp": "exp", "data": "data", "grid": {"a": [1, 2], "b": ["x", "y"]}, "list": [{"a": 3, "b": "z"}],
    }  # fmt: skip
    (folder / "one.json").write_text('{"loss": 1}')
    (folder / "data").mkdir()
    (folder / "exp").mkdir()
    (folder / "sweep.yaml").write_text(yaml.safe_dump(tree))


def build_trials(folder: Path) -> None:
    """A PLDA trained on real speakers, and trials of others."""
    write_experiment(folder)
    (folder / "data/test/trials").write_text("gen-s52 gen-s52-u0 target\ngen-s52 gen-s53-u0 nontarget\n")


def build_phrases(folder: Path) -> None:
    """Trials of phrases in three folds of speakers, and the scores of two systems."""
    rows = write_phrases(folder / "data", speakers=6, folds=3)
    for name in read_table(folder / "data/lists"):
        listed = {tuple(line.split()[:2]) for line in read_lines(folder / f"data/test_{name}/trials")}
        own = [number for number, row in enumerate(rows) if row[:2] in listed]
        for seed, system in enumerate(("gmm", "hmm")):
            scores = made_up_scores(rows, seed, 2, 1 + seed)[own]
            out = write_system(folder / f"exp/{name}/scores/{system}", [rows[number] for number in own], scores)
            (out / "failures.tsv").write_text("trial\treason\tdetail\n")
