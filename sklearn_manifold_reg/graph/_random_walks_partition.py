"""Random walks on a graph in parts, each of which holds its own rows."""

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
    labels: Any,
    modulation: Any,
    *,
    isolated: float | None = None,
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
    labels : integer array of shape (n,)
        Part of each node.
    modulation : array-like of shape (n_terms,)
        Coefficients of the series, see `RandomWalks.features`.
    isolated : float, default=None
        See `RandomWalks.features`.
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
        are in other parts.

    See Also
    --------
    random_walks : Walks on a whole graph.

    Notes
    -----
    All deposits are kept until the end, and put in order: 40 bytes a step.

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
    walks = random_walks(affinity, **options)
    if walks.coupling == "reinforced":
        raise ValueError(
            'coupling="reinforced" needs all earlier walks of a source in one place; '
            'choose "iid", "antithetic" or "repelling" for a graph in parts.'
        )
    labels = np.asarray(labels)
    if labels.shape != (walks.n_nodes,):
        raise ValueError(
            f"labels has one part for each of the {walks.n_nodes} nodes, got shape "
            f"{labels.shape}."
        )
    kinds, owner = np.unique(labels, return_inverse=True)
    parts = _cut(positive_csr(as_csr(affinity)), owner, len(kinds), walks)
    sources = walks.sources(modulation, isolated=isolated)
    visits = _run(parts, owner, sources)
    block = rows_of_visits(visits, sources, np.empty(0, dtype=np.int32))
    shape = (walks.n_nodes, walks.n_nodes)
    return WalkFeatures(*stack_rows([block], shape, walks.dtype))


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


def _run(parts: list[WalkPart], owner: np.ndarray, sources: Sources) -> Visits:
    """Let parts run in turns, and hand walks on, until all have halted."""
    degrees = [np.diff(part.tables.indptr) for part in parts]
    linked = [p.nodes[d > 0] for p, d in zip(parts, degrees, strict=True)]
    queues = [start_queue(nodes, sources.rules[0]) for nodes in linked]
    found = []
    while any(len(queue.source) for queue in queues):
        leaving = []
        for part, queue in zip(parts, queues, strict=True):
            if len(queue.source):
                left, visits = part.advance(queue, sources.coefficients, sources.rules)
                leaving.append(left)
                found.append(visits)
        moved = Queue(*(np.concatenate(a) for a in zip(*leaving, strict=True)))
        to = owner[moved.place]
        queues = [Queue(*(a[to == p] for a in moved)) for p in range(len(parts))]
    if not found:
        nothing = np.empty(0, dtype=np.int64)
        return Visits(nothing, nothing, nothing, nothing, np.empty(0))
    return Visits(*(np.concatenate(arrays) for arrays in zip(*found, strict=True)))
