"""Columns of many locations in archives: 12 bytes each, where a `Location` of Python takes 150."""

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from utils.chunks import CHUNK
from utils.script_files import Location, is_offset
from utils.sorted_tables import Lines
from utils.text_column import Words

WHOLE, ODD = -1, -2  # in place of an offset: the file is one object; there is a range, or more than int64 can hold
LARGEST = 2**63 - 1


class LocationColumn:
    """N locations.

    Attributes:
        paths: the archives. archives: (N,) position in `paths` of each. offsets: (N,) int64.
        odd: row -> what its location is, of those that two numbers do not tell.
    """

    def __init__(
        self, paths: Sequence[str], archives: np.ndarray, offsets: np.ndarray, odd: Mapping[int, Location] | None = None
    ):
        self.paths, self.archives, self.offsets, self.odd = paths, archives, offsets, odd or {}

    @classmethod
    def of(cls, locations: Iterable[Location]) -> "LocationColumn":
        """The column of some locations, in their order."""
        paths, archives, offsets, odd = Words(), array("i"), array("q"), {}
        for row, location in enumerate(locations):
            path, offset, window = location
            archives.append(paths[path])
            if window is not None or (offset is not None and offset > LARGEST):
                odd[row], offset = location, ODD
            offsets.append(WHOLE if offset is None else offset)
        return cls(paths.listed, np.frombuffer(archives, np.int32), np.frombuffer(offsets, np.int64), odd)

    @classmethod
    def of_lines(cls, blocks: Iterable[Lines], locate: Callable[[str, str], Location]) -> "LocationColumn":
        """The column of the lines of a script file, whose keys and texts come many at a time.

        Args:
            locate: the location of one line; its path is that of all lines which name the same one.
        """
        found: dict[str, str] = {}  # path as written -> where it leads
        paths, parts = Words(), []
        for keys, texts in blocks:
            split = [text.rpartition(":") for text in texts]
            numbers = [offset for _, _, offset in split]
            is_plain = all(map(is_offset, numbers)) and max(map(len, numbers)) < len(str(LARGEST))
            for key, (path, _, offset) in zip(keys, split, strict=True) if is_plain else ():
                if path not in found:
                    found[path] = locate(key, f"{path}:{offset}").path
            if is_plain:
                archives = np.array([paths[found[path]] for path, _, _ in split], np.int32)
                parts.append(cls((), archives, np.array(list(map(int, numbers)), np.int64)))
            else:
                part = cls.of(map(locate, keys, texts))
                archives = np.array([paths[path] for path in part.paths], np.int32)[part.archives]
                parts.append(cls((), archives, part.offsets, part.odd))
        return cls.joined(parts).elsewhere(paths.listed)

    @classmethod
    def joined(cls, parts: Sequence["LocationColumn"]) -> "LocationColumn":
        """The column of the locations of several, one after another; each has paths of its own."""
        paths: list[str] = []
        archives, offsets, odd, row = [np.empty(0, np.int32)], [np.empty(0, np.int64)], {}, 0
        for part in parts:
            archives.append(part.archives + np.int32(len(paths)))
            offsets.append(part.offsets)
            odd |= {row + place: location for place, location in part.odd.items()}
            paths, row = [*paths, *part.paths], row + len(part)
        return cls(paths, np.concatenate(archives), np.concatenate(offsets), odd)

    def __len__(self) -> int:
        return len(self.offsets)

    def __getitem__(self, row: int) -> Location:
        path, offset = self.paths[self.archives[row]], int(self.offsets[row])
        if offset == ODD:
            return self.odd[row]._replace(path=path)
        return Location(path, None if offset == WHOLE else offset)

    def at(self, rows: np.ndarray) -> list[Location]:
        """The locations of some rows (n,), in that order."""
        if (self.offsets[rows] < 0).any():
            return [self[row] for row in rows.tolist()]
        paths, archives, offsets = self.paths, self.archives[rows].tolist(), self.offsets[rows].tolist()
        return [Location(paths[archive], offset) for archive, offset in zip(archives, offsets, strict=True)]

    def texts(self, rows: np.ndarray) -> Iterator[str]:
        """What a script file says of some rows (n,)."""
        for start in range(0, len(rows), CHUNK):
            yield from map(str, self.at(rows[start : start + CHUNK]))

    def take(self, rows: np.ndarray) -> "LocationColumn":
        """The column of some rows (n,), in that order."""
        odd = self.odd and {place: self.odd[row] for place, row in enumerate(rows.tolist()) if row in self.odd}
        return LocationColumn(self.paths, self.archives[rows], self.offsets[rows], odd)

    def elsewhere(self, paths: Sequence[str]) -> "LocationColumn":
        """The same locations, in archives that have other paths, one for each."""
        return LocationColumn(paths, self.archives, self.offsets, self.odd)
