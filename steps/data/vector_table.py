"""The vectors of a data directory: where the lines of its xvector.scp lead to on this machine."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from steps.data.speaker_vectors import write_means
from utils.errors import InputError
from utils.location_column import LocationColumn
from utils.script_files import FileFinder
from utils.sorted_tables import open_sorted
from utils.stage_dir import StageDir
from utils.tables import iterate_table

SCRIPT = "xvector.scp"


class LinesOf:
    """The lines of a script file, read anew when they are asked for."""

    def __init__(self, script: Path):
        self.script = script

    def items(self) -> Iterable[tuple[str, str]]:
        """Key and what its line says, in the order of the file."""
        return iterate_table(self.script)


@dataclass(frozen=True)
class VectorTable:
    """Where vectors are.

    Attributes:
        script: the script file. locations: (N) in the order of the keys, which is that of LC_ALL=C sort.
    """

    script: Path
    locations: LocationColumn

    @classmethod
    def find(cls, data: Path) -> "VectorTable":
        """The table of a data directory, empty where it has no xvector.scp."""
        script = data / SCRIPT
        return cls.locate(script) if script.is_file() else cls(script, LocationColumn.of(()))

    @classmethod
    def locate(cls, script: Path) -> "VectorTable":
        """Look up the lines of a script file. Raises InputError for an archive that is not there, and for a command."""
        finder = FileFinder(script, LinesOf(script))
        locations = LocationColumn.of_lines(iter(open_sorted(script).block, None), finder.locate)
        missing = {path for path in locations.paths if not Path(path).is_file()}
        if missing:
            lines = enumerate(iterate_table(script), 1)
            number, key, path = next(
                (number, key, path)
                for number, (key, text) in lines
                if (path := finder.locate(key, text).path) in missing
            )
            raise InputError(
                f"{script}:{number}: {key}: no archive {path}; correct it, or run stage 0 with"
                " --path_prefix or --path_map"
            )
        return cls(script, locations)

    @property
    def archives(self) -> list[Path]:
        """The archives that have the vectors, sorted."""
        return [Path(path) for path in sorted(self.locations.paths)]

    def write_speakers(
        self, stage: StageDir, rows: np.ndarray, speakers: Sequence[str], codes: np.ndarray, key: Callable[[int], str]
    ) -> None:
        """Write the means of the speakers of some utterances (n), and their numbers of vectors, unless there are none.

        Args:
            rows: (n,) of the utterances in `locations`. codes: (n,) position in `speakers` of their speakers.
            key: the utterance of each place, for messages.
        """
        if len(self.locations):
            found = self.locations.take(rows)
            write_means(stage.dir, stage.final, speakers, codes, found, lambda at: f"{self.script}: {key(at)}")
