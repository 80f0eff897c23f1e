"""What every command shares: options, a log on stderr, one-line errors, and for people what is going on."""

import contextlib
import logging
import os
import re
import shlex
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from utils.display import LAST_LINE, STEP, Above, Doing
from utils.errors import InputError
from utils.extras import missing_package
from utils.faults import FAULTS, describe, is_fault
from utils.mapped_files import tell_lost_files
from utils.options import parse
from utils.run_again import RUN_AGAIN, RunAgain
from utils.secrets import hide

CONTROL = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029]"
)  # a message with one is more than a line, or changes the terminal
T = TypeVar("T")
LONGEST_ERROR = 2000  # characters of an error; names of the user's may be of any length


def logger(name: str) -> logging.Logger:
    """The logger of one module; `run_command` decides where it writes."""
    log = logging.getLogger(name)
    log.setLevel(logging.INFO)
    return log


class _LineWithoutSecrets(logging.Formatter):
    """Lines of the log, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        return hide(super().format(record))


def start_log() -> None:
    """Let all loggers of this process write to stderr, and no secret into it, whatever goes wrong."""
    handler = logging.StreamHandler(Above(sys.stderr) if sys.stderr.isatty() else sys.stderr)
    handler.setFormatter(_LineWithoutSecrets("%(asctime)s %(module)s: %(message)s", datefmt="%H:%M:%S"))
    logging.basicConfig(handlers=[handler])
    for handler in logging.getLogger().handlers:
        handler.addFilter(_name_package)
    sys.excepthook = _show_bug


def _show_bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What Python says of an exception that nothing has caught, without secrets."""
    print(hide("".join(traceback.format_exception(kind, error, trace))), end="", file=sys.stderr)


def _name_package(record: logging.LogRecord) -> bool:
    """Let the command of a package log under the package's name, not as `__main__`."""
    if record.module == "__main__":
        record.module = Path(record.pathname).parent.name
    return True


def one_line(error: Exception) -> str:
    """What a command says of an InputError, or of a fault (`utils.faults`): one line without secrets."""
    text = str(error) if isinstance(error, InputError) else f"{describe(error)}; no output was committed"
    line = CONTROL.sub(lambda match: repr(match[0])[1:-1], hide(text))
    return line if len(line) <= LONGEST_ERROR else f"{line[: LONGEST_ERROR // 2]} ... {line[-LONGEST_ERROR // 2 :]}"


def run_command(cls: type, work: Callable[[Any], None], argv: list[str] | None, description: str | None = None) -> int:
    """Parse the options of a command and do its work.

    Returns the exit status: 0, 1 after one line on stderr, or RUN_AGAIN where the work can be continued.
    """
    module = sys.modules[work.__module__]
    prog = (module.__spec__.name if module.__spec__ else work.__module__).removesuffix(".__main__")  # of a package
    try:
        options = parse(cls, argv, f"python3 -m {prog}", (description or "").strip())
        start_log()
        if argv is None:
            tell_lost_files(lambda error: _say_error(prog, error))
            say_command(prog, sys.argv[1:])
        with (
            doing(prog),
            contextlib.redirect_stdout(Above(sys.stdout)) if sys.stdout.isatty() else contextlib.nullcontext(),
        ):
            work(options)
    except RunAgain as stop:
        logger(prog).info("%s; run the same command again to go on (exit status %d)", stop, RUN_AGAIN)
        return RUN_AGAIN
    except (InputError, *FAULTS) as error:
        if not isinstance(error, InputError) and not is_fault(error):
            raise
        _say_error(prog, error)
        return 1
    except ModuleNotFoundError as error:
        missing = missing_package(error)
        if missing is None:
            raise
        print(f"{prog}: ERROR: {missing}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        if argv is not None:
            raise
        print(f"{prog}: stopped by SIGINT; no output was committed", file=sys.stderr)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    finally:
        if argv is None:
            _flush_output()
    return 0


def _say_error(prog: str, error: Exception) -> None:
    """The line that a command ends with."""
    print(f"{prog}: ERROR: {one_line(error)}", file=sys.stderr, flush=True)


def say_command(prog: str, words: Sequence[str]) -> None:
    """The command line of a command, into its log."""
    logger(prog).info("%s", shlex.join(["python3", "-m", prog, *words]))


def _flush_output() -> None:
    """Bring to its reader what this process has printed; where the reader is gone, such as `head`, it is lost."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextlib.contextmanager
def doing(label: str) -> Iterator[None]:
    """Show on a terminal that this is done, from two seconds on."""
    if not sys.stderr.isatty():
        yield
        return
    one = Doing(label)
    LAST_LINE.begin(one)
    try:
        yield
    finally:
        LAST_LINE.end(one)


def progress(items: Iterable[T], total: int, label: str, done: int = 0, note: Callable[[], str] = str) -> Iterator[T]:
    """Iterate over `items` with a bar on a terminal; in a log file, silence.

    Args:
        total: how many items there are with the `done` ones before them. note: what is shown behind the bar; called
            in this thread, where an item is done.
    """
    if not sys.stderr.isatty():
        yield from items
        return
    one, told = Doing(label, max(total, 1), done), time.monotonic()
    LAST_LINE.begin(one)
    try:
        for number, item in enumerate(items, done + 1):
            yield item
            one.done = number
            if time.monotonic() - told > STEP or number == total:
                one.note, told = note(), time.monotonic()
    finally:
        LAST_LINE.end(one)
