"""A sweep over a tiny command, as a user starts it, in paths that a shell would trip over."""

import subprocess
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[3]
METRIC = {"file": "loss.json", "key": "loss", "best": "min"}
# Notes that it ran; fails where a file forbids it; the loss is 10 a + b.
POINT = """
import json, pathlib, sys
out, data, *overrides = sys.argv[1:]
values = dict(word.split("=") for word in overrides[0].split(",") if word)
name = pathlib.Path(out).name
with pathlib.Path(data, "ran").open("a") as ran:
    ran.write(name + chr(10))
if pathlib.Path(data, "bad " + name).exists():
    sys.exit(f"point: ERROR: {name} is bad")
loss = 10 * float(values.get("a", 0)) + float(values.get("b", 0))
pathlib.Path(out, "loss.json").write_text(json.dumps({"loss": loss}))
"""


class Sweep:
    """A sweep whose point `a=1,b=2` fails where a file `bad a=1,b=2` is in its `data`."""

    def __init__(self, folder: Path, launcher: str = "run.pl --max-jobs-run 2"):
        self.launcher = launcher
        self.data, self.out, self.yaml = folder / "it's $HOME", folder / "a `sweep`; of mine", folder / "s.yaml"
        self.data.mkdir()
        script = folder / "point.py"
        script.write_text(POINT)
        self.command = f"python3 {script} {{out}} {{data}} {{set}}"

    def write(self, **keys: object) -> None:
        content = {"command": self.command, "metric": METRIC, "data": str(self.data)} | keys
        self.yaml.write_text(yaml.safe_dump({key: value for key, value in content.items() if value is not None}))

    def start(self, *more: str) -> subprocess.Popen:
        words = ["utils/sweep.py", str(self.yaml), "--out", str(self.out), "--cmd", self.launcher, *more]
        return subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True)

    def run(self, *more: str, status: int = 0) -> str:
        process = self.start(*more)
        said = process.communicate(timeout=120)[1]
        assert process.returncode == status, said
        return said

    def ran(self) -> list[str]:
        """The points that have run since the last call."""
        file = self.data / "ran"
        names = sorted(file.read_text().split()) if file.exists() else []
        file.unlink(missing_ok=True)
        return names

    def table(self) -> list[list[str]]:
        return [line.split("\t") for line in (self.out / "sweep.tsv").read_text().splitlines()]

    def states(self) -> dict[str, str]:
        return {row[0]: row[-2] for row in self.table()[1:]}

    def written(self) -> dict[str, bytes]:
        return {name: (self.out / f"sweep.{name}").read_bytes() for name in ("tsv", "md", "png")}
