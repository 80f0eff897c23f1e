"""A process that has imported every command and forks for each trial: what a trial uses is then the command's own.

    python3 -m tests.fuzz.zygote        reads a line of JSON for each trial, answers with a line of JSON

A trial runs one command, or several until one fails. Its process may use 3 GB of address space more than the libraries
and 20 s of processor time: what exceeds the promises (600 MB, 10 s) but not this is measured.
"""

import importlib
import json
import os
import re
import resource
import sys
import traceback
from pathlib import Path

MODULES = (
    "local.capspeech.__main__",
    "local.folder",
    "local.librispeech",
    "steps.data.build_index",
    "steps.data.split_speakers",
    "steps.data.split_utterances",
    "steps.text.augment",
    "steps.embed.plan",
    "steps.embed.extract",
    "steps.embed.merge",
    "steps.audio.perturb",
    "steps.features.plan",
    "steps.features.compute",
    "steps.features.merge",
    "steps.features.normalise",
    "steps.attributes.plan",
    "steps.attributes.measure",
    "steps.attributes.label",
    "steps.generators.train",
    "steps.generators.sample",
    "steps.score.score",
    "steps.verify.train_plda",
    "steps.verify.score_trials",
    "utils.data_dir",
    "utils.fix_data_dir",
    "utils.sweep",
    "tests.fuzz.shell",
)
LIBRARIES = (
    "parselmouth",
    "resemblyzer",
    "onnxruntime",
    "sklearn.linear_model",
    "pyarrow.parquet",
    "soundfile",
    "sentence_transformers",
    "matplotlib.pyplot",
    "scipy.stats",
    "pandas",
)
ADDRESS_SPACE, PROCESSOR_SECONDS = 3 << 30, 20


def memory(field: str) -> int:
    """A figure of this process's memory, in bytes: VmHWM, VmRSS, VmSize."""
    return int(re.search(rf"^{field}:\s*(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)[1]) * 1024


def run(module: str, words: list[str]) -> int:
    """The exit status of a command; a traceback as Python itself writes it."""
    try:
        return importlib.import_module(module).main(words) or 0
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 70


def trial(request: dict) -> None:
    """The child's part: run the commands with stdout and stderr in files, write the figures, end."""
    os.setsid()
    os.chdir(request["cwd"])
    with Path(os.devnull).open() as nothing, Path(request["stderr"]).open("wb") as stderr:
        os.dup2(nothing.fileno(), 0)
        os.dup2(stderr.fileno(), 1)
        os.dup2(stderr.fileno(), 2)
    before = memory("VmRSS")
    resource.setrlimit(resource.RLIMIT_AS, (memory("VmSize") + ADDRESS_SPACE,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS, PROCESSOR_SECONDS + 1))
    statuses = []
    for module, words in request["commands"]:
        statuses.append(run(module, words))
        if statuses[-1]:
            break
    sys.stdout.flush()
    sys.stderr.flush()
    figures = {"statuses": statuses, "megabytes": (memory("VmHWM") - before) / 1e6}
    Path(request["figures"]).write_text(json.dumps(figures))
    os._exit(0)


def main() -> int:
    """Import, then fork once for each line of stdin."""
    import contextlib

    with contextlib.redirect_stdout(sys.stderr):
        for name in (*MODULES, *LIBRARIES):
            with contextlib.suppress(ModuleNotFoundError):
                importlib.import_module(name)
    print("ready", flush=True)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            trial(json.loads(line))
        print(child, flush=True)
        _, status, usage = os.wait4(child, 0)
        seconds = usage.ru_utime + usage.ru_stime
        print(json.dumps({"exit": os.waitstatus_to_exitcode(status), "seconds": seconds}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
