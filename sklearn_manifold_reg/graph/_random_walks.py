"""Random walks that estimate power series of a normalized graph."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from sklearn_manifold_reg._arrays import CSR
from sklearn_manifold_reg.graph._laplacian import as_csr
from sklearn_manifold_reg.graph._random_walks_reference import mix
from sklearn_manifold_reg.graph._random_walks_rows import (
    Sources,
    average_products,
    multiply_rows,
    stack_rows,
    write_rows,
)
from sklearn_manifold_reg.graph._random_walks_tables import (
    WalkTables,
    has_equal_weights,
    walk_tables,
)

COUPLINGS = ("iid", "antithetic", "repelling", "reinforced")
TRANSITIONS = ("auto", "uniform", "weighted")

# A walk has a chance of 2^-64 to come farther than its horizon.
_NEVER = 64
_POWER_STEPS = 100


@dataclass(frozen=True, eq=False)
class WalkFeatures:
    """Features of nodes by random walks.

    Attributes
    ----------
    matrix : csr_array or ndarray of shape (n_sources, n_columns)
        One row a source; dense after a multiplication from the right.
    n_steps : int
        Steps that all walks took together.
    """

    matrix: Any
    n_steps: int


@dataclass(frozen=True, eq=False)
class WalkProduct:
    """Product with a block of vectors, estimated by random walks.

    Attributes
    ----------
    values : ndarray of shape (n,) or (n, n_outputs)
        Means over walks.
    standard_errors : ndarray of the shape of `values`
        Their standard errors; NaN of a single walk or pair.
    n_steps : int
        Steps that all walks took together.
    """

    values: np.ndarray
    standard_errors: np.ndarray
    n_steps: int


@dataclass(frozen=True, eq=False)
class RandomWalks:
    """Random walks on a graph, ready to run; made by `random_walks`.

    Attributes
    ----------
    tables : WalkTables
        The graph, as walks use it.
    roots : ndarray of shape (n,)
        Square roots of the degrees.
    n_walks : int
        Walks from each source.
    p_halt : float
        Chance to halt before each step.
    coupling : {"iid", "antithetic", "repelling", "reinforced"}
        How the walks of one source depend on each other.
    transition : {"uniform", "weighted"}
        How the next node is drawn.
    seed : int
        Seed of all random numbers.
    dtype : dtype
        Dtype of features, that of the weights.
    """

    tables: WalkTables
    roots: np.ndarray
    n_walks: int
    p_halt: float
    coupling: str
    transition: str
    seed: int
    dtype: Any

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.roots)

    @property
    def horizon(self) -> int:
        """Number of steps that no walk takes, up to a chance of 2^-64 each."""
        return math.ceil(_NEVER * math.log(2) / -math.log1p(-self.p_halt))

    def features(
        self,
        modulation: Any,
        *,
        affinity: Any = None,
        columns: Any = None,
        right: Any = None,
        isolated: float | None = None,
        n_jobs: int | None = None,
    ) -> WalkFeatures:
        """Run the walks, and sum what they leave at the nodes.

        Row i is an unbiased estimate of row i of sum_t f_t A^t, with
        A = D^-1/2 W D^-1/2.

        Parameters
        ----------
        modulation : array-like of shape (n_terms,)
            Coefficients f of the series.
        affinity : sparse array or CSR of shape (n_sources, n), default=None
            Weights of edges from new nodes to those of the graph; no edge leads back,
            and those to nodes without edges are left out. The walks then start at the
            new nodes, which have no column: `modulation` has to begin with 0. By
            default the sources are the nodes of the graph.
        columns : integer array of shape (n_columns,), default=None
            Nodes to keep, ascending; all by default.
        right : ndarray of shape (n_columns, n_outputs), default=None
            Matrix that the features are multiplied by as they come.
        isolated : float, default=None
            What a node without edges has at itself; the first coefficient by default.
        n_jobs : int or None, default=None
            Threads. The result does not depend on them.

        Returns
        -------
        features : WalkFeatures
            Sums are taken in float64, walk by walk and step by step.

        Raises
        ------
        ValueError
            If walks of new nodes are to leave something at their start.
        """
        sources = self.sources(modulation, affinity, isolated=isolated, n_jobs=n_jobs)
        if columns is not None:
            columns = np.asarray(columns)
        n_columns = self.n_nodes if columns is None else len(columns)
        blocks = write_rows(sources, columns, n_jobs)
        shape = (len(sources), n_columns)
        if right is None:
            return WalkFeatures(*stack_rows(blocks, shape, self.dtype))
        return WalkFeatures(*multiply_rows(blocks, right, len(sources), self.dtype))

    def apply(
        self, modulation: Any, B: Any, *, n_jobs: int | None = None
    ) -> WalkProduct:
        """Estimate (sum_t f_t A^t) B without storing features.

        Parameters
        ----------
        modulation : array-like of shape (n_terms,)
            Coefficients f of the series.
        B : array-like of shape (n,) or (n, n_outputs)
            Vector or block.
        n_jobs : int or None, default=None
            Threads. The result does not depend on them.

        Returns
        -------
        product : WalkProduct
            Unbiased, in float64. Standard errors take walks for independent,
            antithetic ones two by two. Of reinforced walks, whose deviations are
            uncorrelated, that is right; repelling walks usually do better.

        Raises
        ------
        ValueError
            If B does not have a row for each node.
        """
        B = np.asarray(B, dtype=np.float64)
        if B.ndim not in (1, 2) or len(B) != self.n_nodes:
            raise ValueError(
                f"B has a row for each of the {self.n_nodes} nodes and one or two "
                f"dimensions, got shape {B.shape}."
            )
        sources = self.sources(modulation, n_jobs=n_jobs)
        block = B.reshape(self.n_nodes, -1)
        means = sources.coefficients[0] * block
        scaled = block * sources.inverse_roots[:, None]
        errors, n_steps = average_products(sources, scaled, means, n_jobs)
        return WalkProduct(means.reshape(B.shape), errors.reshape(B.shape), n_steps)

    def second_moment(self) -> float:
        """Give the growth of the second moment of loads with each step.

        Returns
        -------
        growth : float
            Spectral radius of the matrix of A_uv² / ((1 - p) q_uv), where q_uv is the
            chance to go from u to v. A series has a finite variance if the sum of
            f_t² growth^t is finite. For reinforced walks, that of their rule of
            transition.
        """
        indptr, indices, _, _, ratios = self.tables
        growth = 1.0
        if len(ratios):
            # Uniform transition, q = 1 / k: similar to a symmetric matrix, whose norms
            # approach the radius from below.
            counts = np.diff(indptr)
            rows = np.repeat(np.arange(self.n_nodes), counts)
            count = counts.astype(np.float64)
            inverse = _inverse(self.roots)
            squares = (ratios * self.roots[rows] * inverse[indices] / count[rows]) ** 2
            values = squares * np.sqrt(count[rows] * count[indices])
            matrix = CSR(indptr, indices, values, (self.n_nodes, self.n_nodes))
            v = self.roots / np.linalg.norm(self.roots)
            for _ in range(_POWER_STEPS):
                v = matrix.matmat(v)
                growth = float(np.linalg.norm(v))
                v /= growth
        return growth / (1 - self.p_halt)

    def sources(
        self,
        modulation: Any,
        affinity: Any = None,
        *,
        isolated: float | None = None,
        n_jobs: int | None = None,
    ) -> Sources:
        """Tell where walks start and what they leave; see `features`.

        Parameters
        ----------
        modulation : array-like of shape (n_terms,)
            Coefficients of the series.
        affinity : sparse array or CSR of shape (n_sources, n), default=None
            Edges of new nodes.
        isolated : float, default=None
            What a node without edges has at itself.
        n_jobs : int or None, default=None
            Threads that tables of weights are made with.

        Returns
        -------
        sources : Sources
            For the functions that run walks.
        """
        coefficients = np.asarray(modulation, dtype=np.float64)[: self.horizon + 1]
        # Divided by the chance to come so far.
        steps = np.arange(len(coefficients))
        coefficients = coefficients * np.exp(-math.log1p(-self.p_halt) * steps)
        own = float(coefficients[0]) * self.n_walks
        if isolated is not None:
            own = float(isolated) * self.n_walks
        first, roots = self.tables, self.roots
        keys = np.arange(self.n_nodes, dtype=np.uint64)
        if affinity is not None:
            if coefficients[0] != 0:
                raise ValueError(
                    "New nodes have no column that their walks could start with; "
                    f"modulation has to begin with 0, got {coefficients[0]:.3g}."
                )
            csr = _without_columns(positive_csr(affinity), self.roots == 0)
            first = self._new_tables(csr, n_jobs)
            roots, keys, own = _roots(csr), _row_hashes(csr), 0.0
        halt = np.uint64(int(self.p_halt * 2**64))
        coupling = COUPLINGS.index(self.coupling)
        rules = (self.n_walks, halt, coupling, np.uint64(self.seed))
        return Sources(
            self.tables,
            first,
            keys,
            coefficients,
            rules,
            np.where(roots > 0, roots, 1.0) / self.n_walks,
            _inverse(self.roots),
            own,
        )

    def _new_tables(self, csr: CSR, n_jobs: int | None) -> WalkTables:
        return walk_tables(
            csr,
            self.transition,
            equal=has_equal_weights(csr),
            sums=needs_sums(self.coupling),
            n_jobs=n_jobs,
        )


def random_walks(
    affinity: Any,
    *,
    n_walks: int = 16,
    p_halt: float = 0.1,
    coupling: str = "iid",
    transition: str = "auto",
    random_state: Any = None,
    n_jobs: int | None = None,
) -> RandomWalks:
    """Prepare random walks on a graph.

    A walk carries a load of 1. Before each step it halts with probability p; else it
    goes from node u to a neighbor v, chosen with probability q_uv, and its load is
    multiplied by A_uv / ((1 - p) q_uv), with A = D^-1/2 W D^-1/2. The expected load at
    v after t steps from i is then the entry (i, v) of A^t.

    Parameters
    ----------
    affinity : sparse array or matrix, CSR or Graph of shape (n, n)
        Symmetric, non-negative weights. Of a graph on a device they are copied to the
        host, where walks run.
    n_walks : int, default=16
        Walks from each node.
    p_halt : float, default=0.1
        Chance to halt before each step: walks take 1 / p - 1 steps on average.
    coupling : {"iid", "antithetic", "repelling", "reinforced"}, default="iid"
        How the walks of one source depend on each other; each by itself is the same
        Markov chain, except for "reinforced".

        - "iid": not at all;
        - "antithetic": walks 2k and 2k + 1 halt by numbers that are 1/2 apart, so that
          they do not halt at the same time if p <= 1/2 [1]_;
        - "repelling": walks that are at one node at the same step halt and move by
          equally spaced numbers. They go to different neighbors, as far as these
          suffice, as in [2]_, and about a share `p_halt` of them halts;
        - "reinforced": neighbors are drawn with weights q_uv / (1 + uses of the edge by
          earlier walks).
    transition : {"auto", "uniform", "weighted"}, default="auto"
        Whether q_uv is 1 over the number of neighbors, or w_uv / d_u. With the latter,
        which "auto" stands for, the load of a walk is known by its ends and its
        length. Without weights both are the same.
    random_state : int, RandomState instance or None, default=None
        Seed.
    n_jobs : int or None, default=None
        Threads that tables of weights are made with.

    Returns
    -------
    walks : RandomWalks
        To be run with a series.

    Raises
    ------
    ValueError
        If `p_halt` is not between 0 and 1, `n_walks` is odd for "antithetic", a weight
        is negative, or a name is unknown.

    See Also
    --------
    partition_walks : The same features from parts of the graph.

    Notes
    -----
    Each random number is a function of the seed, the source, the walk and the step. The
    walks of a node do therefore not depend on the order in which nodes are treated, on
    threads or on parts of the graph. Preparing takes O(n + nnz) time and memory, walks
    n * n_walks / p_halt steps.

    References
    ----------
    .. [1] I. Reid, K. Choromanski, A. Weller, "Quasi-Monte Carlo graph random
       features", NeurIPS 2023, https://arxiv.org/abs/2305.12470
    .. [2] I. Reid, E. Berger, K. Choromanski, A. Weller, "Repelling random walks", ICLR
       2024, https://arxiv.org/abs/2310.04854

    Examples
    --------
    The square of the normalized adjacency of a triangle:

    >>> import numpy as np
    >>> from scipy.sparse import csr_array
    >>> from sklearn_manifold_reg.graph import random_walks
    >>> W = csr_array(1 - np.eye(3))
    >>> walks = random_walks(W, n_walks=100_000, random_state=0)
    >>> np.round(walks.features([0, 0, 1]).matrix.toarray(), 2)
    array([[0.5 , 0.25, 0.25],
           [0.25, 0.5 , 0.25],
           [0.25, 0.25, 0.5 ]])
    """
    if not 0 < p_halt < 1:
        raise ValueError(f"p_halt={p_halt} is no probability between 0 and 1.")
    if coupling not in COUPLINGS:
        raise ValueError(
            f"coupling={coupling!r} is unknown; choose one of {COUPLINGS}."
        )
    if transition not in TRANSITIONS:
        raise ValueError(
            f"transition={transition!r} is unknown; choose one of {TRANSITIONS}."
        )
    if n_walks < 1:
        raise ValueError(f"n_walks={n_walks} must be at least 1.")
    if coupling == "antithetic" and n_walks % 2:
        raise ValueError(
            f'coupling="antithetic" takes walks two by two; n_walks={n_walks} is odd.'
        )
    csr = positive_csr(as_csr(affinity))
    rule = "uniform" if transition == "uniform" else "weighted"
    tables = walk_tables(
        csr,
        rule,
        equal=has_equal_weights(csr),
        sums=needs_sums(coupling),
        n_jobs=n_jobs,
    )
    seed = _draw_seed(random_state)
    return RandomWalks(
        tables, _roots(csr), n_walks, float(p_halt), coupling, rule, seed, csr.dtype
    )


def positive_csr(affinity: Any) -> CSR:
    """Take the weights of edges, without stored zeros.

    Parameters
    ----------
    affinity : sparse array or matrix, or CSR
        Weights.

    Returns
    -------
    csr : CSR
        On the host; a copy of a graph on a device.

    Raises
    ------
    ValueError
        If a weight is negative.
    """
    if isinstance(affinity, CSR) and not isinstance(affinity.data, np.ndarray):
        affinity = affinity.to_scipy()
    csr = affinity if isinstance(affinity, CSR) else CSR.from_scipy(affinity)
    smallest = csr.data.min() if csr.nnz else 1.0
    if smallest < 0:
        raise ValueError(f"Weights are not negative, got {smallest:.3g}.")
    if smallest == 0:
        matrix = csr.to_scipy().copy()
        matrix.eliminate_zeros()
        csr = CSR.from_scipy(matrix)
    return csr


def _without_columns(csr: CSR, dropped: np.ndarray) -> CSR:
    if not np.any(dropped):
        return csr
    matrix = csr.to_scipy().copy()
    matrix.data[dropped[matrix.indices]] = 0
    matrix.eliminate_zeros()
    return CSR.from_scipy(matrix)


def needs_sums(coupling: str) -> bool:
    """Whether a coupling draws by sums of weights.

    Parameters
    ----------
    coupling : str
        See `random_walks`.

    Returns
    -------
    needed : bool
        False for couplings that draw from slots.
    """
    return coupling in ("repelling", "reinforced")


def _roots(csr: CSR) -> np.ndarray:
    rows = np.repeat(np.arange(csr.shape[0]), np.diff(csr.indptr))
    weights = csr.data.astype(np.float64, copy=False)
    return np.sqrt(np.bincount(rows, weights=weights, minlength=csr.shape[0]))


def _inverse(roots: np.ndarray) -> np.ndarray:
    """Inverses; 1 at nodes without edges."""
    return 1 / np.where(roots > 0, roots, 1.0)


def _row_hashes(csr: CSR) -> np.ndarray:
    """Hash the neighbors of each row, whatever the weights.

    Weights are computed and differ in the last bits between batches of rows.
    """
    scrambled = mix(csr.indices.astype(np.uint64) + np.uint64(1))
    totals = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(scrambled)])
    return mix(totals[csr.indptr[1:]] - totals[csr.indptr[:-1]])


def _draw_seed(random_state: Any) -> int:
    words = check_random_state(random_state).randint(0, 2**32, size=2, dtype=np.uint64)
    return int(words[0]) << 32 | int(words[1])
