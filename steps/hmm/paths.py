"""The sum over all paths, and the best path, through the graphs of many utterances at once, in the log domain.

L. Rabiner, "A tutorial on hidden Markov models", Proceedings of the IEEE 77, 1989, equations 19 to 37. Every few frames
the log probabilities of an utterance are taken relative to its largest, so that float32 has digits enough.
"""

import numpy as np
import torch

from steps.hmm.trellis import NEVER, Trellis

RESCALED = 8  # frames after which log probabilities are taken relative to the largest


class _Ways:
    """How best paths arrive in states.

    Attributes:
        shifted: (K, T, B, S) bool, whether a shift is better than all before it, and than the loop.
        chosen: (T, B, E) uint16, from 1 on the arc that is no shift and better still.
    """

    def __init__(self, trellis: Trellis):
        shape = trellis.emissions.shape
        self.shifted = np.empty((len(trellis.offsets), *shape), bool)
        self.chosen = np.empty((shape[0], *trellis.targets.shape), np.uint16)


class _OtherArcs:
    """The arcs that are no shifts, in rows of scores (B, S) one behind the other."""

    def __init__(self, trellis: Trellis):
        firsts = np.arange(len(trellis.lengths))[:, None] * trellis.emissions.shape[2]
        self.sources, self.log_arcs = trellis.sources.cpu().numpy() + firsts, trellis.log_arcs.cpu().numpy()
        self.targets = trellis.targets.cpu().numpy() + firsts

    def arrive(self, before: np.ndarray, best: np.ndarray, chosen: np.ndarray) -> None:
        """Bring them into the best scores (n, S), and note which have been chosen (n, E)."""
        n, targets = len(best), self.targets[: len(best)]
        arrived = before.reshape(-1).take(self.sources[:, :n]) + self.log_arcs[:, :n]
        most, arc = arrived[0], np.ones(targets.shape, np.uint16)
        for number in range(1, len(arrived)):
            np.putmask(arc, arrived[number] > most, number + 1)
            most = np.maximum(arrived[number], most)
        here = best.reshape(-1).take(targets)
        np.multiply(arc, most > here, out=chosen)
        best.reshape(-1)[targets] = np.maximum(most, here)


def best_paths(trellis: Trellis) -> tuple[np.ndarray, list[np.ndarray]]:
    """Viterbi: log probability (B,) of the best path of each utterance, and its states (T_b,).

    On the processor, in numpy, whose many small operations cost less than those of torch.
    """
    emissions, shifts = trellis.emissions.cpu().numpy(), trellis.shifts.cpu().numpy()
    no_loop = None if trellis.no_loop is None else trellis.no_loop.cpu().numpy()
    scores = trellis.log_start.cpu().numpy() + emissions[0]
    spare, moved, taken = np.empty_like(scores), np.empty_like(scores).ravel(), np.zeros(len(scores))
    ways, others, width = _Ways(trellis), _OtherArcs(trellis), emissions.shape[2]
    for t, n in enumerate(trellis.running()):
        if t == 0:
            continue
        size, before, best = n * width, scores[:n], spare[:n]
        stayed = before if no_loop is None else before + no_loop[:n]
        flat = best.reshape(-1)
        flat[0] = stayed[0, 0]
        for number, offset in enumerate(trellis.offsets):
            # rows are one behind the other: at their beginnings, where a shift comes from another row, it has no arc
            here, own = (best if number else stayed).reshape(-1)[offset:], moved[offset:size]
            np.add(before.reshape(-1)[:-offset], shifts[number, :n].reshape(-1)[offset:], out=own)
            np.greater(own, here, out=ways.shifted[number, t, :n].reshape(-1)[offset:])
            np.maximum(own, here, out=flat[offset:])
        if others.targets.shape[1]:
            others.arrive(before, best, ways.chosen[t, :n])
        best += emissions[t, :n]
        if t % RESCALED == 0:
            largest = best.max(axis=1, keepdims=True)
            best -= largest
            taken[:n] += largest[:, 0]
        spare[n:] = scores[n:]
        scores, spare = spare, scores
    final = scores + trellis.log_end.cpu().numpy()
    back = trellis.back()
    paths = _states(trellis, ways, final.argmax(axis=1))
    return (final.max(axis=1) + taken)[back], [paths[row] for row in back]


def _arrivals(trellis: Trellis, scores: torch.Tensor, n: int) -> torch.Tensor:
    """By the arcs that are no shifts, of scores (n, S) before: (A, n, E)."""
    sources = trellis.sources[:, :n]
    return scores.expand(len(sources), *scores.shape).gather(2, sources) + trellis.log_arcs[:, :n]


def _states(trellis: Trellis, ways: _Ways, last: np.ndarray) -> list[np.ndarray]:
    """The states (T_b,) of each row, back from the last (B,)."""
    n_frames, n_batch, n_states = trellis.emissions.shape
    targets, sources = trellis.targets.cpu().numpy(), trellis.sources.cpu().numpy()
    n_targets = targets.shape[1]
    entries = np.full((n_batch, n_states), -1)  # of states among the targets
    np.put_along_axis(entries, targets, np.arange(n_targets)[None, :], axis=1)
    shifted = ways.shifted.reshape(*ways.shifted.shape[:2], -1)
    path, state, running = np.empty((n_frames, n_batch), np.int64), last.copy(), trellis.running()
    for t in range(n_frames - 1, 0, -1):
        path[t] = state
        n = running[t]
        own, place = state[:n], np.arange(n) * n_states + state[:n]
        before = own
        for number, offset in enumerate(trellis.offsets):
            before = np.where(shifted[number, t][place] & (own >= offset), own - offset, before)
        rows = np.flatnonzero(entries.reshape(-1)[place] >= 0) if n_targets else ()
        if len(rows):
            entry = entries[rows, own[rows]]
            arc = ways.chosen[t, rows, entry]
            before[rows] = np.where(arc > 0, sources[arc.astype(int) - 1, rows, entry], before[rows])
        state[:n] = before
    path[0] = state
    return [np.ascontiguousarray(path[:length, row]) for row, length in enumerate(trellis.lengths)]


