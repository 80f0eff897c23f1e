"""A trained model as a directory: `model.safetensors`, and in `lang/` the units and words that it is of."""

from pathlib import Path

from steps.hmm.hmm_model import HmmModel
from steps.hmm.lang import Lang
from utils.errors import InputError

LANG = "lang"


def write_hmm(directory: Path, model: HmmModel, lang: Lang) -> None:
    """Write both into a directory that is there."""
    model.save(directory)
    lang.save(directory / LANG)


def read_hmm(directory: Path) -> tuple[HmmModel, Lang]:
    """Read both. Raises InputError where one is missing or damaged, or they have not the same densities."""
    directory = Path(directory)
    model, lang = HmmModel.load(directory), Lang.load(directory / LANG)
    if model.n_pdfs != lang.n_pdfs:
        raise InputError(
            f"{directory}: the model has {model.n_pdfs} densities, the units of {LANG} have {lang.n_pdfs} states; are"
            " they of two runs?"
        )
    return model, lang
