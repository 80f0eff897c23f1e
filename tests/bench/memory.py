"""Memory of the recipe's own commands, each run as a process of its own."""

from pathlib import Path

from tests.bench.generated import Corpus
from tests.bench.results import target
from tests.bench.setting import PLAIN
from tests.bench.timing import Child, run_module


def train_once(corpus: Corpus, directory: Path, n_components: int, epochs: int) -> tuple[Path, Child, Child]:
    """Index a corpus and train the plain network. Returns the model directory, and what index and training needed."""
    corpus.write_set(directory / "data" / "train")
    dev = Corpus(corpus.n // 10, corpus.dim, corpus.n_texts, corpus.text_dim, seed=1, first=corpus.n_speakers)
    dev.write_set(directory / "data" / "dev")
    corpus.write_texts(directory / "descriptions", directory / "text")
    generators = directory / "generators.txt"
    generators.write_text(f"mdn_plain mdn {PLAIN}\n", encoding="utf-8")
    index = run_module(
        "steps.data.build_index", "--data", directory / "data", "--sets", "train,dev", "--out", directory / "index"
    )
    training = run_module(
        "steps.generators.train", "--index", directory / "index", "--descriptions", directory / "descriptions",
        "--text_vectors", directory / "text", "--out", directory, "--generators", generators, "--use_gpu", "false",
        "--set", f"n_components={n_components},epochs={epochs},updates_per_epoch=1",
    )  # fmt: skip
    return directory / "mdn_plain", index, training


def training_memory(corpus: Corpus, directory: Path, n_components: int) -> str:
    """Peak memory of the index and of the training command, in words."""
    _, index, training = train_once(corpus, directory, n_components, epochs=2)
    return (
        f"Memory at its peak, of the commands themselves: steps.generators.train {training.megabytes:.0f} MB"
        f" ({target(training.megabytes, '< 2000')}), steps.data.build_index {index.megabytes:.0f} MB."
    )
