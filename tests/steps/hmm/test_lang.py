"""Graphs of transcripts: every way through them, with its probability; and the files of a language directory."""

import numpy as np
import pytest

from steps.hmm.lang import Lang
from steps.hmm.lexicon import read_lexicon, words_of
from steps.hmm.transcript_states import SILENCE_WORD
from steps.hmm.trellis import NEVER, Graph
from tests.steps.hmm.small_hmm import small_lang
from utils.errors import InputError

LOOPS = np.linspace(0.2, 0.8, 7)


def ways(graph: Graph) -> dict[tuple[int, ...], float]:
    """Every row of densities that a path without loops has, with its probability without that of leaving states."""
    found: dict[tuple[int, ...], float] = {}
    leave = np.log1p(-LOOPS[graph.pdfs])

    def go(row: tuple[int, ...], score: float) -> None:
        if graph.log_end[row[-1]] > NEVER / 2:
            key = tuple(int(graph.pdfs[state]) for state in row)
            found[key] = found.get(key, 0) + np.exp(score + graph.log_end[row[-1]] - leave[row[-1]])
        for state, column in np.argwhere(graph.sources == row[-1]):
            if state != row[-1]:
                go((*row, int(state)), score + graph.log_arcs[state, column] - leave[row[-1]])

    for state in np.flatnonzero(graph.log_start > NEVER / 2):
        go((int(state),), graph.log_start[state])
    return found


def test_every_way_through_a_transcript_has_its_probability():
    found = ways(small_lang().graph_of(["ab", "C"], LOOPS))
    pause, expected = (0, 1), {}
    for before in (True, False):
        for between in (True, False):
            for behind in (True, False):
                for row in ((5, 6), (2, 3, 5, 6)):
                    share = np.prod([0.3 if one else 0.7 for one in (before, between, behind)]) / 2
                    key = pause * before + (2, 3, 4) + pause * between + row + pause * behind
                    expected[key] = share
    assert found == pytest.approx(expected)
    assert sum(found.values()) == pytest.approx(1)


def test_arcs_that_leave_a_state_sum_to_one():
    graph = small_lang().graph_of(["c", "ab", "abc"], LOOPS)
    for state in range(len(graph.pdfs)):
        total = np.exp(graph.log_arcs[graph.sources == state]).sum() + np.exp(graph.log_end[state])
        assert total == pytest.approx(1)
    assert np.exp(graph.log_start).sum() == pytest.approx(1)
    assert (graph.sources[:, 0] == np.arange(len(graph.pdfs))).all()


def test_states_say_what_they_are_of():
    states = small_lang().states_of(["ab"])
    np.testing.assert_array_equal(states.words, [SILENCE_WORD] * 2 + [0] * 3 + [SILENCE_WORD] * 2)
    np.testing.assert_array_equal(states.units, [0, 0, 1, 1, 2, 0, 0])
    np.testing.assert_array_equal(states.positions, [0, 1, 0, 1, 0, 0, 1])


def test_the_shortest_way_has_a_frame_for_each_state():
    assert small_lang().fewest_frames(["ab", "c"]) == 5


@pytest.mark.parametrize(("words", "message"), [(["ab", "nay"], "no word 'nay'"), ([], "no words")])
def test_what_is_no_row_of_known_words_is_refused(words, message):
    with pytest.raises(InputError, match=message):
        small_lang().states_of(words)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("units.txt", "SIL three\n", "units.txt: SIL: expected a number of states"),
        ("units.txt", "A 2\nB 1\nC 2\n", "the unit of silence is not among the units"),
        ("units.txt", "SIL 3\nA 2\nB 1\n", "'C' is no unit of the list"),
        ("units.txt", "SIL 0\nA 2\nB 1\nC 2\n", "numbers of states that are not from 1"),
        ("lang.json", '{"silence": "SIL", "silence_share": 2}', "silence_share 2"),
        ("lang.json", '{"silence": "SIL"}', "silence_share"),
        ("lexicon.txt", "ab A B\nc\n", "lexicon.txt:2: expected a word and its phones"),
        ("lexicon.txt", "", "lexicon.txt"),
    ],
)
def test_a_damaged_directory_is_refused(tmp_path, name, text, message):
    small_lang().save(tmp_path)
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message):
        Lang.load(tmp_path)


def test_words_are_compared_without_case_and_marks():
    assert words_of("Don’t, “STOP” - now! 'cause état_3") == ["don't", "stop", "now", "'cause", "état_3"]
    assert words_of(" – ... ") == []


def test_a_lexicon_keeps_each_pronunciation_once(tmp_path):
    (tmp_path / "lexicon.txt").write_text("A AH\na EY\nA AH\n")
    assert read_lexicon(tmp_path / "lexicon.txt") == {"a": [("AH",), ("EY",)]}
