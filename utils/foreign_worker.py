"""A component that needs another interpreter: it runs there as a worker, and answers items behind a line protocol.

    words = engine_call("/opt/nemo/bin/python", ROOT / "steps/asr/engines/nemo_salm.py", "SalmEngine")
    with ForeignWorker(words, {"model": "/models/canary"}) as worker:
        result = worker.ask({"waveform": waveform, "sample_rate": 16000})     # dictionaries, which may hold arrays

`utils/worker_loop.py` tells the lines, which any program can speak. A worker that dies or hangs costs the item that it
had (ItemProblem) and is started again for the next one; where it dies at several items in a row, or cannot be started,
this is an InputError. What it writes to standard error goes to that of the caller.
"""

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from utils.errors import InputError, brief, cut
from utils.json_files import json_text
from utils.options import option
from utils.worker_loop import packed, unpacked

LOOP = Path(__file__).with_name("worker_loop.py")
ROOT = LOOP.parents[1]  # of this project
START_SECONDS, ITEM_SECONDS = 900.0, 900.0  # until a worker is ready, and until it has answered an item
MOST_LOST = 5  # items in a row that a worker may die of
LONGEST_DETAIL = 500  # characters of what a worker says of an item
STOP_SECONDS = 10.0  # that a worker has to end by itself
OWN_VARIABLES = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")  # of this interpreter: not for another one
DIED, SLOW, REFUSED = "worker_died", "worker_slow", "not_done"


@dataclass(frozen=True, kw_only=True)
class InterpreterOptions:
    """Options of what may run in another interpreter."""

    python: str | None = option(None, "interpreter that has its packages: /path/bin/python; default: this one")
    start_seconds: float = option(START_SECONDS, "until that interpreter is ready", above=0, most=86400)
    item_seconds: float = option(ITEM_SECONDS, "that it may take for an utterance, or a batch", above=0, most=86400)


HOW = tuple(InterpreterOptions.__dataclass_fields__)  # their names: they do not decide a result


class ItemProblem(Exception):  # noqa: N818 -- no error of the program: the item has no result
    """Why a worker has no result for an item: `reason` is worker_died, worker_slow or not_done."""

    def __init__(self, reason: str, detail: str):
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


def engine_call(python: str, file: Path, name: str, ours: bool = False) -> list[str]:
    """The command that runs the engine `name` of a file in the interpreter `python`.

    Args:
        ours: the engine imports modules of this project, which else are hidden from it; the worker then runs in ROOT.
    Raises:
        InputError: there is no such interpreter.
    """
    found = shutil.which(python)
    if found is None:
        raise InputError(
            f"python {cut(python)}: no such program; name the interpreter of an environment: DIR/bin/python"
        )
    if ours:
        return [str(Path(found).absolute()), "-s", "-u", "-X", "utf8", "-m", "utils.worker_loop", f"{file}:{name}"]
    return [found, "-I", "-u", "-X", "utf8", str(LOOP), f"{file}:{name}"]


