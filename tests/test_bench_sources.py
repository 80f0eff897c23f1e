"""The tables of the benchmark of three sources, made of small numbers."""

import numpy as np
import pytest

from tests.bench.rate_units import LEXICON, NUCLEI, SPELLING, tables_of_rates
from tests.bench.results import SECTIONS
from tests.bench.start_gain import Gain, table_of_gains
from tests.bench.three_sources import GENERATORS, TITLE, inside, mixes


def scores_of(distance: float) -> dict:
    """Scores of samples, as `Scorer` gives them."""
    judged = {name: {"ratio": 0.9, "accuracy": 0.5} for name in ("gender", "pitch", "speaking_rate", "age")}
    own = {
        "by_source": {"distance": distance, "attributes": {"speechocean": {"age": {"accuracy": 0.8, "ratio": 0.97}}}},
        "attributes": judged,
        "attributes_inside_gender": {name: judged[name] for name in ("pitch", "speaking_rate", "age")},
        "frechet": {"ratio": 1.1},
        "distances": {"g2s_to_t2s": 1.2, "g2g_to_s2s": 1.3},
    }
    return {"samples": {"seen": own}, "two_sample_accuracy": 0.6}


def test_the_section_has_a_place():
    assert TITLE in SECTIONS


def test_figures_are_means_over_splits():
    real = {"by_source": {"distance": {"redrawn": 0.05, "blind": 0.3}, "accuracy": 0.64}}
    names = [f"{name}, {what}" for name, known in GENERATORS.items() for what in known]
    scores = {
        split: {**dict.fromkeys(names, scores_of(split / 10)), "real": scores_of(0.01), "yardsticks": real}
        for split in (1, 2)
    }
    text = mixes(scores)
    assert "| mdn, without | 0.150 | 0.900 | 0.900 | 0.900 | 0.900 | 1.100 | 1.200 | 1.300 | 0.600 |" in text
    assert "| the corpus for each group | 0.300 |" in text and "64 % of unseen speakers" in text
    assert "| group_gaussian, group | 0.97 |" in inside(scores) and "speechocean: age" in inside(scores)


def test_gains_are_pooled_over_the_test_speakers_of_all_splits():
    start = np.zeros(50)
    one, other = (Gain(size, 1, start, start + gain, start - 1) for size, gain in ((100, 0.1), (102, 0.3)))
    text = table_of_gains({"some": [one, other], "simulated": [one._replace(truth=start + 2)]})
    assert "| some | 100 to 102 | 100 | 0.0 | 1, 1 | +0.20 [" in text and "-1.00 [-1.00 to -1.00] | - |" in text
    assert text.endswith("| +0.10 [+0.10 to +0.10] | -1.00 [-1.00 to -1.00] | +2.00 [+2.00 to +2.00] |")


@pytest.mark.parametrize(("turned", "same", "opposite"), [(False, "100 %", "0 %"), (True, "33 %", "67 %")])
def test_rates_agree_or_not(turned, same, opposite):
    speakers = [f"s{number:02d}" for number in range(30)]
    rates = dict(zip(speakers, np.linspace(5, 15, 30).tolist(), strict=True))
    nuclei = dict(zip(speakers, np.linspace(4, 2, 30) if turned else np.linspace(2, 4, 30), strict=True))
    of = {SPELLING: rates, LEXICON: rates, NUCLEI: nuclei}
    text = tables_of_rates(of, dict.fromkeys(speakers, "readers"), dict.fromkeys(speakers, "f"))
    assert f"| all | 30 | {-1 if turned else 1:.2f} | {same} | {opposite} | 1.000 | 100 % |" in text
    assert f"| {LEXICON} | readers | 19 | 11 | 0 |" in text  # the published edge is at 11.48
