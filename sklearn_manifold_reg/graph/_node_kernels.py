"""Kernels between the nodes of a graph."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import Any

import array_api_compat
import numpy as np
from scipy.sparse import csgraph
from scipy.sparse.linalg import ArpackNoConvergence, eigsh

from sklearn_manifold_reg._arrays import (
    CSR,
    device,
    namespace_of,
    to_numpy,
)
from sklearn_manifold_reg.graph._connectivity import connected_components
from sklearn_manifold_reg.graph._graph import Graph
from sklearn_manifold_reg.graph._laplacian import as_csr
from sklearn_manifold_reg.graph._node_kernel_formulas import (
    CONSTANTS,
    FORMULAS,
    HOST_ONLY,
    INVERSES,
    SERIES,
    Basis,
    Scaled,
    has_lost_entries,
    logarithm,
    make_basis,
    plan_kernel,
    rescaled,
)
from sklearn_manifold_reg.graph._node_kernel_functions import (
    Decomposition,
    decompose,
    diagonal_minus,
    to_dense,
)
from sklearn_manifold_reg.graph._node_kernel_measures import NodeKernel, find_kernel
from sklearn_manifold_reg.graph._node_kernel_series import (
    SeriesTerms,
    seconds_of_decomposition,
)
from sklearn_manifold_reg.graph._precomputed import dense_to_csr
from sklearn_manifold_reg.utils._blas import single_threaded_blas

# Above this many nodes a dense matrix fills 3.2 GB.
_LARGEST_GRAPH = 20_000
# Relative asymmetry that rounding explains.
_ASYMMETRY = 1e-8
# Number of inverses that take longer than a decomposition and as many products of it.
_INVERSES_OF_A_DECOMPOSITION = 24
# Below this order a second thread costs more than it saves.
_SERIAL = 400
# Numbers in the matrices that are kept of small graphs (32 MB), and how many there have
# to fit in for a matrix to be kept at all.
_SHARED_NUMBERS = 1 << 22
_LEAST_SHARED = 16
# Below this order a dense eigenvalue problem is nothing.
_SMALL = 64


class NodeKernels:
    """Kernels of one graph, which share what is costly to compute.

    Parameters
    ----------
    affinity : array, sparse array or matrix, CSR or Graph of shape (n, n)
        Symmetric, non-negative weights A. An edge from a node to itself counts in
        walks and degrees; to the Laplacian it means nothing.

    Attributes
    ----------
    csr : CSR of shape (n, n)
        The weights, in float64 where their device has it.
    degrees : array of shape (n,)
        Row sums.
    n_nodes : int
        Number of nodes.
    n_components : int
        Number of connected components.
    labels : ndarray of shape (n,)
        Component of each node.

    Raises
    ------
    ValueError
        If the affinity is not square, has one row only or more than 20,000, or a weight
        is negative or not finite.

    Warns
    -----
    UserWarning
        If the affinity is not symmetric; (A + A') / 2 is taken.

    See Also
    --------
    node_kernel : One kernel.
    kernel_path : One or several kernels, over a grid of parameters.

    Notes
    -----
    The decomposition that was used last is kept: n² numbers. Kernels stand in
    `NODE_KERNELS` in an order in which three decompositions serve all of them. Up to
    500 nodes matrices of several kernels are kept as well, in 32 MB.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.graph import NodeKernels
    >>> triangle = np.ones((3, 3)) - np.eye(3)
    >>> kernels = NodeKernels(triangle)
    >>> kernels.compute("forest", 1.0, param_scale="raw")
    array([[0.5 , 0.25, 0.25],
           [0.25, 0.5 , 0.25],
           [0.25, 0.25, 0.5 ]])
    """

    def __init__(self, affinity: Any) -> None:
        csr = _checked_weights(affinity)
        self._dtype = csr.dtype
        self.csr = csr.astype(_widest(csr))
        self.degrees = self.csr.row_sums()
        self.n_nodes = csr.shape[0]
        self.n_components, self.labels = connected_components(csr)
        self._bases: dict[str, Basis] = {}
        self._decomposed: tuple[str, Decomposition] | None = None
        self._constants: dict[str, Any] = {}
        self._shared: dict[tuple, Scaled] = {}

    @cached_property
    def spectral_radius(self) -> float:
        """Largest eigenvalue of the weights."""
        if self._decomposed is not None and self._decomposed[0] == "adjacency":
            return float(self._decomposed[1].values[-1])
        return _spectral_radius(self.csr)

    @cached_property
    def inverse_root_degrees(self) -> Any:
        """Degrees to the power -1/2; 0 at nodes without edges."""
        xp = namespace_of(self.degrees)
        linked = self.degrees > 0
        safe = xp.where(linked, self.degrees, xp.ones_like(self.degrees))
        return xp.where(linked, safe**-0.5, xp.zeros_like(safe))

    @cached_property
    def normalized(self) -> CSR:
        """The weights D^-1/2 A D^-1/2."""
        root = self.inverse_root_degrees
        return self.csr.scale(left=root, right=root)

    @cached_property
    def hop_diameter(self) -> int:
        """Bound of the number of edges between connected nodes: twice a radius."""
        first = np.unique(self.labels, return_index=True)[1]
        hops = csgraph.dijkstra(
            self.csr.to_scipy(),
            directed=False,
            indices=first,
            unweighted=True,
            min_only=True,
        )
        return 2 * int(hops[np.isfinite(hops)].max(initial=0))

    def raw_param(
        self, kernel: str, param: float, param_scale: str = "flat"
    ) -> float | None:
        """Turn a parameter into the one that stands in the formula of a kernel.

        Parameters
        ----------
        kernel : str
            One of `NODE_KERNELS`.
        param : float
            Parameter.
        param_scale : {"flat", "raw"}, default="flat"
            What it means.

        Returns
        -------
        raw : float or None
            None if the kernel has no parameter.

        Raises
        ------
        ValueError
            If the parameter is outside of its range on this graph.
        """
        found = find_kernel(kernel)
        radius = self.spectral_radius if found.base == "katz" else 1.0
        return found.raw_param(param, param_scale, radius)

    def compute(
        self,
        kernel: str,
        param: float = 0.5,
        *,
        param_scale: str = "flat",
        on_nonpositive: str = "warn",
        out: np.ndarray | None = None,
    ) -> Any:
        """Compute a kernel.

        Parameters
        ----------
        kernel : str
            One of `NODE_KERNELS`.
        param : float, default=0.5
            Parameter; kernels without one do not look at it.
        param_scale : {"flat", "raw"}, default="flat"
            See `node_kernel`.
        on_nonpositive : {"warn", "raise", "nan"}, default="warn"
            See `node_kernel`.
        out : ndarray of shape (n, n), default=None
            Room that may be overwritten, for NumPy only: C-contiguous, float64.

        Returns
        -------
        K : array of shape (n, n)
            In the library, device and dtype of the affinity.

        Raises
        ------
        ValueError
            As `node_kernel`.

        Warns
        -----
        UserWarning
            As `node_kernel`.
        """
        found = find_kernel(kernel)
        if on_nonpositive not in ("warn", "raise", "nan"):
            raise ValueError(
                "on_nonpositive must be 'warn', 'raise' or 'nan', got "
                f"{on_nonpositive!r}."
            )
        raw = self.raw_param(kernel, param, param_scale)
        self._check_graph(found)
        parts = CONSTANTS.get(kernel, ())
        self._constants = {n: K for n, K in self._constants.items() if n in parts}
        with self._threads():
            K = FORMULAS[found.base](self, raw, found.logarithmic, out)
        scaled = K if isinstance(K, Scaled) else Scaled(K)
        if found.logarithmic:
            K = logarithm(scaled, found.name, on_nonpositive, self.n_components)
        else:
            K = rescaled(scaled, found.name)
        return namespace_of(K).astype(K, self._dtype, copy=False)

    def path(
        self,
        kernel: str,
        params: Iterable[float],
        *,
        param_scale: str = "flat",
        on_nonpositive: str = "warn",
        copy: bool = True,
    ) -> Iterator[Any]:
        """Compute a kernel for one parameter after another.

        Parameters
        ----------
        kernel : str
            One of `NODE_KERNELS`.
        params : iterable of float
            Parameters.
        param_scale : {"flat", "raw"}, default="flat"
            See `node_kernel`.
        on_nonpositive : {"warn", "raise", "nan"}, default="warn"
            See `node_kernel`.
        copy : bool, default=True
            Whether each kernel is an array of its own. With False, asking for the next
            one may overwrite it, which saves the time of fresh memory.

        Returns
        -------
        kernels : iterator of array of shape (n, n)
            Each is computed when it is asked for.

        Raises
        ------
        ValueError
            If a parameter is outside of its range, before anything is computed.
        """
        grid = [float(param) for param in params]
        raws = [self.raw_param(kernel, param, param_scale) for param in grid]
        found = find_kernel(kernel)
        self._check_graph(found)
        room = None
        if not copy and isinstance(self.csr.data, np.ndarray):
            room = np.empty(self.csr.shape)

        def walk() -> Iterator[Any]:
            with self._threads():
                self._prepare(found, raws, room)
            for param in grid:
                yield self.compute(
                    kernel,
                    param,
                    param_scale=param_scale,
                    on_nonpositive=on_nonpositive,
                    out=room,
                )

        return walk()

    def basis(self, name: str) -> Basis:
        """Give a matrix that kernels are functions of.

        Parameters
        ----------
        name : {"adjacency", "laplacian", "normalized"}
            Which one.

        Returns
        -------
        basis : Basis
            The matrix.
        """
        if name not in self._bases:
            self._bases[name] = make_basis(self, name)
        return self._bases[name]

    def decompose(self, name: str) -> Decomposition:
        """Give all eigenpairs of a basis, and keep them instead of those kept before.

        Parameters
        ----------
        name : {"adjacency", "laplacian", "normalized"}
            Which one.

        Returns
        -------
        decomposition : Decomposition
            Eigenvalues and eigenvectors.
        """
        if self._decomposed is None or self._decomposed[0] != name:
            # The old one is let go before there is a new one.
            self._decomposed = None
            basis = self.basis(name)
            dense = diagonal_minus(basis.diagonal, basis.csr, -1.0)
            self._decomposed = name, decompose(dense)
        return self._decomposed[1]

    def eigenvectors_serve(self, name: str, terms: SeriesTerms) -> bool:
        """Whether a kernel is better made of eigenvectors than of a power series.

        Parameters
        ----------
        name : {"adjacency", "laplacian", "normalized"}
            Basis.
        terms : SeriesTerms
            The series.

        Returns
        -------
        serve : bool
            True if they are known already, would be found sooner, or X is on a device.
        """
        on_device = not isinstance(self.csr.data, np.ndarray)
        slow = terms.seconds > seconds_of_decomposition(self.n_nodes)
        return self.knows(name) or on_device or slow

    def knows(self, name: str) -> bool:
        """Whether the eigenpairs of a basis are there.

        Parameters
        ----------
        name : {"adjacency", "laplacian", "normalized"}
            Basis.

        Returns
        -------
        known : bool
            True if `decompose` has nothing to compute.
        """
        return self._decomposed is not None and self._decomposed[0] == name

    def shared(
        self, key: tuple, relative: bool, compute: Callable[[], Scaled]
    ) -> Scaled:
        """Compute a matrix, or give the one that another kernel left behind.

        A kernel, its logarithm and those that only differ in factors of rows and
        columns are made of the same matrix. Of small graphs, where many matrices take
        little room, the last ones are kept.

        Parameters
        ----------
        key : tuple
            What tells matrices apart.
        relative : bool
            Whether entries are to be accurate relative to themselves.
        compute : callable
            Computes the matrix.

        Returns
        -------
        scaled : Scaled
            Free to be overwritten.
        """
        capacity = _SHARED_NUMBERS // self.n_nodes**2
        if capacity < _LEAST_SHARED or not isinstance(self.csr.data, np.ndarray):
            return compute()
        known = self._shared.pop(key, None)
        if known is not None and relative and not known.relative:
            known = None if has_lost_entries(known) else known
        if known is None:
            known = compute()
        while len(self._shared) >= capacity:
            del self._shared[next(iter(self._shared))]
        self._shared[key] = known._replace(K=known.K.copy())
        return known

    def constant(self, name: str) -> Any:
        """Give a kernel without a parameter, and keep it while it is used.

        Parameters
        ----------
        name : {"commute", "corrected_commute", "shortest_path"}
            Which one.

        Returns
        -------
        K : array of shape (n, n)
            Not to be changed.
        """
        if name not in self._constants:
            self._constants[name] = FORMULAS[name](self, None, False, None)
        return self._constants[name]

    def _threads(self) -> AbstractContextManager[None]:
        """Keep BLAS to one thread where more would only disturb each other."""
        serial = self.n_nodes < _SERIAL and isinstance(self.csr.data, np.ndarray)
        return single_threaded_blas() if serial else nullcontext()

    def _prepare(
        self,
        kernel: NodeKernel,
        raws: Sequence[float | None],
        room: np.ndarray | None,
    ) -> None:
        """Decompose if a series for each parameter would take longer."""
        if kernel.base in INVERSES:
            many = len(raws) >= _INVERSES_OF_A_DECOMPOSITION
            # Small entries would be lost, and inverted for again.
            if many and not kernel.logarithmic:
                self.decompose(INVERSES[kernel.base])
            return
        if kernel.base not in SERIES:
            return
        step, name = SERIES[kernel.base]
        values = [float(raw or 0) for raw in raws]
        limit = seconds_of_decomposition(self.n_nodes)
        seconds = [
            plan_kernel(self, step, name, value, kernel.logarithmic).seconds
            for value in values
        ]
        if sum(seconds) < limit:
            return
        if kernel.logarithmic and max(seconds) < limit:
            # Entries grow with the parameter. Where eigenvectors would not do for the
            # largest, they would not for any.
            scaled = FORMULAS[kernel.base](self, max(values), True, room)
            if has_lost_entries(scaled):
                return
        self.decompose(name)

    def _check_graph(self, kernel: NodeKernel) -> None:
        if kernel.connected and self.n_components > 1:
            raise ValueError(
                f"kernel={kernel.name!r} needs a connected graph, this one has "
                f"{self.n_components} connected components. Join them, for example by "
                "NeighborsGraph(connectivity='mst'), or take a kernel such as 'forest' "
                "or 'heat', which is zero between components."
            )
        if kernel.base in ("corrected_commute", "sigmoid_corrected_commute"):
            n_isolated = int(np.sum(to_numpy(self.degrees) <= 0))
            if n_isolated:
                raise ValueError(
                    f"kernel={kernel.name!r} divides by degrees, and {n_isolated} "
                    "nodes have no edges. Leave them out, or take a kernel such as "
                    "'forest'."
                )
        if kernel.base in HOST_ONLY and not isinstance(self.csr.data, np.ndarray):
            library = namespace_of(self.csr.data).__name__
            raise ValueError(
                f"kernel={kernel.name!r} is computed on the host only, and the "
                f"affinity is an array of {library}. Pass NumPy arrays, or take "
                "another kernel such as 'log_communicability'."
            )


def node_kernel(
    affinity: Any,
    kernel: str = "log_communicability",
    param: float = 0.5,
    *,
    param_scale: str = "flat",
    on_nonpositive: str = "warn",
) -> Any:
    """Compute a kernel, or proximity measure, between the nodes of a graph.

    Parameters
    ----------
    affinity : array, sparse array or matrix, CSR or Graph of shape (n, n)
        Symmetric, non-negative weights.
    kernel : str, default="log_communicability"
        One of `NODE_KERNELS`; the user guide has their formulas.
    param : float, default=0.5
        Parameter of the kernel. The larger it is, the farther nodes are seen from each
        other, except for "rsp", "free_energy" on the raw scale, and "sp_ct".
    param_scale : {"flat", "raw"}, default="flat"
        "flat" takes `param` for x in [0, 1), from which the parameter in the formula
        follows, so that one grid does for all kernels; "raw" takes it as it stands in
        the formula.
    on_nonpositive : {"warn", "raise", "nan"}, default="warn"
        What becomes of entries that have no logarithm: with "warn" the least logarithm
        minus 10.

    Returns
    -------
    K : array of shape (n, n)
        In the library, device and dtype of the affinity; computed in float64 where the
        device has it. "ppr" and "heat_ppr" and their logarithms are not symmetric.

    Raises
    ------
    ValueError
        If the affinity or the parameter is out of range, the graph has several
        components or isolated nodes that the kernel does not allow, or entries without
        logarithm meet `on_nonpositive="raise"`.

    Warns
    -----
    UserWarning
        If the affinity is not symmetric, the kernel overflows and is divided by its
        norm, or entries have no logarithm.

    See Also
    --------
    kernel_path : A grid of parameters.
    kernel_to_distance : Distances that belong to a kernel.

    Notes
    -----
    Inverses take a Cholesky factorization, n³ operations. Exponentials take a power
    series of products with the sparse weights, and squarings of n³ operations each, or
    an eigendecomposition if that is expected to be faster.

    Logarithms show small entries as large as others, so those have to be accurate
    relative to themselves. Power series and inverses of these matrices add numbers of
    one sign only and are; entries of products of eigenvectors are checked, and computed
    again by a series where they are too small for that.

    Memory is three (n, n) arrays in float64.

    References
    ----------
    .. [1] V. Ivashkin, P. Chebotarev, "Do logarithmic proximity measures outperform
       plain ones in graph clustering?", 2016, arXiv:1605.01046.
    .. [2] V. Ivashkin, P. Chebotarev, "Dissecting graph measure performance for node
       clustering in LFR parameter space", 2022, arXiv:2202.09827.

    Examples
    --------
    >>> from scipy import sparse
    >>> from sklearn_manifold_reg.graph import node_kernel
    >>> path = sparse.diags_array([1.0, 1.0], offsets=[-1, 1], shape=(3, 3))
    >>> node_kernel(path, "heat", 1.0, param_scale="raw").round(3)
    array([[0.526, 0.317, 0.158],
           [0.317, 0.367, 0.317],
           [0.158, 0.317, 0.526]])
    """
    return NodeKernels(affinity).compute(
        kernel, param, param_scale=param_scale, on_nonpositive=on_nonpositive
    )


def kernel_path(
    affinity: Any,
    kernel: str | Sequence[str],
    params: Iterable[float],
    *,
    param_scale: str = "flat",
    on_nonpositive: str = "warn",
    copy: bool = True,
) -> Iterator[Any]:
    """Compute kernels between nodes over a grid of parameters.

    Parameters
    ----------
    affinity : array, sparse array or matrix, CSR, Graph or NodeKernels of shape (n, n)
        Symmetric, non-negative weights.
    kernel : str or sequence of str
        One or several of `NODE_KERNELS`.
    params : iterable of float
        Parameters; kernels without one are given once.
    param_scale : {"flat", "raw"}, default="flat"
        See `node_kernel`.
    on_nonpositive : {"warn", "raise", "nan"}, default="warn"
        See `node_kernel`.
    copy : bool, default=True
        Whether each kernel is an array of its own. With False, asking for the next one
        may overwrite it, which saves the time of fresh memory.

    Returns
    -------
    kernels : iterator of array of shape (n, n)
        For one kernel after another, one parameter after another. Each is computed when
        it is asked for.

    Raises
    ------
    ValueError
        As `node_kernel`; for parameters before anything is computed.

    See Also
    --------
    node_kernel : One kernel.
    NodeKernels : Kernels of one graph with a grid for each.

    Notes
    -----
    Exponentials of all parameters take one eigendecomposition, if that is expected to
    be faster than a series for each, and n³ operations for each. Kernels that follow
    each other in `NODE_KERNELS` share it. Inverses gain nothing from eigenvectors,
    which would take as many operations to be multiplied.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.graph import kernel_path
    >>> triangle = np.ones((3, 3)) - np.eye(3)
    >>> for K in kernel_path(triangle, "heat", [0.2, 0.8]):
    ...     print(K[0].round(3))
    [0.792 0.104 0.104]
    [0.335 0.333 0.333]
    """
    graph = affinity if isinstance(affinity, NodeKernels) else NodeKernels(affinity)
    names = [kernel] if isinstance(kernel, str) else list(kernel)
    grid = [float(param) for param in params]
    # Parameters of all kernels are checked before the first is computed.
    paths = [
        graph.path(
            name,
            grid if find_kernel(name).scale is not None else [0.0],
            param_scale=param_scale,
            on_nonpositive=on_nonpositive,
            copy=copy,
        )
        for name in names
    ]
    return (K for path in paths for K in path)


def _checked_weights(affinity: Any) -> CSR:
    """Check weights and make them symmetric."""
    if isinstance(affinity, Graph):
        affinity = affinity.affinity
    foreign = array_api_compat.is_array_api_obj(affinity) and not isinstance(
        affinity, np.ndarray
    )
    if foreign and affinity.ndim == 2 and affinity.shape[0] == affinity.shape[1]:
        csr = dense_to_csr(affinity)
        xp = namespace_of(affinity)
        if not bool(xp.all(xp.isfinite(affinity))) or bool(xp.any(affinity < 0)):
            _refuse(float(xp.min(affinity)))
    else:
        csr = as_csr(affinity)
    n = csr.shape[0]
    if n < 2:
        raise ValueError("A kernel between nodes needs two nodes, got 1 sample.")
    if n > _LARGEST_GRAPH:
        raise ValueError(
            f"A kernel between all pairs of {n} nodes does not fit into memory; "
            f"{_LARGEST_GRAPH} nodes are allowed. "
            "sklearn_manifold_reg.kernel.GraphRandomFeatures approximates kernels of "
            "larger graphs."
        )
    xp = namespace_of(csr.data)
    if csr.nnz and not bool(xp.all(xp.isfinite(csr.data) & (csr.data >= 0))):
        _refuse(float(xp.min(csr.data)))
    if not isinstance(csr.data, np.ndarray):
        return _symmetric_on_device(csr)
    A = csr.to_scipy()
    if csr.nnz and csr.data.min() == 0:
        A = A.copy()
        A.eliminate_zeros()
    gap = abs(A - A.T)
    worst = float(gap.max()) if gap.nnz else 0.0
    if worst > 0:
        if worst > _ASYMMETRY * A.max():
            _warn_asymmetric(worst)
        A = (A + A.T) / A.dtype.type(2)
    return CSR.from_scipy(A)


def _refuse(least: float) -> None:
    raise ValueError(
        "Weights of a graph are finite and not negative; the least of the affinity is "
        f"{least:.3g}."
    )


def _warn_asymmetric(worst: float) -> None:
    warnings.warn(
        "The affinity is not symmetric: two weights of one edge differ by "
        f"{worst:.3g}. It is replaced by (A + A') / 2.",
        UserWarning,
        stacklevel=5,
    )


def _symmetric_on_device(csr: CSR) -> CSR:
    xp = namespace_of(csr.data)
    dense = to_dense(csr)
    gap = float(xp.max(xp.abs(dense - xp.matrix_transpose(dense))))
    if gap == 0:
        return csr
    if gap > _ASYMMETRY * float(xp.max(dense)):
        _warn_asymmetric(gap)
    return dense_to_csr((dense + xp.matrix_transpose(dense)) / 2)


def _widest(csr: CSR) -> Any:
    """float64, where the device has it."""
    xp = namespace_of(csr.data)
    if isinstance(csr.data, np.ndarray):
        return np.dtype(np.float64)
    known = xp.__array_namespace_info__().dtypes(
        device=device(csr.data), kind="real floating"
    )
    return known.get("float64", csr.dtype)


def _spectral_radius(csr: CSR) -> float:
    """Largest eigenvalue of non-negative symmetric weights, by Lanczos on the host."""
    A = csr.to_scipy()
    if csr.nnz == 0:
        return 0.0
    if csr.shape[0] > _SMALL:
        start = np.sqrt(A.sum(axis=1)) + 1e-3
        try:
            values = eigsh(A, 1, which="LA", v0=start, return_eigenvectors=False)
            return float(values[0])
        except ArpackNoConvergence:
            pass
    return float(np.linalg.eigvalsh(A.toarray())[-1])
