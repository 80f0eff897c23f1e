"""Maps of real and sampled vectors: two directions that were fitted to real training vectors, and everything on them.

Three kinds: samples of every generator on the first principal directions, coloured by an attribute; the same on the two
directions in which sources differ most, coloured by the source; and samples of one generator with real test vectors of
each group, where groups differ most (`steps.metrics.discriminants`).
"""

from collections.abc import Callable, Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from steps.generators.covariance import principal_subspace
from steps.generators.mixture import Frame
from steps.metrics.discriminants import discriminants
from steps.metrics.plda import speaker_statistics
from steps.score.pictures import FIRST, POOR, Drawn, hue, shown
from utils.errors import InputError

DOTS = 500  # in a map
SMALL = 2.3  # inches of a map
MOST_PANELS = 36  # groups, the largest ones
DIRECTIONS = 40  # principal ones, in which groups are told apart
SHRINKAGE = 0.1
MOST_FITTED = 20_000  # vectors that a plane is fitted to
FAINT = "#dadce0"
Placed = Callable[[np.ndarray], np.ndarray]  # embeddings (N, D) -> places (N, 2)


def every(x: np.ndarray, most: int = DOTS) -> slice:
    """At most so many rows of x, evenly spread."""
    return slice(None, None, max(1, -(-len(x) // most)))


def first_two(y: np.ndarray) -> np.ndarray:
    """The first two of coordinates (N, q); zeros where there is only one."""
    return np.pad(y[:, :2], ((0, 0), (0, 2 - min(2, y.shape[1]))))


def telling_apart(x: np.ndarray, labels: np.ndarray) -> Placed:
    """The plane in which labels (N,) of real vectors x (N, D) differ most; the principal one where no two differ.

    Of two labels, which differ in one direction, the second is the principal one.
    """
    x, labels = x[every(x, MOST_FITTED)], labels[every(x, MOST_FITTED)]
    whole = principal_subspace(x)
    frame = Frame(whole.offset, whole.matrix[:, :DIRECTIONS])
    y = frame.to_latent(x.astype(np.float64))
    found = np.zeros((0, y.shape[1]))
    if len(np.unique(labels)) > 1 and len(x) > len(np.unique(labels)):
        try:
            found = discriminants(speaker_statistics(y, labels), SHRINKAGE)[:2]
        except InputError:  # all vectors of each label are the same
            found = found[:0]
    plane = np.concatenate([found, np.eye(y.shape[1])[: 2 - len(found)]])
    return lambda other: first_two(frame.to_latent(other.astype(np.float64)) @ plane.T)


def small_map(real: np.ndarray, title: str) -> tuple[Figure, Axes]:
    """A map with real places (N, 2) in grey, its limits around them."""
    figure = Figure(figsize=(SMALL, SMALL), dpi=160)
    axis = figure.add_axes((0.01, 0.09, 0.98, 0.81))
    axis.scatter(*real.T, s=5, color=FAINT, linewidths=0)
    low, high = np.quantile(real, [0.005, 0.995], axis=0)
    margin = np.maximum(0.3 * (high - low), 1e-9)
    axis.set_xlim(low[0] - margin[0], high[0] + margin[0])
    axis.set_ylim(low[1] - margin[1], high[1] + margin[1])
    axis.set_xticks([])
    axis.set_yticks([])
    axis.spines[:].set_color(FAINT)
    name = shown(title)
    figure.text(0.5, 0.945, name, ha="center", va="center", fontsize=min(9, 9 * 30 / max(len(name), 1)))
    return figure, axis


def key(figure: Figure, colours: Mapping[str, str], crosses: str = "") -> None:
    """The names of colours, below the map; that of `crosses` has a cross."""
    names = [shown(name) for name in colours]
    size = min(8.5, 8.5 * 30 / sum(len(name) + 3 for name in names))
    style = {"linestyle": "", "markersize": 0.5 * size}
    dots = [Line2D([], [], color=colour, marker="ox"[name == crosses], **style) for name, colour in colours.items()]
    figure.legend(
        dots, names, loc="lower center", ncols=len(names), fontsize=size, frameon=False, borderpad=0, borderaxespad=0.1,
        handletextpad=0.1, columnspacing=0.7, handlelength=1,
    )  # fmt: skip


def widest(subspace: Frame) -> Placed:
    """The plane of the first two directions of a subspace."""
    return lambda x: first_two(subspace.to_latent(x))


def maps(
    placed: Placed, real: tuple[np.ndarray, np.ndarray], examples: Mapping[str, tuple[np.ndarray, np.ndarray]]
) -> Drawn:
    """Samples of each generator, coloured by their values.

    Args:
        real: vectors (N, D) of test speakers and the value (N,) of each. examples: name -> the same of samples.
    """
    x, values = (one[every(real[0])] for one in real)
    places = placed(x)
    shapes = [("real test speakers", x, values)]
    shapes += [(name, *(one[every(found[0], len(x))] for one in found)) for name, found in examples.items()]
    colours = {str(value): hue(number) for number, value in enumerate(np.unique(real[1]))}
    drawn = []
    for name, points, own in shapes:
        figure, axis = small_map(places, name)
        at = placed(points)
        for value, colour in colours.items():
            axis.scatter(*at[own == value].T, s=7, color=colour, alpha=0.7, linewidths=0)
        key(figure, colours)
        drawn.append((f"Map of {name}, coloured by {', '.join(colours)}", figure))
    return drawn


def label_maps(
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    samples: tuple[np.ndarray, np.ndarray],
    name: str,
) -> Drawn:
    """A map for each label of the test set: its real vectors over all others, and the samples of the generator `name`.

    Args:
        train, test, samples: vectors (N, D) and the label (N,) of each; the plane is fitted to the first.
    """
    placed = telling_apart(*train)
    x, labels = test
    backdrop = placed(x[every(x)])
    names, counts = np.unique(labels, return_counts=True)
    largest = names[np.sort(np.argsort(-counts, kind="stable")[:MOST_PANELS])]
    drawn = []
    for label in largest:
        figure, axis = small_map(backdrop, str(label).replace("_", " "))
        mine = x[labels == label]
        own = samples[0][samples[1] == label]
        for points, colour, marker in ((own[: max(len(mine), 50)], POOR, "x"), (mine[every(mine)], FIRST, "o")):
            if len(points):
                axis.scatter(*placed(points[every(points)]).T, s=9, color=colour, marker=marker, alpha=0.75,
                             linewidths=0.8 if marker == "x" else 0)  # fmt: skip
        key(figure, {"real": FIRST, "sampled": POOR, "other real": "#80868b"}, "sampled")
        drawn.append((f"Map of real and sampled vectors of {label}, {len(mine)} real ones; samples of {name}", figure))
    return drawn
