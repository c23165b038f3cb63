"""What the compiled random walks do, in NumPy."""

import math
from typing import Any, NamedTuple

import numpy as np

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_WORD = np.uint64(32)
_LOW_WORD = np.uint64((1 << 32) - 1)
_HALF = np.uint64(1 << 63)


class Queue(NamedTuple):
    """Walks on their way: arrays of one length."""

    source: np.ndarray
    place: np.ndarray
    walk: np.ndarray
    step: np.ndarray
    load: np.ndarray


class Visits(NamedTuple):
    """Deposits of walks: arrays of one length."""

    source: np.ndarray
    node: np.ndarray
    walk: np.ndarray
    step: np.ndarray
    deposit: np.ndarray


def mix(z: np.ndarray) -> np.ndarray:
    """Scramble 64 bits (the finalizer of splitmix64)."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def draw(key: np.ndarray, counter: Any) -> np.ndarray:
    """Uniform numbers of 64 bits."""
    counter = np.asarray(counter).astype(np.uint64)
    # Arrays wrap around, as they have to; scalars would warn.
    return mix(np.atleast_1d(key) + (np.atleast_1d(counter) + np.uint64(1)) * _GOLDEN)


def subkey(key: np.ndarray, number: Any) -> np.ndarray:
    """Keys below keys: of sources below the seed, of walks below sources."""
    return mix(draw(key, number))


def advance(
    graph: tuple,
    names: np.ndarray,
    n_own: int,
    queue: Queue,
    keys: np.ndarray,
    coefficients: np.ndarray,
    rules: tuple,
    max_steps: int | None = None,
    origins: np.ndarray | None = None,
) -> tuple[Queue, Visits]:
    """Run queued walks until they halt or leave, or for `max_steps` steps.

    Parameters
    ----------
    graph : tuple of arrays
        `WalkTables`.
    names : integer ndarray
        Numbers of the nodes in the whole graph; repelling walks are known by them.
    n_own : int
        Nodes from this number on have no rows here.
    queue : Queue
        Walks, with steps all equal if they repel each other.
    keys : uint64 ndarray of the length of the queue
        What random numbers of the sources depend on.
    coefficients, rules : ndarray, tuple
        As for the kernels.
    max_steps : int, default=None
        Largest number of steps.
    origins : integer ndarray, default=None
        Numbers of the nodes that walks are at, where those are not `names`.

    Returns
    -------
    queue : Queue
        Walks that left, or that have taken their steps.
    visits : Visits
        By the numbers of the whole graph.
    """
    _, halt, coupling, seed = rules
    source_keys = subkey(np.atleast_1d(seed), keys)
    origins = names if origins is None else origins
    done, visits = [], []
    for _ in range(max_steps or len(coefficients)):
        source, place, walk, step, load = queue
        on = step < len(coefficients) - 1
        pair = walk - walk % 2 if coupling == 1 else walk
        number = draw(subkey(source_keys, pair), 2 * step)
        number = number + np.where((coupling == 1) & (walk % 2 == 1), _HALF, 0)
        if coupling == 2:
            number = _repelling_numbers(queue, source_keys, origins, 2 * step)
        on &= number >= halt
        queue = Queue(*(part[on] for part in queue))
        source, place, walk, step, load = queue
        source_keys = source_keys[on]
        if coupling == 2:
            number = _repelling_numbers(queue, source_keys, origins, 2 * step + 1)
        else:
            number = draw(subkey(source_keys, walk), 2 * step + 1)
        entry, place = _pick(number, graph, place)
        if len(graph[4]):
            load = load * graph[4][entry]
        queue = Queue(source, place, walk, step + 1, load)
        deposit = coefficients[step + 1] * load
        visits.append(Visits(source, names[place], walk, step + 1, deposit))
        left = place >= n_own
        done.append(Queue(*(part[left] for part in queue)))
        queue = Queue(*(part[~left] for part in queue))
        source_keys = source_keys[~left]
        if not len(queue.source):
            break
    done.append(queue if max_steps else Queue(*(part[:0] for part in queue)))
    left = Queue(*(np.concatenate(parts) for parts in zip(*done, strict=True)))
    return left, Visits(*(np.concatenate(p) for p in zip(*visits, strict=True)))


def reinforced_visits(
    graph: tuple,
    first: tuple,
    keys: np.ndarray,
    coefficients: np.ndarray,
    rules: tuple,
) -> Visits:
    """Run walks that keep away from edges that the source's earlier walks used.

    Parameters
    ----------
    graph, first : tuple of arrays
        `WalkTables` of the graph, and of the rows of sources.
    keys : uint64 ndarray of shape (n_sources,)
        What random numbers of the sources depend on.
    coefficients, rules : ndarray, tuple
        As for the kernels.

    Returns
    -------
    visits : Visits
        Of all walks.
    """
    n_walks, halt, _, seed = rules
    source_keys = subkey(np.atleast_1d(seed), keys)
    found = []
    for i, source_key in enumerate(source_keys):
        if first[0][i + 1] == first[0][i]:
            continue
        all_uses: tuple[dict, dict] = ({}, {})
        for w in range(n_walks):
            key = subkey(source_key, w)
            u, load, path = i, 1.0, []
            for step in range(len(coefficients) - 1):
                if draw(key, 2 * step)[0] < halt:
                    break
                here, uses = (first, all_uses[0]) if step == 0 else (graph, all_uses[1])
                row = np.arange(here[0][u], here[0][u + 1])
                used = np.array([1 + uses.get(e, 0) for e in row])
                weights = _shares(here, row) / used
                # Sums from left to right, as in the kernel.
                total = np.cumsum(weights)[-1]
                left = total * (
                    int(draw(key, 2 * step + 1)[0] >> np.uint64(11)) / 2**53
                )
                rest = np.cumsum(np.concatenate([[left], -weights]))[1:]
                beyond = (rest < 0) & (weights > 0)
                slot = np.argmax(beyond) if beyond.any() else np.nonzero(weights)[0][-1]
                load *= total * used[slot]
                if len(here[4]):
                    load *= here[4][row[slot]]
                u = int(here[1][row[slot]])
                path.append((uses, row[slot]))
                found.append((i, u, w, step + 1, coefficients[step + 1] * load))
            for uses, entry in path:
                uses[entry] = uses.get(entry, 0) + 1
    columns = list(zip(*found, strict=True)) or [()] * 5
    kinds = (np.int64, np.int64, np.int64, np.int64, np.float64)
    return Visits(*(np.array(c, dtype=k) for c, k in zip(columns, kinds, strict=True)))


def _pick(number: np.ndarray, graph: tuple, place: np.ndarray) -> tuple:
    """Entries that uniform numbers fall on, and their nodes."""
    indptr, indices, cumulative, alias, _ = graph
    begin = indptr[place].astype(np.int64)
    degree = indptr[place + 1] - begin
    if len(cumulative):
        share = (number >> np.uint64(11)).astype(np.float64) * 2.0**-53
        while np.any(degree > 1):
            half = degree // 2
            probe = cumulative[begin + np.maximum(half - 1, 0)]
            begin += np.where((degree > 1) & (probe <= share), half, 0)
            degree = np.where(degree > 1, degree - half, degree)
        return begin, indices[begin]
    width = degree.astype(np.uint64)
    low = ((number & _LOW_WORD) * width) >> _WORD
    product = (number >> _WORD) * width + low
    entry = begin + (product >> _WORD).astype(np.int64)
    node = indices[entry]
    if len(alias):
        pair = alias[entry]
        other = (pair & _LOW_WORD).astype(indices.dtype)
        node = np.where((product & _LOW_WORD) >= (pair >> _WORD), other, node)
    return entry, node


def _repelling_numbers(
    queue: Queue, source_keys: np.ndarray, origins: np.ndarray, counter: np.ndarray
) -> np.ndarray:
    """Equally spaced numbers for walks of one source at one node."""
    source, place, walk, _, _ = queue
    order = np.lexsort((walk, place, source))
    changed = (np.diff(source[order]) != 0) | (np.diff(place[order]) != 0)
    starts = np.concatenate([[0], np.nonzero(changed)[0] + 1])[: len(order)]
    lengths = np.diff(np.concatenate([starts, [len(order)]]))
    ranks = np.empty(len(order), dtype=np.int64)
    sizes = np.empty(len(order), dtype=np.int64)
    ranks[order] = np.arange(len(order)) - np.repeat(starts, lengths)
    sizes[order] = np.repeat(lengths, lengths)
    key = subkey(subkey(source_keys, ~origins[place].astype(np.uint64)), counter)
    spacing = ~np.uint64(0) // np.maximum(sizes, 1).astype(np.uint64)
    strides = {size: _stride(size) for size in np.unique(sizes).tolist()}
    slots = ranks * np.array([strides[size] for size in sizes.tolist()], dtype=np.int64)
    return key + (slots % np.maximum(sizes, 1)).astype(np.uint64) * spacing


def _stride(size: int) -> int:
    """Find a number near the golden section of a size, and prime to it."""
    stride = max(1, int(size * 0.6180339887498949))
    while math.gcd(stride, size) > 1:
        stride += 1
    return stride


def _shares(graph: tuple, row: np.ndarray) -> np.ndarray:
    if not len(graph[2]):
        return np.full(len(row), 1.0 / len(row))
    return np.diff(np.minimum(graph[2][row], 1.0), prepend=0.0)
