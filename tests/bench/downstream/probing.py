"""What the probes share. They run in the environments of other toolkits, where only numpy is sure to be there."""

import json
import sys
from pathlib import Path

import numpy as np


class Probe:
    """Tries things and prints a line of JSON for each: what, how many were read, of how many, and a remark."""

    def __init__(self):
        self.setting = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
        self.directories = self.setting["directories"]

    def scripts(self):
        """Name, path of the script file, and expected vectors by key of each."""
        for name, (path, expected) in self.setting["scripts"].items():
            with np.load(expected) as arrays:
                yield name, path, dict(zip(arrays["keys"].tolist(), arrays["x"], strict=True))

    def vectors(self, name):
        """Keys (N) and vectors (N, D) that one script file should give."""
        with np.load(self.setting["scripts"][name][1]) as arrays:
            return arrays["keys"].tolist(), arrays["x"]

    def count(self, what, expected, read):
        """Count the expected entries {key: value} that `read()` gives alike, as pairs (key, value)."""
        try:
            found = dict(read())
            note = "" if len(found) <= len(expected) else f"{len(found) - len(expected)} more than there should be"
        except Exception as error:  # whatever a toolkit raises is what is to be reported
            found, note = {}, f"{type(error).__name__}: {str(error).splitlines()[0][:160] if str(error) else ''}"
        same = sum(key in found and np.array_equal(found[key], value) for key, value in expected.items())
        self.say(what, same, len(expected), note)

    def say(self, what, read, of, note=""):
        """Print one finding."""
        print(json.dumps({"what": what, "read": int(read), "of": int(of), "note": note}), flush=True)

    def write_scores(self, name, pairs):
        """Write scores as (enrolment, test, score), for the comparison with ours."""
        path = Path(self.setting["out"]) / f"{name}.scores"
        path.write_text("".join(f"{enrol} {test} {score:.6f}\n" for enrol, test, score in pairs), encoding="utf-8")


def lines_of(path):
    """The lines of a text file."""
    return Path(path).read_text(encoding="utf-8").splitlines()


def table(path):
    """Lines `key value...` of a file."""
    return dict(line.split(maxsplit=1) for line in lines_of(path))
