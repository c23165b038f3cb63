"""Random walks on a graph in parts, each of which holds its own rows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import CSR
from sklearn_manifold_reg.graph._laplacian import as_csr
from sklearn_manifold_reg.graph._random_walks import (
    RandomWalks,
    WalkFeatures,
    needs_sums,
    positive_csr,
    random_walks,
)
from sklearn_manifold_reg.graph._random_walks_reference import Queue, Visits, advance
from sklearn_manifold_reg.graph._random_walks_rows import (
    Sources,
    number_columns,
    rows_of_visits,
    stack_rows,
    start_queue,
)
from sklearn_manifold_reg.graph._random_walks_tables import (
    WalkTables,
    has_equal_weights,
    walk_tables,
)
from sklearn_manifold_reg.utils._numba import use_compiled


@dataclass(frozen=True, eq=False)
class WalkPart:
    """Rows of a graph that walks run on.

    Attributes
    ----------
    nodes : ndarray of shape (n_rows,)
        Nodes of the part, ascending.
    names : ndarray of shape (n_rows + n_others,)
        The nodes, and after them their neighbors in other parts.
    tables : WalkTables
        Rows, with neighbors given by their places in `names`.
    """

    nodes: np.ndarray
    names: np.ndarray
    tables: WalkTables

    def advance(
        self, queue: Queue, coefficients: np.ndarray, rules: tuple
    ) -> tuple[Queue, Visits]:
        """Run walks until they halt or leave; repelling ones take one step.

        Parameters
        ----------
        queue : Queue
            Walks at nodes of this part.
        coefficients : ndarray of shape (n_terms,)
            See `Sources`.
        rules : tuple
            See `Sources`.

        Returns
        -------
        queue : Queue
            Walks that go on elsewhere, or here at the next step.
        visits : Visits
            What walks left at nodes, of this part or next to it.
        """
        place = np.searchsorted(self.nodes, queue.place)
        queue = queue._replace(place=place)
        repelling = rules[2] == 2
        if repelling:
            order = np.lexsort((queue.walk, place, queue.source))
            queue = Queue(*(part[order] for part in queue))
        graph = tuple(self.tables)
        if not use_compiled():
            keys = queue.source.astype(np.uint64)
            n_own, steps = len(self.nodes), 1 if repelling else None
            queue, visits = advance(
                graph, self.names, n_own, queue, keys, coefficients, rules, steps
            )
            return queue._replace(place=self.names[queue.place]), visits
        from sklearn_manifold_reg.graph._random_walks_numba import advance_walks

        status = np.empty(len(place), dtype=np.bool_)
        state = Queue(*(np.array(part) for part in queue))
        columns = [np.empty(1024, dtype=np.int64) for _ in range(4)]
        found, count = advance_walks(
            graph, self.names, len(self.nodes), (*state, status), coefficients, rules,
            (*columns, np.empty(1024)),
        )  # fmt: skip
        left = Queue(*(part[status] for part in state))
        visits = Visits(*(part[:count] for part in found))
        return left._replace(place=self.names[left.place]), visits


def walk_part(
    rows: CSR, nodes: Any, *, transition: str, coupling: str, equal: bool
) -> WalkPart:
    """Prepare rows of a graph for walks.

    Parameters
    ----------
    rows : CSR of shape (n_rows, n)
        Rows of the affinity.
    nodes : integer array of shape (n_rows,)
        Their numbers, ascending.
    transition : {"uniform", "weighted"}
        How the next node is drawn.
    coupling : {"iid", "antithetic", "repelling"}
        How the walks of one source depend on each other.
    equal : bool
        Whether all weights of the graph are equal.

    Returns
    -------
    part : WalkPart
        Part. Neighbors keep their order, which the draws depend on.
    """
    nodes = np.asarray(nodes, dtype=np.int64)
    used = np.unique(rows.indices).astype(np.int64)
    names = np.concatenate([nodes, np.setdiff1d(used, nodes, assume_unique=True)])
    place = np.argsort(names, kind="stable").astype(np.int32)
    local = place[np.searchsorted(names[place], rows.indices)]
    csr = CSR(rows.indptr, local, rows.data, (len(nodes), len(names)))
    sums = needs_sums(coupling)
    return WalkPart(nodes, names, walk_tables(csr, transition, equal=equal, sums=sums))


def partition_walks(
    affinity: Any,
    parts: Any,
    modulation: Any,
    *,
    walks: RandomWalks | None = None,
    columns: Any = None,
    right: Any = None,
    isolated: float | None = None,
    client: Any = None,
    **options: Any,
) -> WalkFeatures:
    """Compute features by random walks from parts of a graph.

    Each part holds its own rows only, and runs the walks that are at its nodes. A walk
    that leaves a part is queued, as (source, node, walk, step, load), for the part that
    it comes to. Parts run in turns, until no walk is left.

    Parameters
    ----------
    affinity : sparse array or matrix, CSR or Graph of shape (n, n)
        Symmetric, non-negative weights.
    parts : integer array of shape (n,)
        Part of each node. Few edges between parts make few walks that are handed on.
    modulation : array-like of shape (n_terms,)
        Coefficients of the series, see `RandomWalks.features`.
    walks : RandomWalks, default=None
        What `random_walks` made of the affinity; by default it is called with
        `options`.
    columns : integer array of shape (n_columns,), default=None
        See `RandomWalks.features`.
    right : ndarray of shape (n_columns, n_outputs), default=None
        See `RandomWalks.features`.
    isolated : float, default=None
        See `RandomWalks.features`.
    client : dask.distributed.Client, default=None
        Cluster whose workers hold the parts: each turn is one task a part, and walks
        go from worker to worker. By default all parts are in this process.
    **options : dict
        Parameters of `random_walks`.

    Returns
    -------
    features : WalkFeatures
        Equal to the bit to those of the whole graph.

    Raises
    ------
    ValueError
        If walks are "reinforced": each depends on all earlier ones of its source, which
        are in other parts. If `parts` does not have a part for each node.

    See Also
    --------
    random_walks : Walks on a whole graph.

    Notes
    -----
    All deposits are kept until the end, by the part of their source, and put in order:
    40 bytes a step. The number of turns is the largest number of times that a walk
    changes parts; that of tasks is O(n_parts²) a turn, as each part sends to each.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> from sklearn_manifold_reg.graph import partition_walks, random_walks
    >>> W = csr_array([[0, 1.0, 0], [1, 0, 2], [0, 2, 0]])
    >>> whole = random_walks(W, random_state=0).features([1, 0.5, 0.25])
    >>> parts = partition_walks(W, [0, 1, 0], [1, 0.5, 0.25], random_state=0)
    >>> bool((whole.matrix != parts.matrix).nnz)
    False
    """
    walks = random_walks(affinity, **options) if walks is None else walks
    if walks.coupling == "reinforced":
        raise ValueError(
            'coupling="reinforced" needs all earlier walks of a source in one place; '
            'choose "iid", "antithetic" or "repelling" for a graph in parts.'
        )
    n = walks.n_nodes
    parts = np.asarray(parts)
    if parts.shape != (n,):
        raise ValueError(
            f"parts has one number for each of the {n} nodes, got shape {parts.shape}."
        )
    kinds, owner = np.unique(parts, return_inverse=True)
    held = _cut(positive_csr(as_csr(affinity)), owner, len(kinds), walks)
    sources = walks.sources(modulation, isolated=isolated)
    column_of, n_columns = number_columns(columns, n), n
    if columns is not None:
        n_columns = len(columns)
    places = _Here() if client is None else _Workers(client)
    blocks = _run(held, owner, sources, column_of, places)
    dtype = walks.dtype if right is None else right.dtype
    matrix, n_steps = stack_rows(blocks, (n, n_columns), dtype)
    # Rows came part by part.
    matrix = matrix[np.argsort(np.concatenate([part.nodes for part in held]))]
    if right is None:
        return WalkFeatures(matrix, n_steps)
    product = CSR.from_scipy(matrix).matmat(right)
    return WalkFeatures(product.astype(walks.dtype, copy=False), n_steps)


class _Here:
    """Tasks done at once, in this process."""

    def send(self, data: Any, _part: int) -> Any:
        return data

    def share(self, data: Any) -> Any:
        return data

    def submit(self, _part: int, function: Callable, *arguments: Any) -> Any:
        return function(*arguments)

    def gather(self, results: list) -> list:
        return results


class _Workers:
    """Tasks done by the workers of a cluster, those of a part by the same one."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._names = sorted(client.scheduler_info(n_workers=-1)["workers"])

    def _name(self, part: int) -> str:
        return self._names[part % len(self._names)]

    def send(self, data: Any, part: int) -> Any:
        # By name, and in a list, which would otherwise be sent item by item.
        return self._client.scatter([data], workers=[self._name(part)], hash=False)[0]

    def share(self, data: Any) -> Any:
        return self._client.scatter([data], broadcast=True, hash=False)[0]

    def submit(self, part: int, function: Callable, *arguments: Any) -> Any:
        return self._client.submit(
            function, *arguments, workers=[self._name(part)], pure=False
        )

    def gather(self, results: list) -> list:
        return self._client.gather(results)


