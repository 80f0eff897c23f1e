"""A shell script of the recipe as a command of a trial: its main takes the script and its words."""

import subprocess
from pathlib import Path

LONGEST = 100_000  # bytes of a word; Linux takes 131,071
ROOT = Path(__file__).parents[2]


def main(words: list[str]) -> int:
    """Run a script of the checkout, in the checkout; of its words as much as a process can be given."""
    plain = [word.replace("\0", "").encode("utf-8", "surrogatepass")[:LONGEST] for word in words]
    return subprocess.run(["bash", *plain], cwd=ROOT, check=False).returncode
