"""A model of three dimensions whose samples are known: its sums are exact, so they are the same on any machine."""

from pathlib import Path

import numpy as np

from steps.generators.linear import LinearMap
from steps.generators.linear_generator import LinearGenerator
from steps.generators.mixture import Frame
from utils.archive_writer import write_vectors
from utils.tables import write_table

TEXTS = {"female_low-v01": "A woman with a low voice.", "male_low-v01": "A man with a low voice."}
# drawn by the version that had ids without set and hash: `known_options(root) -n 3 --seed 7 --temperature 4`
VECTORS = (
    ("female_low-v01", "9f62b03f627279bfaa63be3e 7e673c3fe04e72c0c8854e3f 7fb2803fe8bf284090cc8f3e"),
    ("male_low-v01", "f93cc83f0a0b42c0b14aa33f 08e1ce3e75ae22c074ae2cbf 16753440c26c3540d6a79a3f"),
)


def known_options(root: Path, out: str = "groups", offset: float = 1.0) -> list[str]:
    """Write model, descriptions and text vectors below `root`, if they are not there. Returns options of `sample`.

    Args:
        out: where the samples go, below `root`. offset: of the first dimension; another one is another model.
    """
    model, texts, descriptions = root / f"model {offset}", root / "text", root / "descriptions"
    if not model.is_dir():
        write_model(model, offset)
    if not texts.is_dir():
        texts.mkdir()
        descriptions.mkdir()
        (texts / "encoder.json").write_bytes((model / "encoder.json").read_bytes())
        write_vectors(texts / "text_vec.ark", texts / "text_vec.scp", list(TEXTS), np.eye(2, dtype=np.float32)[::-1])
        write_table(descriptions / "text", TEXTS)
        write_table(descriptions / "text2group", {text_id: text_id[:-4] for text_id in TEXTS})
        write_table(descriptions / "text2set", dict.fromkeys(TEXTS, "seen"))
    paths = {"model": model, "descriptions": descriptions, "text_vectors": texts, "out": root / out}
    return [word for name, path in paths.items() for word in (f"--{name}", str(path))]


def write_model(model: Path, offset: float) -> None:
    """Write a mixture of two components, the mean of which is the sentence vector (2)."""
    model.mkdir(parents=True)
    frame = Frame(np.array([offset, -2.0, 0.5]), np.diag([1.0, 2.0, 0.5]))
    mean_of = LinearMap(np.eye(2, 3), np.zeros(3))
    LinearGenerator(frame, mean_of, np.log([0.25, 0.75]), np.array([1.0, 0.5])).save(model)
    (model / "encoder.json").write_text('{"name": "none", "sha256": "0", "dim": 2}\n')
