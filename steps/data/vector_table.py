"""The vectors of a data directory: where the lines of its xvector.scp lead to on this machine."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from steps.data.speaker_vectors import write_speaker_vectors
from utils.data_dir import invert
from utils.errors import InputError
from utils.script_files import FileFinder, Location
from utils.stage_dir import StageDir
from utils.tables import read_table

SCRIPT = "xvector.scp"


@dataclass(frozen=True)
class VectorTable:
    """Where vectors are.

    Attributes:
        script: the script file. locations: utterance -> location, in the order of the file.
    """

    script: Path
    locations: dict[str, Location]

    @classmethod
    def find(cls, data: Path) -> "VectorTable":
        """The table of a data directory, empty where it has no xvector.scp."""
        script = data / SCRIPT
        return cls.locate(script, read_table(script) if script.is_file() else {})

    @classmethod
    def locate(cls, script: Path, table: Mapping[str, str]) -> "VectorTable":
        """Look up the lines of a script file. Raises InputError for an archive that is not there, and for a command."""
        finder = FileFinder(script, table)
        locations = {key: finder.locate(key, text) for key, text in table.items()}
        missing = {path for path in {at.path for at in locations.values()} if not Path(path).is_file()}
        if missing:
            number, key = next((n, key) for n, (key, at) in enumerate(locations.items(), 1) if at.path in missing)
            raise InputError(
                f"{script}:{number}: {key}: no archive {locations[key].path}; run stage 0 with --path_prefix or"
                " --path_map"
            )
        return cls(script, locations)

    @property
    def archives(self) -> list[Path]:
        """The archives that have the vectors, sorted."""
        return [Path(path) for path in sorted({location.path for location in self.locations.values()})]

    def write_speakers(self, stage: StageDir, utt2spk: Mapping[str, str]) -> None:
        """Write the means of the speakers of these utterances, and their numbers of vectors, unless there are none."""
        if self.locations:
            write_speaker_vectors(
                stage.dir, stage.final, invert(utt2spk), self.locations, lambda key: f"{self.script}: {key}"
            )
