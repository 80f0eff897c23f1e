"""What tests on a real SLURM share: the cluster of cluster.sh, and utils/slurm.pl started on it.

In: a directory for the cluster, and one for a launcher's files. Out: states of daemons and jobs, and how launchers end.
"""

import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.processes import PATIENCE, is_alive, wait_for

ROOT = Path(__file__).parents[2]
CLUSTER_SH = ROOT / "tests/slurm/cluster.sh"
SLURM_PL = ROOT / "utils/slurm.pl"
# Everything that slurm.pl waits for, in seconds; short, as the jobs of tests are.
WAITS = {
    "--poll-first": "0.2",
    "--poll-slowest": "0.5",
    "--pending-limit": "2",
    "--log-wait": "2",
    "--controller-wait": "30",
    "--command-timeout": "3",
}


def output(*command: str | Path) -> str:
    """What the command prints, without the last newline; its failure is an error that shows what it says."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout.rstrip("\n")


class Cluster:
    """The SLURM whose files are in `directory`; SLURM_CONF, for all that is started from here, says so."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.conf = directory / "etc/slurm.conf"

    def call(self, action: str, *settings: str) -> str:
        """cluster.sh ACTION on this cluster."""
        return output(CLUSTER_SH, action, self.directory, *settings)

    def pid(self, daemon: str) -> int:
        """The process of munged, slurmctld or slurmd."""
        return int((self.directory / f"run/{daemon}.pid").read_text())

    def kill(self, daemon: str) -> None:
        """Kill -9; restart() brings it back."""
        pid = self.pid(daemon)
        os.kill(pid, signal.SIGKILL)
        assert wait_for(lambda: not is_alive(pid))

    def restart(self, daemon: str) -> None:
        self.call(f"restart-{daemon}")

    def repair(self) -> None:
        """Daemons that a test has killed are started, and a node that SLURM has given up is taken back."""
        for daemon in ("slurmctld", "slurmd"):
            if not is_alive(self.pid(daemon)):
                self.restart(daemon)
        if self.node_state().startswith(("drain", "down")):
            output("scontrol", "update", f"nodename={self.node}", "state=resume")

    @property
    def node(self) -> str:
        return os.uname().nodename.partition(".")[0]

    def node_state(self) -> str:
        return output("sinfo", "-h", "-p", "main", "-o", "%T")

    @contextmanager
    def settings(self, **settings: object) -> Iterator[None]:
        """Other values in slurm.conf for a while, of keys that are read again without a restart."""
        before = self.conf.read_text()
        text = before
        for key, value in settings.items():
            text = re.sub(rf"(?m)^{key}=.*", f"{key}={value}", text)
        try:
            self.conf.write_text(text)
            output("scontrol", "reconfigure")
            yield
        finally:
            self.conf.write_text(before)
            output("scontrol", "reconfigure")

    def queue(self, columns: str = "%i") -> list[str]:
        """One line a job or array task that has not ended, in the columns of squeue's -o."""
        return output("squeue", "-h", "-r", "-o", columns).splitlines()

    def is_idle(self) -> bool:
        return not self.queue() and self.node_state() == "idle"


def words(shell: str) -> list[str]:
    """The words of a COMMAND that bash is to see as this line: those with white space would be quoted."""
    return shell.split()


@dataclass(frozen=True)
class Result:
    """How a launcher has ended: its exit status (below 0: a signal) and what it has said."""

    status: int
    said: str


class Launcher:
    """One utils/slurm.pl, started with `waits` where `words` do not say others."""

    def __init__(
        self, cwd: Path, *words: str, program: Path = SLURM_PL, waits: dict[str, str] = WAITS, **popen: object
    ):
        self.cwd = cwd
        self.said = cwd / f"launcher{len(list(cwd.glob('launcher*.err')))}.err"
        asked = [word for option, value in waits.items() if option not in words for word in (option, value)]
        command = [program, *asked, *words]
        with self.said.open("w") as said:
            self.process = subprocess.Popen(
                command, cwd=cwd, stdout=said, stderr=said, stdin=subprocess.DEVNULL, **popen
            )

    def result(self, seconds: float = PATIENCE) -> Result:
        """Waits for its end; one that hangs is an error that shows what it has said."""
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the launcher still runs after {seconds} s: {self.said.read_text()}") from None
        return Result(status, self.said.read_text())

    def wait_for_file(self, name: str, seconds: float = PATIENCE) -> str:
        """The content of a file that a job makes whole at once, by renaming it."""
        path = self.cwd / name
        assert wait_for(lambda: path.exists() or self.process.poll() is not None, seconds) and path.exists(), (
            f"no {name} after {seconds} s: {self.said.read_text()}"
        )
        return path.read_text().strip()

    def wait_for_words(self, text: str, seconds: float = PATIENCE) -> bool:
        """Does the launcher say so within this time?"""
        return wait_for(lambda: text in self.said.read_text(), seconds)

    def stop(self) -> None:
        """TERM, that its jobs are cancelled, and KILL for one that does not hear."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def fact(log: Path, name: str) -> str:
    """The last value of NAME in the `# NAME=value` lines of a job's log."""
    found = re.findall(rf"(?m)^# {name}=(.*)$", log.read_text())
    assert found, f"no {name} in {log}: {log.read_text()}"
    return found[-1]


def printed(log: Path) -> list[str]:
    """The lines that a job has printed, without the frame of its log."""
    return [line for line in log.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]


Launch = Callable[..., Launcher]  # the fixture `launch`
