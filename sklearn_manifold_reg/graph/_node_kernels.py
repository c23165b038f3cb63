"""Kernels of one graph that share what is costly."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import csgraph

from sklearn_manifold_reg._arrays import (
    CSR,
    namespace_of,
    to_numpy,
)
from sklearn_manifold_reg.graph._connectivity import connected_components
from sklearn_manifold_reg.graph._node_kernel_entries import (
    Scaled,
    has_lost_entries,
    logarithm,
    rescaled,
)
from sklearn_manifold_reg.graph._node_kernel_formulas import (
    CONSTANTS,
    FORMULAS,
    HOST_ONLY,
    INVERSES,
    SERIES,
    Basis,
    make_basis,
    plan_kernel,
)
from sklearn_manifold_reg.graph._node_kernel_functions import (
    Decomposition,
    decompose,
    diagonal_minus,
)
from sklearn_manifold_reg.graph._node_kernel_measures import NodeKernel, find_kernel
from sklearn_manifold_reg.graph._node_kernel_series import (
    SeriesTerms,
    seconds_of_decomposition,
)
from sklearn_manifold_reg.graph._node_weights import (
    check_weights,
    spectral_radius,
    widest_dtype,
)
from sklearn_manifold_reg.utils._blas import single_threaded_blas

# Number of inverses that take longer than a decomposition and as many products of it.
_INVERSES_OF_A_DECOMPOSITION = 24
# Below this order a second thread costs more than it saves.
_SERIAL = 400
# Numbers in the matrices that are kept of small graphs (32 MB), and how many there have
# to fit in for a matrix to be kept at all.
_SHARED_NUMBERS = 1 << 22
_LEAST_SHARED = 16


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
        csr = check_weights(affinity)
        self._dtype = csr.dtype
        self.csr = csr.astype(widest_dtype(csr))
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
        return spectral_radius(self.csr)

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