class ForeignWorker:
    """A worker, which is started when it is first needed.

    Args:
        words: its command line. options: of the engine, as JSON has them.
        start_seconds, item_seconds: that it may take; a worker that takes more is killed.
        folder: that it runs in; None: that of this process.

    Attributes:
        facts: what it has told of itself when it was ready.
    """

    def __init__(
        self,
        words: Sequence[str],
        options: Mapping[str, Any],
        start_seconds: float = START_SECONDS,
        item_seconds: float = ITEM_SECONDS,
        folder: Path | None = None,
    ):
        self.words, self.options = list(words), dict(options)
        self.start_seconds, self.item_seconds, self.folder = start_seconds, item_seconds, folder
        self.facts: dict[str, Any] = {}
        self._process: subprocess.Popen | None = None
        self._asked = self._lost = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def ask(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """The result of an item. Raises ItemProblem where there is none, and InputError where no worker can work."""
        try:
            answer = self._answer(content)
        except ItemProblem as problem:
            self._lost += 1
            if self._lost >= MOST_LOST:
                raise InputError(
                    f"{self._called()}: {self._lost} items in a row have no result, the last one: {problem.detail}"
                ) from problem
            raise
        self._lost = 0
        if "error" in answer:
            raise ItemProblem(REFUSED, " ".join(str(answer["error"]).split())[:LONGEST_DETAIL])
        return unpacked(answer["result"])

    def _answer(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to an item: of another worker, where the first one dies of it or has died before."""
        for last_try in (False, True):
            self.start()
            self._asked += 1
            try:
                answer = self._exchange({"item": self._asked, "content": packed(dict(content))}, self.item_seconds)
                break
            except ItemProblem as problem:
                if last_try or problem.reason != DIED:
                    raise
        if answer.get("item") != self._asked or isinstance(answer.get("result"), dict) == ("error" in answer):
            raise self._nonsense(f"item {self._asked} with a result or an error", answer)
        return answer

    def start(self) -> None:
        """Start the worker, unless it runs. Raises InputError where it does not get ready."""
        if self._process is not None:
            return
        environment = {name: value for name, value in os.environ.items() if name not in OWN_VARIABLES}
        pipe = subprocess.PIPE
        try:
            self._process = subprocess.Popen(
                self.words, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, cwd=self.folder
            )
        except OSError as error:
            raise InputError(f"{self._called()}: cannot be started: {error.strerror}") from error
        self._answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._said: deque[str] = deque(maxlen=1)  # last line of its standard error
        self._threads = [
            self._begin(_collect, self._process, self._answers),
            self._begin(_pass_on, self._process, self._said),
        ]
        try:
            answer = self._exchange({"options": self.options}, self.start_seconds)
        except ItemProblem as problem:
            raise InputError(f"{self._called()}: not ready: {problem.detail}") from problem
        if isinstance(answer.get("error"), str):
            self.stop()
            raise InputError(f"{self._called()}: {answer['error']}")
        if not isinstance(answer.get("ready"), dict):
            raise self._nonsense('{"ready": {...}}', answer)
        self.facts = answer["ready"]

    def _exchange(self, question: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """Write a line and read the answer. Raises ItemProblem where the worker dies, or takes longer."""
        text = f"{json_text(question, self._called())}\n"
        writing = self._begin(_write, self._process, text.encode())  # which may wait for the worker to read
        try:
            line = self._answers.get(timeout=seconds)
            writing.join(seconds)
        except queue.Empty:
            self.stop(kill=True)
            raise ItemProblem(SLOW, f"no answer within {seconds:g} s") from None
        if not line:
            raise ItemProblem(DIED, self._last_words())
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise self._nonsense("a line with a JSON object", line.decode("utf-8", "backslashreplace"))
        return answer

    def _last_words(self) -> str:
        """How a worker has ended, and the last line of its standard error."""
        process = self._process
        self.stop()
        status = process.returncode
        ended = f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
        return ": ".join(["the worker ended", ended, *(cut(text) for text in self._said)])

    def _nonsense(self, expected: str, found: object) -> InputError:
        self.stop(kill=True)
        return InputError(f"{self._called()}: expected {expected}, found {brief(found)}")

    def _called(self) -> str:
        """The worker in messages: its interpreter, and the last word of the command."""
        return f"worker {cut(self.words[0])} {cut(self.words[-1])}"

    def stop(self, kill: bool = False) -> None:
        """Let the worker end, or kill it."""
        process, self._process = self._process, None
        if process is None:
            return
        if kill:
            process.kill()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for thread in self._threads:
            thread.join(STOP_SECONDS)

    @staticmethod
    def _begin(target: Callable, *arguments: Any) -> threading.Thread:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        thread.start()
        return thread


def _write(process: subprocess.Popen, data: bytes) -> None:
    """Write to a worker; one that has died reads no more."""
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(data)
        process.stdin.flush()


def _collect(process: subprocess.Popen, answers: queue.SimpleQueue[bytes]) -> None:
    """Put the lines of a worker into the queue, and b"" when there are no more."""
    with process.stdout as lines:
        for line in lines:
            answers.put(line)
    answers.put(b"")


def _pass_on(process: subprocess.Popen, said: deque[str]) -> None:
    """Write what a worker says on standard error to our own."""
    with process.stderr as lines:
        for line in lines:
            text = line.decode("utf-8", "backslashreplace").rstrip()
            if text:
                said.append(text)
            print(text, file=sys.stderr)