def _cut(
    csr: CSR, owner: np.ndarray, n_parts: int, walks: RandomWalks
) -> list[WalkPart]:
    matrix = csr.to_scipy()
    equal = has_equal_weights(csr)
    members = [np.nonzero(owner == part)[0] for part in range(n_parts)]
    return [
        walk_part(
            CSR.from_scipy(matrix[nodes]),
            nodes,
            transition=walks.transition,
            coupling=walks.coupling,
            equal=equal,
        )
        for nodes in members
    ]


def _run(
    parts: list[WalkPart],
    owner: np.ndarray,
    sources: Sources,
    column_of: np.ndarray,
    places: Any,
) -> list[tuple]:
    """Let parts run in turns, and hand walks on, until all have halted."""
    n_parts = len(parts)
    coefficients, rules = sources.coefficients, sources.rules
    everyone = range(n_parts)
    held = [places.send(part, p) for p, part in enumerate(parts)]
    owners = places.share(owner)
    columns = places.share((sources.inverse_roots, column_of))
    queues = {p: places.submit(p, _first_queue, held[p], rules[0]) for p in everyone}
    # Visits by the part of their source, which sums them in the end.
    found: list[list] = [[] for _ in everyone]
    moving = list(everyone)
    while moving:
        turns = {
            p: places.submit(p, _take_turn, held[p], queues[p], owners, n_parts,
                             coefficients, rules)
            for p in moving
        }  # fmt: skip
        sent = places.gather([places.submit(p, _sizes, turns[p]) for p in moving])
        arrived = np.array([sizes for sizes, _ in sent]) > 0
        visited = np.array([sizes for _, sizes in sent]) > 0
        for to in everyone:
            found[to] += [
                places.submit(p, _take_visits, turns[p], to)
                for p, any_visits in zip(moving, visited[:, to], strict=True)
                if any_visits
            ]
        receivers = [to for to in everyone if arrived[:, to].any()]
        queues = {
            to: places.submit(to, _join_queues, *(
                places.submit(p, _take_queue, turns[p], to)
                for p, any_walks in zip(moving, arrived[:, to], strict=True)
                if any_walks
            ))
            for to in receivers
        }  # fmt: skip
        moving = receivers
    start = sources.starts()
    return places.gather(
        [
            places.submit(p, _sum_visits, part.nodes, start[part.nodes],
                          sources.scales[part.nodes], columns, *found[p])
            for p, part in enumerate(parts)
        ]
    )  # fmt: skip


