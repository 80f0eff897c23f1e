"""What `utils.foreign_worker` runs in another interpreter: builds an engine, then answers items until there are none.

    usage: /path/bin/python -I utils/worker_loop.py FILE.py:CLASS, such as steps/asr/engines/whisper.py:WhisperEngine

Input, JSON lines on standard input: `{"options": {...}}`, then `{"item": 1, "content": {...}}` for each item. Output,
JSON lines on standard output: `{"ready": {...}}` or `{"error": "..."}`, then `{"item": 1, "result": {...}}` or
`{"item": 1, "error": "..."}`. An array is `{"dtype": "<f4", "shape": [8], "base64": "..."}`. What else the engine
prints goes to standard error.

An engine is a class in a file: made of the options, called with a content, both dictionaries, it returns a dictionary;
`facts` of an engine is told with `ready`. This file needs no package and no newer Python than 3.8: the interpreter has
what the engine imports, and nothing of this project.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import signal
import sys

# what an engine raises of options or of an item that it cannot take; whatever else it raises ends the worker
REFUSALS = (ArithmeticError, AttributeError, ImportError, LookupError, OSError, RuntimeError, TypeError, ValueError)
PACKED = {"dtype", "shape", "base64"}


def packed(value):
    """A value as JSON has it: arrays in its dictionaries and lists become text."""
    if isinstance(value, dict):
        return {key: packed(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [packed(inner) for inner in value]
    if not hasattr(value, "tobytes"):
        return value
    data = base64.b64encode(value.tobytes()).decode("ascii")
    return {"dtype": value.dtype.str, "shape": list(value.shape), "base64": data}


def unpacked(value):
    """The value that `packed` was given, with lists for its tuples."""
    if isinstance(value, list):
        return [unpacked(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    if value.keys() != PACKED:
        return {key: unpacked(inner) for key, inner in value.items()}
    import numpy as np

    return np.frombuffer(base64.b64decode(value["base64"]), value["dtype"]).reshape(value["shape"]).copy()


def told(error: BaseException) -> str:
    """An exception in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:1000]


def load_engine(word: str) -> type:
    """The class that `file.py:Class` names."""
    file, _, name = word.rpartition(":")
    spec = importlib.util.spec_from_file_location("engine", file)
    module = importlib.util.module_from_spec(spec)
    sys.modules["engine"] = module
    spec.loader.exec_module(module)
    return getattr(module, name)


def serve(word: str, lines, answers) -> int:
    """Build the engine of the first line, and answer the others. Returns the exit status."""

    def answer(value: dict) -> None:
        line = json.dumps(value, allow_nan=False) + "\n"
        answers.write(line)
        answers.flush()

    try:
        engine = load_engine(word)(json.loads(next(lines))["options"])
    except REFUSALS as error:
        answer({"error": told(error)})
        return 1
    answer({"ready": {"python": sys.version.split()[0], **getattr(engine, "facts", {})}})
    for line in lines:
        asked = json.loads(line)
        try:
            answer({"item": asked["item"], "result": packed(engine(unpacked(asked["content"])))})
        except REFUSALS as error:
            answer({"item": asked["item"], "error": told(error)})
    return 0


def main() -> int:
    """Serve on standard input and output; what libraries print goes to standard error.

    Ctrl-C is for the caller, whose end closes standard input. Without an engine, only tells what it is.
    """
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        print(__doc__)
        return 0 if sys.argv[1:] in (["-h"], ["--help"]) else 1
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers, os.fdopen(os.dup(0), encoding="utf-8") as lines:
        os.dup2(2, 1)
        return serve(sys.argv[1], lines, answers)


if __name__ == "__main__":
    sys.exit(main())
