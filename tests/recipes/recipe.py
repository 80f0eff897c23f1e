"""`./run.sh` in a folder of its own, with settings so small that a stage takes seconds; digests of what it leaves."""

import hashlib
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
MDN = "epochs: 8\nhidden: 32\nn_components: 3\n"
GENERATORS = "mdn mdn {}\ngaussian gaussian -\n"
SCORE = "n_draws: 2\nn_halves: 3\nmetrics: shape,distances\n"
BOOKKEEPING = ("run_info.json", ".lock", ".lock.turn", ".done")  # .done: archives count by their time


def write_conf(conf: Path) -> Path:
    """Write the small settings into a folder, which may have no blank in its path: lists of generators know none."""
    conf.mkdir()
    (conf / "mdn.yaml").write_text(MDN)
    (conf / "generators.txt").write_text(GENERATORS.format(conf / "mdn.yaml"))
    (conf / "score.yaml").write_text(SCORE)
    return conf


def check_refused(directory: Path, words: list[str], said: str, folder: Path) -> None:
    """The run.sh of a directory refuses these words in one line that has `said`, and leaves no file in the folder."""
    run = subprocess.run(["./run.sh", *words], cwd=directory, capture_output=True, text=True)
    errors = [line for line in run.stderr.splitlines() if "ERROR" in line or "invalid option" in line]
    assert run.returncode == 1 and len(errors) == 1 and said in errors[0], run.stderr
    assert [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".lock")] == []


def start_run(words: list[str], directory: Path) -> subprocess.Popen:
    """Start the run.sh of a recipe in its directory, in a session of its own. Both outputs go to one pipe."""
    return subprocess.Popen(
        words,
        cwd=directory,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


class Recipe:
    """The recipe with --data and --exp below `folder`, in paths with blanks.

    `conf` is what `write_conf` has written; `options` are further words, such as what the corpus needs.
    """

    def __init__(self, folder: Path, conf: Path, *options: str):
        self.folder, self.data, self.exp = folder, folder / "my data", folder / "my exp"
        folder.mkdir(exist_ok=True)
        self.words = [
            "./run.sh", *options, "--data", str(self.data), "--exp", str(self.exp), "--use_gpu", "false",
            "--set", "text.variants_per_group=10,text.reader_texts=40", "--n_samples", "3",
            "--generators", str(conf / "generators.txt"), "--conf_dir", str(conf),
        ]  # fmt: skip

    def start(self, *more: str) -> subprocess.Popen:
        """Start it with further options (see `start_run`)."""
        return start_run([*self.words, *more], ROOT)

    def run(self, *more: str, status: int = 0) -> str:
        """Run it to the end, which must have this exit status. Returns all it said, with the logs of its jobs."""
        process = self.start(*more)
        said = process.communicate()[0] + self.logs()
        assert process.returncode == status, said
        return said

    def logs(self) -> str:
        """The logs of the last jobs of stages 4 and 5."""
        return "".join(path.read_text() for path in sorted(self.exp.glob("log/**/*.log")))

    def files(self) -> list[Path]:
        """All files and directories of data and exp but logs and bookkeeping."""
        found = [path for folder in (self.data, self.exp) for path in folder.rglob("*")]
        return sorted(path for path in found if path.name not in BOOKKEEPING and self.exp / "log" not in path.parents)

    def digests(self) -> dict[str, str]:
        """Path -> hash of the content, in which `folder` is left out; of directories, the path alone."""
        return {str(path.relative_to(self.folder)): self._digest(path) for path in self.files()}

    def _digest(self, path: Path) -> str:
        return "directory" if path.is_dir() else hashlib.sha256(self.content(path)).hexdigest()

    def content(self, path: Path) -> bytes:
        """What is compared of a file: all but where it lies."""
        return path.read_bytes().replace(str(self.folder).encode(), b"")

    def times(self) -> dict[str, int]:
        """Path -> time of the last change, in ns."""
        return {str(path.relative_to(self.folder)): path.stat().st_mtime_ns for path in self.files()}
