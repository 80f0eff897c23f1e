"""The genders of the speakers of a data directory in columns: from spk2gender, or else from utt2gender."""

import numpy as np

from utils.code_column import NONE, CodeColumn, distinct
from utils.data_dir import DataDir
from utils.errors import InputError
from utils.sorted_tables import open_sorted
from utils.table_columns import align
from utils.tables import iterate_table

KNOWN = ("male", "female", "m", "f")


class SpeakerGenders:
    """Genders, where spk2gender tells them, or utt2gender says male or female.

    Attributes:
        are_told: there is a spk2gender, which is taken as it is.
    """

    def __init__(self, data: DataDir):
        """Raises InputError where utt2gender, which is then read, has two of one speaker, or an unknown utterance."""
        self._whole, self.are_told = data.coded_utt2spk, data.has("spk2gender")
        self._told = data.table("spk2gender") if self.are_told else {}
        self._initials = np.full(len(self._whole.names), NONE, np.int8)
        if not self.are_told and data.has("utt2gender"):
            self._read(data)

    def _read(self, data: DataDir) -> None:
        table = data.path / "utt2gender"
        count = 0

        def add(keys: list[str], _: list[str]) -> None:
            nonlocal count
            count += len(keys)

        genders = align(open_sorted(table), self._whole.names, add)
        if count > int(np.count_nonzero(genders.codes != NONE)):
            surplus = next(key for key, _ in iterate_table(table) if key not in self._whole)
            raise InputError(f"utt2gender: {surplus}: utt2spk has no such utterance; run utils/fix_data_dir.sh")
        initials = ["fm".find(word[0]) if word in KNOWN else NONE for word in genders.words.listed]
        self._initials = np.array([*initials, NONE], np.int8)[genders.codes]
        self._require_one(np.flatnonzero(self._initials != NONE), genders)

    def _require_one(self, rows: np.ndarray, genders: CodeColumn) -> None:
        """Raise InputError where speakers have two genders in some rows (n,); `genders` (N) has them in words."""
        codes = self._whole.column.codes[rows]
        heads = distinct(codes, self._initials[rows])[0]
        firsts = distinct(codes[heads])[0]
        if len(firsts) < len(heads):
            row = int(rows[np.setdiff1d(heads, heads[firsts])[0]])
            raise InputError(
                f"utt2gender: {self._whole.names[row]}: {genders[row]}, expected the same for all utterances of "
                f"{self._whole.column[row]}"
            )

    def of(self, rows: np.ndarray) -> dict[str, str]:
        """Speaker -> m or f, of the speakers of some utterances (n,) whose gender is known.

        Of all utterances, spk2gender is given whole, with speakers that have none.
        """
        codes, words = self._whole.column.codes[rows], self._whole.column.words.listed
        if self.are_told:
            if len(rows) == len(self._whole.names):
                return self._told
            known = {words[code] for code in np.unique(codes).tolist()}
            return {speaker: gender for speaker, gender in self._told.items() if speaker in known}
        known = self._initials[rows] != NONE
        pairs = np.unique(np.stack([codes[known], self._initials[rows][known]]), axis=1).T.tolist()
        return {words[code]: "fm"[initial] for code, initial in pairs}
