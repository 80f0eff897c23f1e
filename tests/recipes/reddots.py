"""The recipe of short phrases on synthetic voices in the files of RedDots, with small models: a run takes a minute."""

from pathlib import Path

from local.look_alike.__main__ import main as look_alike
from tests.recipes.recipe import ROOT, Recipe, start_run

DIRECTORY = ROOT / "egs" / "reddots" / "v1"
SMALL = {
    "ubm.components": "8",
    "ubm.passes": "2",
    "ubm.passes_per_split": "1",
    "mono.gaussians": "1",
    "mono.silence_gaussians": "1",
    "mono.passes": "2",
    "report.draws": "20",
}


def write_corpus(out: Path) -> Path:
    """Write pcm/ ndx/ infos/ of four speakers, of whom the lists name three: the fourth is the background."""
    assert look_alike(["--corpus", "synthetic", "--n_speakers", "4", "--parts", "01", "--out", str(out)]) == 0
    (out / "infos" / "folds.txt").unlink()
    for table in (out / "ndx").iterdir():
        lines = table.read_text().splitlines(keepends=True)
        table.write_text("".join(line for line in lines if "0004" not in line))
    return out


class Phrases(Recipe):
    """`./run.sh --corpus reddots` with --data and --exp below `folder`, in paths with blanks."""

    def __init__(self, folder: Path, corpus: Path, *options: str):
        self.folder, self.data, self.exp = folder, folder / "my data", folder / "my exp"
        folder.mkdir()
        settings = ",".join(f"{key}={value}" for key, value in SMALL.items())
        self.words = [
            "./run.sh", "--corpus", "reddots", "--data_dir", str(corpus), "--data", str(self.data),
            "--exp", str(self.exp), "--topology", "words", "--systems", "gmm_llr,hmm_viterbi", "--nj", "1",
            "--set", settings, *options,
        ]  # fmt: skip

    def start(self, *more: str):
        return start_run([*self.words, *more], DIRECTORY)

    def files(self) -> list[Path]:
        """Those of the data and the models: no logs, and none of the files that slurm.pl has beside them, in `q`."""
        return [path for path in super().files() if not {"log", "q"} & set(path.parts) and path.is_file()]

    def logs(self) -> str:
        return "".join(path.read_text() for path in sorted(self.exp.rglob("log/*.log")))
