"""The tables of `data/<corpus>/descriptions`, as stage 1 leaves them, for those who train, sample and score."""

from pathlib import Path
from typing import NamedTuple

from utils.errors import InputError, brief
from utils.tables import read_table


class Descriptions(NamedTuple):
    """Texts and what they are of.

    Attributes:
        group_of: text id -> group. set_of: text id -> seen or heldout.
        captions: text id -> utterance, of the texts that are captions of single utterances.
    """

    group_of: dict[str, str]
    set_of: dict[str, str]
    captions: dict[str, str]

    @classmethod
    def read(cls, directory: Path) -> "Descriptions":
        """Read text2group, text2set and text2utt. Raises InputError where a text is in one and not in another."""
        group_of, set_of = (read_table(directory / name) for name in ("text2group", "text2set"))
        captions = read_table(directory / "text2utt") if (directory / "text2utt").is_file() else {}
        for name, ids in (("text2set", set_of.keys()), ("text2utt", captions.keys())):
            odd = sorted(ids - group_of.keys() if name == "text2utt" else ids ^ group_of.keys())
            if odd:
                raise InputError(
                    f"{directory / name}: {brief(odd[0])} is only here or only in text2group ({len(odd)} in all); run"
                    " stage 1 again"
                )
        return cls(group_of, set_of, captions)
