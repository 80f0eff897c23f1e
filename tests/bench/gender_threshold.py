"""How often the classifier of genders is wrong, and how many have no gender, for some thresholds: a table.

    python3 -m tests.bench.gender_threshold --exp exp/librispeech

The utterances of the speakers in index/test are unseen by the classifier; samples of texts have no right answer.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from utils.command import run_command
from utils.options import option

THRESHOLDS = (0.5, 0.6, 0.8, 0.9, 0.95, 0.99)
TEXTS = ("A woman with a deep voice", "A man with a high voice", "A tenor who talks a mile a minute")


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    exp: Path = option(help="experiment, with index and model")
    model: str = option("mdn", "name of the model, which has gender.json")
    n_samples: int = option(2000, "samples of each text", least=1)


def work(options: Options) -> None:
    """Print the table."""
    import numpy as np

    from steps.data.index import Index
    from steps.generators.gender_classifier import letters
    from steps.generators.sampling import Voices
    from utils.errors import InputError

    voices, test = Voices(options.exp / options.model), Index.open(options.exp / "index/test")
    if voices.genders is None:
        raise InputError(f"{voices.model}: no gender.json; train it again, on speakers of known gender")
    true = [test.genders[speaker] for speaker in test.speakers]
    told = voices.genders.female(test.matrix())
    samples = {text: voices.genders.female(voices.sample(text, options.n_samples)) for text in TEXTS}
    print(f"{len(true)} utterances of {len(set(test.speakers))} speakers of {options.exp}/index/test\n")
    print("| threshold | wrong | no gender |" + "".join(f" no gender: {text} |" for text in TEXTS))
    print("| --- |" + " ---: |" * (2 + len(TEXTS)))
    for threshold in THRESHOLDS:
        judged = letters(told, threshold)
        wrong = [letter != gender for letter, gender in zip(judged, true, strict=True) if letter]
        shares = [np.mean(wrong) if wrong else 0.0, judged.count(None) / len(judged)]
        shares += [letters(female, threshold).count(None) / options.n_samples for female in samples.values()]
        print(f"| {threshold} |" + "".join(f" {100 * share:.1f} % |" for share in shares))


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
