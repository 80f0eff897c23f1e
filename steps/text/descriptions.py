"""The tables of `data/<corpus>/descriptions`, as stage 1 leaves them, for those who train, sample and score."""

from pathlib import Path
from typing import NamedTuple

from utils.errors import InputError, brief
from utils.tables import read_table

SETS = ("seen", "heldout")  # of texts


class Descriptions(NamedTuple):
    """Texts and what they are of.

    Attributes:
        group_of: text id -> group. set_of: text id -> seen or heldout.
        captions: text id -> utterances, of the texts that are captions of single utterances or speakers.
    """

    group_of: dict[str, str]
    set_of: dict[str, str]
    captions: dict[str, list[str]]

    @classmethod
    def read(cls, directory: Path) -> "Descriptions":
        """Read text2group, text2set and text2utt. InputError for a text in one alone, and for an unknown set."""
        group_of, set_of = (read_table(directory / name) for name in ("text2group", "text2set"))
        described = read_table(directory / "text2utt") if (directory / "text2utt").is_file() else {}
        captions = {text_id: utterances.split() for text_id, utterances in described.items()}
        for name, ids in (("text2set", set_of.keys()), ("text2utt", captions.keys())):
            odd = sorted(ids - group_of.keys() if name == "text2utt" else ids ^ group_of.keys())
            if odd:
                raise InputError(
                    f"{directory / name}: {brief(odd[0])} is only here or only in text2group ({len(odd)} in all); run"
                    " stage 1 again"
                )
        for text_id, chosen in set_of.items():
            if chosen not in SETS:
                raise InputError(
                    f"{directory / 'text2set'}: {brief(text_id)}: expected {' or '.join(SETS)}, found {brief(chosen)}"
                )
        return cls(group_of, set_of, captions)