def _first_queue(part: WalkPart, n_walks: int) -> Queue:
    linked = np.diff(part.tables.indptr) > 0
    return start_queue(part.nodes[linked], n_walks)


def _take_turn(
    part: WalkPart,
    queue: Queue,
    owner: np.ndarray,
    n_parts: int,
    coefficients: np.ndarray,
    rules: tuple,
) -> tuple[list[Queue], list[Visits]]:
    """Run the walks at a part; split what comes of it by who gets it."""
    left, visits = part.advance(queue, coefficients, rules)
    to, home = owner[left.place], owner[visits.source]
    return (
        [Queue(*(a[to == p] for a in left)) for p in range(n_parts)],
        [Visits(*(a[home == p] for a in visits)) for p in range(n_parts)],
    )


def _sizes(turn: tuple[list[Queue], list[Visits]]) -> tuple[list[int], list[int]]:
    queues, visits = turn
    return [len(q.source) for q in queues], [len(v.source) for v in visits]


def _take_queue(turn: tuple[list[Queue], list[Visits]], part: int) -> Queue:
    return turn[0][part]


def _take_visits(turn: tuple[list[Queue], list[Visits]], part: int) -> Visits:
    return turn[1][part]


def _join_queues(*queues: Queue) -> Queue:
    return Queue(*(np.concatenate(arrays) for arrays in zip(*queues, strict=True)))


def _sum_visits(
    nodes: np.ndarray,
    start: np.ndarray,
    scales: np.ndarray,
    columns: tuple,
    *found: Visits,
) -> tuple[np.ndarray, list, int]:
    """Sum what walks from the nodes of a part have left."""
    nothing = np.empty(0, dtype=np.int64)
    visits = Visits(nothing, nothing, nothing, nothing, np.empty(0))
    if found:
        visits = Visits(*(np.concatenate(a) for a in zip(*found, strict=True)))
    visits = visits._replace(source=np.searchsorted(nodes, visits.source))
    return rows_of_visits(visits, nodes, start, scales, *columns)
