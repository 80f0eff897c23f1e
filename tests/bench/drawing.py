"""Speed of drawing samples: a chunk at once beside loops that draw one at a time."""

import numpy as np

from steps.generators.mdn.generator import MdnGenerator
from steps.generators.mixture import Frame, Mixture
from steps.generators.requests import CHUNK
from tests.bench.results import Row, target
from tests.bench.timing import spread, take_turns


def measure_drawing(generator: MdnGenerator, text: np.ndarray, rounds: int, n: int) -> list[Row]:
    """Draw for one text (E,) with ours, and n samples with each of the loops, in turn. Returns rows of a table."""
    rng = np.random.default_rng(0)
    mixture = generator.mixtures(text[None])[0]
    weights = np.exp(mixture.log_weights) / np.exp(mixture.log_weights).sum()
    dim = generator.dim
    turned = Mixture(
        mixture.log_weights, mixture.means, mixture.scales, Frame(np.zeros(dim), rng.standard_normal((dim, dim)))
    )
    seconds = take_turns(
        {
            "ours": lambda: mixture.sample(rng, CHUNK),
            "model": lambda: [draw_from_model(generator, text, rng) for _ in range(n // 10)],
            "mixture": lambda: [draw_one(mixture, weights, rng) for _ in range(n)],
            "noise": lambda: rng.standard_normal((CHUNK, dim), dtype=np.float32),
            "full": lambda: turned.sample(rng, CHUNK),
            "full loop": lambda: [turned.frame.matrix @ draw_one(turned, weights, rng) for _ in range(n)],
        },
        rounds,
    )
    drawn = {"model": n // 10, "mixture": n, "full loop": n}
    each = {name: values / drawn.get(name, CHUNK) for name, values in seconds.items()}
    model, prepared = (np.median(each[name] / each["ours"]) for name in ("model", "mixture"))
    bound, full = np.median(each["mixture"] / each["noise"]), np.median(each["full loop"] / each["full"])
    return [
        (f"Mixture.sample, diagonal, {CHUNK} at once, µs each", spread(each["ours"], 1e6), ""),
        ("its normal deviates alone, µs each", spread(each["noise"], 1e6), ""),
        ("a loop: the network, a component, a sample, µs each", spread(each["model"], 1e6, 0), ""),
        ("this loop / Mixture.sample", f"{model:.0f}", target(model, ">= 100")),
        ("a loop: a component, a sample (the mixture is ready), µs each", spread(each["mixture"], 1e6), ""),
        ("this loop / Mixture.sample", f"{prepared:.1f}", ""),
        ("the most that could be gained on it: this loop / the deviates alone", f"{bound:.1f}", ""),
        ("Mixture.sample, full covariance, µs each", spread(each["full"], 1e6), ""),
        ("a loop: a component, a sample, µs each", spread(each["full loop"], 1e6), ""),
        ("this loop / Mixture.sample", f"{full:.1f}", ""),
    ]


def draw_from_model(generator: MdnGenerator, text: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One sample (D,), from the text on."""
    log_weights, means, log_scales, _ = generator.network(text)
    weights = np.exp(log_weights)
    component = rng.choice(len(weights), p=weights / weights.sum())
    return means[component] + np.exp(log_scales[component]) * rng.standard_normal(generator.dim)


def draw_one(mixture: Mixture, weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One sample (q,), in latent coordinates, of a mixture whose weights (K,) sum to 1."""
    component = rng.choice(len(weights), p=weights)
    return mixture.means[component] + mixture.scales[component] * rng.standard_normal(mixture.means.shape[1])