def forward(trellis: Trellis) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Sums over all paths up to each frame.

    Returns:
        log probabilities (T, B, S) of the frames up to each and its state, less what is taken off; (T, B) float64, the
        sum of this up to each frame; and (B,) float64, those of whole utterances, in the order of the rows.
    """
    every = torch.zeros_like(trellis.emissions)
    taken = torch.zeros(every.shape[:2], dtype=torch.float64, device=every.device)
    scores = trellis.log_start + trellis.emissions[0]
    every[0] = scores
    for t, n in enumerate(trellis.running()):
        if t == 0:
            continue
        before, total = every[t - 1, :n], every[t, :n]
        stayed = before if trellis.no_loop is None else before + trellis.no_loop[:n]
        total.copy_(stayed)
        for number, offset in enumerate(trellis.offsets):
            moved = before.view(-1)[:-offset] + trellis.shifts[number, :n].view(-1)[offset:]
            own = total.view(-1)[offset:]
            torch.logaddexp(own, moved, out=own)
        if trellis.targets.shape[1]:
            targets = trellis.targets[:n]
            arrived = torch.logaddexp(total.gather(1, targets), _arrivals(trellis, before, n).logsumexp(dim=0))
            total.scatter_(1, targets, arrived)
        total += trellis.emissions[t, :n]
        taken[t] = taken[t - 1]
        if t % RESCALED == 0:
            largest = total.amax(dim=1, keepdim=True)
            total -= largest
            taken[t, :n] += largest[:, 0]
    last, rows = torch.from_numpy(trellis.lengths - 1), torch.arange(len(trellis.lengths))
    sums = (every[last, rows] + trellis.log_end).double().logsumexp(dim=1) + taken[-1]
    return every, taken, sums


def totals(trellis: Trellis) -> torch.Tensor:
    """Log likelihoods (B,) float64 of whole utterances, in the order in which they were given."""
    return forward(trellis)[2][torch.from_numpy(trellis.back())]


def _backward(trellis: Trellis) -> torch.Tensor:
    """Log probabilities (T, B, S) of the frames behind each, given its state, less anything of a frame of a row."""
    every = torch.zeros_like(trellis.emissions)
    rows = torch.arange(len(trellis.lengths))
    every[torch.from_numpy(trellis.lengths - 1), rows] = trellis.log_end
    no_arc = torch.full_like(trellis.log_end[:, :1], NEVER)
    running = trellis.running()
    for t in range(len(running) - 2, -1, -1):
        n = running[t + 1]
        behind = every[t + 1, :n] + trellis.emissions[t + 1, :n]
        total = every[t, :n]
        stayed = behind if trellis.no_loop is None else behind + trellis.no_loop[:n]
        total.copy_(stayed)
        for number, offset in enumerate(trellis.offsets):
            moved = behind.view(-1)[offset:] + trellis.shifts[number, :n].view(-1)[offset:]
            own = total.view(-1)[:-offset]
            torch.logaddexp(own, moved, out=own)
        if trellis.targets.shape[1]:
            by_arc = behind.gather(1, trellis.targets[:n]) + trellis.log_arcs[:, :n]  # (A, n, E)
            by_arc = torch.cat([by_arc.transpose(0, 1).flatten(1), no_arc[:n]], dim=1)
            outgoing, exits = trellis.outgoing[:, :n], trellis.exits[:n]
            left = by_arc.expand(len(outgoing), *by_arc.shape).gather(2, outgoing).logsumexp(dim=0)
            total.scatter_(1, exits, torch.logaddexp(total.gather(1, exits), left))
        if t % RESCALED == 0:
            total -= total.amax(dim=1, keepdim=True)
    return every


def posteriors(trellis: Trellis) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Forward-backward: all in the order in which the utterances were given.

    Returns:
        posteriors of states (T, B, S), of staying in each state (B, S), summed over frames; and log likelihoods (B,).
    """
    alpha, taken, found = forward(trellis)
    gamma = torch.softmax(alpha + _backward(trellis), dim=2)
    ended = torch.arange(len(alpha))[:, None] >= torch.from_numpy(trellis.lengths)[None, :]
    gamma[ended.to(gamma.device)] = 0
    # of those that are in a state at t + 1, the share that was in it at t
    change = (taken[1:] - taken[:-1]).to(alpha.dtype)[:, :, None]
    arrived = alpha[:-1] + trellis.emissions[1:] - change - alpha[1:]
    if trellis.no_loop is not None:
        arrived += trellis.no_loop
    stays = (arrived.clamp_(max=0).exp_() * gamma[1:]).sum(dim=0)
    back = torch.from_numpy(trellis.back()).to(gamma.device)
    return gamma[:, back], stays[back], found[back]
