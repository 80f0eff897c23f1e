"""What a model understood: what is said is found in the samples, what is not said follows the corpus."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from steps.generators.corpus_groups import CorpusGroups
from steps.generators.mixture import Mixture
from steps.score.data import ScoreData
from steps.score.evaluation import Scorer
from steps.score.judges import posteriors
from steps.score.report import write_report
from steps.score.results import build_document
from steps.score.summary import markdown
from steps.score.understanding import MOST_TEXTS, caption_of, in_order, in_words, read_texts, understand
from steps.score.understanding_picture import understood
from steps.text.layout import UNSAID, TextLayout
from steps.text.read import Reading
from tests.steps.score.voices import GROUPS, truth
from utils.errors import InputError
from utils.report_page import png_of

VALUES = {"gender": ("female", "male"), "pitch": ("high", "low", "medium")}
TEXTS = ("female high", "male", "low", "hello")


class WordReader:
    """Reads the names of values, and nothing else."""

    def __init__(self, attributes: Mapping[str, tuple[str, ...]] = VALUES):
        self.layout = TextLayout(1, attributes)

    def read(self, texts: Sequence[str]) -> Reading:
        """One column for the sentence, and certain posteriors."""
        said = {
            name: np.array([[*(value in text.split() for value in values), 0] for text in texts], dtype=float)
            for name, values in self.layout.attributes.items()
        }
        for posterior in said.values():
            posterior[posterior.sum(axis=1) == 0, -1] = 1
        warnings = [("no word understood",) if text == "hello" else () for text in texts]
        return Reading(self.layout.join(np.ones((len(texts), 1)), said), warnings)


class Mixing:
    """The voices' own law, mixed over the groups that a text may mean; or deaf, with that of the first group."""

    def __init__(self, data: ScoreData, layout: TextLayout, deaf: bool = False):
        self.text_dim, self.deaf = layout.dim, deaf
        codes = np.unique(data.train.groups, return_inverse=True)[1]
        self.groups = CorpusGroups.count(layout, data.train.speaker_codes, codes, sorted(GROUPS))

    def mixtures(self, text_vectors: np.ndarray) -> list[Mixture]:
        """The mixture of each text vector (T, E)."""
        return [self._mixture({GROUPS[0]: 1.0} if self.deaf else self.groups.shares(one)) for one in text_vectors]

    def _mixture(self, shares: Mapping[str, float]) -> Mixture:
        rows = np.eye(len(GROUPS), dtype=np.float32)[[GROUPS.index(group) for group in shares]]
        parts = truth().mixtures(rows)
        means, scales = (np.concatenate([getattr(one, name) for one in parts]) for name in ("means", "scales"))
        return Mixture(np.log(list(shares.values())), means, scales, parts[0].frame)


@pytest.fixture(scope="module")
def found(scorer: Scorer) -> dict:
    """What a good model understood."""
    reader = WordReader()
    return understand(scorer, "truth", Mixing(scorer.data, reader.layout), reader, TEXTS)


def test_what_is_said_is_in_the_samples_and_the_rest_follows_the_corpus(found: dict):
    full, man, low, hello = found["texts"]
    assert full["read_as"] == {
        "gender": {"female": 1, "male": 0, UNSAID: 0}, "pitch": {"high": 1, "low": 0, "medium": 0, UNSAID: 0}
    }  # fmt: skip
    assert full["samples"]["gender"]["female"] > 0.95 and full["samples"]["pitch"]["high"] > 0.6
    assert man["samples"]["gender"]["male"] > 0.95 and low["samples"]["pitch"]["low"] > 0.6
    for text, attribute in ((man, "pitch"), (low, "gender"), (hello, "gender"), (hello, "pitch")):
        assert text["read_as"][attribute][UNSAID] == 1
        assert text["samples"][attribute] == pytest.approx(found["corpus"][attribute], abs=0.1)
    for text in found["texts"]:
        for name, shares in text["real"].items():
            assert text["samples"][name] == pytest.approx(shares, abs=0.1)
            assert sum(shares.values()) == pytest.approx(1, abs=1e-4) == sum(text["samples"][name].values())
    assert list(found["corpus"]["pitch"]) == ["low", "medium", "high"]


def test_a_model_that_does_not_follow_its_reader_is_found_out(scorer: Scorer):
    reader = WordReader()
    man = understand(scorer, "deaf", Mixing(scorer.data, reader.layout, deaf=True), reader, ["male"])["texts"][0]
    assert man["read_as"]["gender"]["male"] == 1 and man["real"]["gender"]["male"] > 0.95
    assert man["samples"]["gender"]["male"] < 0.05


def test_the_same_seed_gives_the_same_figures(scorer: Scorer, found: dict):
    reader = WordReader()
    assert understand(scorer, "truth", Mixing(scorer.data, reader.layout), reader, TEXTS) == found


def test_a_reader_of_sentences_alone_is_shown_beside_the_whole_corpus(scorer: Scorer):
    class Sentences(WordReader):
        def read(self, texts: Sequence[str]) -> Reading:
            return Reading(np.eye(len(GROUPS), dtype=np.float32)[: len(texts)], [()] * len(texts))

    found = understand(scorer, "truth", truth(), Sentences({}), ["one"])
    assert found["texts"][0]["read_as"] is None and found["texts"][0]["real"] == found["corpus"]
    assert "Read as" not in in_words(found) + caption_of(found) and png_of(understood(found))
    with pytest.raises(InputError, match="the model takes texts of 6 dimensions, its reader gives 8"):
        understand(scorer, "truth", truth(), WordReader(), TEXTS)
    with pytest.raises(InputError, match="reads gender, --attributes names gender, pitch"):
        reader = WordReader({"gender": VALUES["gender"]})
        generator = truth()
        generator.text_dim = reader.layout.dim
        understand(scorer, "truth", generator, reader, TEXTS)


def test_posteriors_are_those_of_the_judge_of_the_likelier_gender(scorer: Scorer):
    x = scorer.data.test.x
    women = x[np.char.startswith(scorer.data.test.groups, "female")]
    found = posteriors(scorer.judges, women)
    assert all(np.allclose(one.sum(axis=1), 1, atol=1e-5) for one in found.values())
    inside = scorer.judges["attributes_inside_gender"].judges["pitch"]["female"].posteriors(women)["pitch"]
    assert np.abs(found["pitch"] - inside).mean() < 0.02


def test_the_report_shows_texts_readings_and_warnings(scorer: Scorer, found: dict, tmp_path: Path):
    evaluated = {"truth": scorer.evaluate_generator(truth())}
    write_report(tmp_path, scorer, evaluated, found)
    page, summary = ((tmp_path / name).read_text() for name in ("report.html", "summary.md"))
    assert (tmp_path / "pictures" / "understanding.png").stat().st_size > 20_000
    assert "<h2>What did it understand?</h2>" in page and "no word understood" in page
    assert 'alt="Bars of shares in per cent. female high Read as: gender female 100; pitch high 100' in page
    assert "| hello (no word understood) |" in summary and "| - read as | not said 100 | not said 100 |" in summary
    without = build_document(scorer, evaluated)
    assert "understanding" not in without and "What did it understand" not in markdown(without)


@pytest.mark.filterwarnings("error")
def test_any_texts_and_values_can_be_drawn():
    shares = {f"accent{number:02d}": 0.1 for number in range(10)}
    texts = ("$x$ <b>", "\u58f0\u97f3\u4f4e\u6c89\u7684\u7537\u4eba" * 40, "word " * 400, "x" * 2000)
    one = {"warnings": ["w " * 300], "read_as": None, "samples": {"accent": shares}, "real": {"accent": shares}}
    found = {"corpus": {"accent": shares}, "texts": [{"text": text, **one} for text in texts]}
    assert len(png_of(understood(found))) > 10_000


def test_values_stand_in_the_order_of_their_scale():
    assert in_order(["high", "low", "medium", UNSAID]) == ["low", "medium", "high", UNSAID]
    assert in_order(["fast", "high", "odd"]) == ["fast", "high", "odd"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "texts.txt: 0 texts; expected 1 to 30"),
        (b"a\n" * (MOST_TEXTS + 1), "texts.txt: 31 texts; expected 1 to 30"),
        (b"a\n\nb\n", "texts.txt:2: "),
        (b"a\x07\n", "texts.txt:1: "),
        (b"\xff\n", "texts.txt"),
    ],
)
def test_a_file_that_holds_no_texts_is_told_in_a_line(tmp_path: Path, content: bytes, message: str):
    (tmp_path / "texts.txt").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_texts(tmp_path / "texts.txt")
