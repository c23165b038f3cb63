"""How each kernel between nodes is computed, without its logarithm."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from sklearn_manifold_reg._arrays import CSR, asarray_like, namespace_of, to_numpy
from sklearn_manifold_reg.graph._node_costs import (
    fundamental_matrix,
    randomized_path_costs,
    shortest_path_costs,
)
from sklearn_manifold_reg.graph._node_kernel_entries import Scaled, has_lost_entries
from sklearn_manifold_reg.graph._node_kernel_functions import (
    diagonal_minus,
    double_centered,
    positive_inverse,
    spectral_product,
)
from sklearn_manifold_reg.graph._node_kernel_series import (
    SeriesTerms,
    plan_series,
    positive_series,
)

# Norm of B from which sum_k B^k / k!! is left to eigenvectors: it takes norm² terms.
_LARGEST_NORM = 200.0


@dataclass(frozen=True, eq=False)
class Basis:
    """Symmetric matrix without negative entries that kernels are functions of.

    Attributes
    ----------
    csr : CSR of shape (n, n)
        The matrix without `diagonal`.
    diagonal : array of shape (n,)
        Added to the diagonal.
    shift : float
        What to subtract from eigenvalues to get those that formulas speak of.
    norm : float
        Bound of the spectral norm.
    """

    csr: CSR
    diagonal: Any
    shift: float
    norm: float

    @property
    def least_entry(self) -> float:
        """Smallest stored entry, of the matrix without its diagonal part."""
        return float(to_numpy(self.csr.data).min(initial=np.inf))


def make_basis(graph: Any, name: str) -> Basis:
    """Build one of the matrices that exponentials are taken of.

    Parameters
    ----------
    graph : NodeKernels
        Graph.
    name : {"adjacency", "laplacian", "normalized"}
        A; max(d) - L; or D^-1/2 A D^-1/2.

    Returns
    -------
    basis : Basis
        The matrix.
    """
    csr, degrees = graph.csr, graph.degrees
    xp = namespace_of(degrees)
    zeros = xp.zeros_like(degrees)
    if name == "adjacency":
        return Basis(csr, zeros, 0.0, graph.spectral_radius)
    if name == "laplacian":
        largest = float(xp.max(degrees))
        return Basis(csr, largest - degrees, largest, largest)
    return Basis(graph.normalized, zeros, 1.0, 1.0)


def exponential(
    graph: Any, name: str, t: float, relative: bool, out: np.ndarray | None
) -> Scaled:
    """Compute exp(t (S - shift)) of a basis S.

    Parameters
    ----------
    graph : NodeKernels
        Graph.
    name : str
        Basis.
    t : float
        Time.
    relative : bool
        Whether entries are to be accurate relative to themselves.
    out : ndarray of shape (n, n) or None
        Room that may be used.

    Returns
    -------
    scaled : Scaled
        The kernel.
    """
    basis = graph.basis(name)
    terms = plan_kernel(graph, 1, name, t, relative)
    top = basis.shift or basis.norm
    log_norm = t * (top - basis.shift)
    if not graph.eigenvectors_serve(name, terms):
        return _summed(basis, t, terms, log_norm, relative, out)
    parts = graph.decompose(name)
    factors = np.exp(t * (parts.values - parts.values[-1]))
    K = spectral_product(parts, factors, out)
    scaled = Scaled(K, t * float(parts.values[-1] - basis.shift), log_norm)
    if relative and has_lost_entries(scaled):
        return _summed(basis, t, terms, log_norm, True, K)
    return scaled


def double_factorial(
    graph: Any, t: float, relative: bool, out: np.ndarray | None
) -> Scaled:
    """Compute sum_k (t A)^k / k!!.

    Of a number z that is exp(z² / 2) (1 + sqrt(pi / 2) erf(z / sqrt(2))).

    Parameters
    ----------
    graph : NodeKernels
        Graph.
    t : float
        Parameter.
    relative : bool
        Whether entries are to be accurate relative to themselves.
    out : ndarray of shape (n, n) or None
        Room that may be used.

    Returns
    -------
    scaled : Scaled
        The kernel.
    """
    basis = graph.basis("adjacency")
    terms = plan_kernel(graph, 2, "adjacency", t, relative)
    top = t * basis.norm
    log_norm = top**2 / 2 + float(np.log(_rising(top)))
    summable = top <= _LARGEST_NORM
    if summable and not graph.eigenvectors_serve("adjacency", terms):
        return _summed(basis, t, terms, log_norm, relative, out)
    parts = graph.decompose("adjacency")
    z = t * parts.values
    log_scale = float(z[-1]) ** 2 / 2
    K = spectral_product(parts, np.exp(z**2 / 2 - log_scale) * _rising(z), out)
    scaled = Scaled(K, log_scale, log_norm)
    if not (relative and has_lost_entries(scaled)):
        return scaled
    if summable:
        return _summed(basis, t, terms, log_norm, True, K)
    # Between noise and nothing.
    xp = namespace_of(K)
    noise = 100 * float(xp.finfo(K.dtype).eps)
    return scaled._replace(K=xp.where(noise > K, xp.zeros_like(K), K))


def plan_kernel(
    graph: Any, step: int, name: str, t: float, relative: bool
) -> SeriesTerms:
    """Plan the power series of a kernel.

    Parameters
    ----------
    graph : NodeKernels
        Graph.
    step : {1, 2}
        1 for the exponential, 2 for the sum over k!!.
    name : str
        Basis.
    t : float
        Factor of the basis.
    relative : bool
        Whether entries are to be accurate relative to themselves.

    Returns
    -------
    terms : SeriesTerms
        Terms, with the time they are estimated to take.
    """
    basis = graph.basis(name)
    diameter = graph.hop_diameter if relative else 0
    least = t * basis.least_entry if relative else 0.0
    norm = t * basis.norm if step == 1 else min(t * basis.norm, _LARGEST_NORM)
    return plan_series(step, basis.csr, norm, least, diameter)


def inverse(
    graph: Any,
    name: str,
    diagonal: Any,
    csr: CSR,
    factor: float,
    relative: bool,
    out: np.ndarray | None,
) -> Scaled:
    """Invert `diag(diagonal) - factor * csr`, a function of a basis.

    Parameters
    ----------
    graph : NodeKernels
        Graph.
    name : str
        Basis, of which `level - factor * S` is the same matrix for some level.
    diagonal : array of shape (n,)
        Diagonal part.
    csr : CSR of shape (n, n)
        Non-negative.
    factor : float
        Not negative.
    relative : bool
        Whether entries are to be accurate relative to themselves.
    out : ndarray of shape (n, n) or None
        Room that may be used.

    Returns
    -------
    scaled : Scaled
        The inverse: by eigenvectors where they are known, since their product takes
        less time than a factorization.
    """
    if graph.knows(name):
        parts = graph.decompose(name)
        level = 1 + factor * graph.basis(name).shift if name == "laplacian" else 1.0
        factors = 1 / (level - factor * parts.values)
        K = spectral_product(parts, factors, out)
        scaled = Scaled(K, 0.0, float(np.log(factors.max())))
        if not (relative and has_lost_entries(scaled)):
            return scaled
        out = K if isinstance(K, np.ndarray) else None
    X = positive_inverse(diagonal_minus(diagonal, csr, factor, out))
    return Scaled(X, relative=True)


def _summed(
    basis: Basis,
    t: float,
    terms: SeriesTerms,
    log_norm: float,
    relative: bool,
    out: np.ndarray | None,
) -> Scaled:
    room = out if isinstance(basis.csr.data, np.ndarray) else None
    K, log_scale = positive_series(basis.csr, basis.diagonal, t, terms, room)
    return Scaled(K, log_scale - t * basis.shift, log_norm, relative)


def _rising(z: Any) -> Any:
    """1 + sqrt(pi / 2) erf(z / sqrt(2)): the sum over k!! without exp(z² / 2)."""
    return 1 + np.sqrt(np.pi / 2) * special.erf(z / np.sqrt(2))


def _sides(K: Any, left: Any, right: Any) -> Any:
    """diag(left) K diag(right), in place on the host."""
    if not isinstance(K, np.ndarray):
        return K * left[:, None] * right[None, :]
    K *= left[:, None]
    K *= right[None, :]
    return K


def _exponential(graph: Any, name: str, t: float, relative: bool, out: Any) -> Scaled:
    return graph.shared(
        ("exponential", name, t),
        relative,
        lambda: exponential(graph, name, t, relative, out),
    )


def _double_factorial(graph: Any, t: float, relative: bool, out: Any) -> Scaled:
    return graph.shared(
        ("double factorial", t),
        relative,
        lambda: double_factorial(graph, t, relative, out),
    )


def _inverse(
    graph: Any,
    name: str,
    diagonal: Any,
    csr: CSR,
    factor: float,
    relative: bool,
    out: Any,
) -> Scaled:
    return graph.shared(
        ("inverse", name, factor),
        relative,
        lambda: inverse(graph, name, diagonal, csr, factor, relative, out),
    )


def _katz(graph: Any, t: float, relative: bool, out: Any) -> Scaled:
    ones = namespace_of(graph.degrees).ones_like(graph.degrees)
    return _inverse(graph, "adjacency", ones, graph.csr, t, relative, out)


def _communicability(graph: Any, t: float, relative: bool, out: Any) -> Scaled:
    return _exponential(graph, "adjacency", t, relative, out)


def _forest(graph: Any, t: float, relative: bool, out: Any) -> Scaled:
    diagonal = 1 + t * graph.degrees
    return _inverse(graph, "laplacian", diagonal, graph.csr, t, relative, out)


def _heat(graph: Any, t: float, relative: bool, out: Any) -> Scaled:
    return _exponential(graph, "laplacian", t, relative, out)


def _normalized_heat(graph: Any, t: float, relative: bool, out: Any) -> Scaled:
    return _exponential(graph, "normalized", t, relative, out)


def _heat_ppr(graph: Any, t: float, relative: bool, out: Any) -> Scaled:
    scaled = _exponential(graph, "normalized", t, relative, out)
    return scaled._replace(K=_as_walk(graph, scaled.K))


def _normalized_inverse(graph: Any, a: float, relative: bool, out: Any) -> Scaled:
    ones = namespace_of(graph.degrees).ones_like(graph.degrees)
    return _inverse(graph, "normalized", ones, graph.normalized, a, relative, out)


def _ppr(graph: Any, a: float, relative: bool, out: Any) -> Scaled:
    scaled = _normalized_inverse(graph, a, relative, out)
    return scaled._replace(K=_as_walk(graph, scaled.K), log_norm=0.0)


def _as_walk(graph: Any, K: Any) -> Any:
    """Turn a function of D^-1/2 A D^-1/2 into that of D^-1 A."""
    xp = namespace_of(graph.degrees)
    linked = graph.degrees > 0
    root = xp.where(linked, graph.degrees, xp.ones_like(graph.degrees)) ** 0.5
    return _sides(K, 1 / root, root)


def _modified_ppr(graph: Any, a: float, relative: bool, out: Any) -> Scaled:
    root = graph.inverse_root_degrees
    scaled = _normalized_inverse(graph, a, relative, out)
    return scaled._replace(K=_sides(scaled.K, root, root), log_norm=0.0)


def _absorption(graph: Any, t: float, relative: bool, out: Any) -> Any:
    # t A + L = D - (1 - t) A
    return _modified_ppr(graph, 1 - t, relative, out)


def _commute(graph: Any, _: Any, __: bool, out: Any) -> Any:
    # Moved from 0 to the mean degree, the eigenvalue of constants needs no
    # pseudo-inverse; 1 / n of its inverse is taken off again.
    n, degrees = graph.n_nodes, graph.degrees
    level = float(namespace_of(degrees).mean(degrees))
    M = diagonal_minus(degrees, graph.csr, 1.0, out)
    M += level / n
    K = positive_inverse(M)
    K -= 1 / (level * n)
    return K


def _corrected_commute(graph: Any, _: Any, __: bool, out: Any) -> Any:
    # With S the unit vectors along sqrt(degrees), one a component, and N the normalized
    # weights: M (I - M)^+ M = (I - N + S S')^-1 - I - N + S S'. Both sides are
    # mu² / (1 - mu) on eigenvectors of N, and 0 on S.
    degrees = graph.degrees
    xp = namespace_of(degrees)
    ones = xp.ones_like(degrees)
    labels = asarray_like(graph.labels, degrees)
    volumes = np.bincount(graph.labels, weights=to_numpy(degrees))
    S = (degrees / asarray_like(volumes[graph.labels], degrees)) ** 0.5
    projector = S[:, None] * S[None, :]
    if graph.n_components > 1:
        same = labels[:, None] == labels[None, :]
        projector = xp.where(same, projector, xp.zeros_like(projector))
    M = diagonal_minus(ones, graph.normalized, 1.0, out)
    M += projector
    K = positive_inverse(M)
    K += projector
    del projector
    K += diagonal_minus(-ones, graph.normalized, 1.0)
    root = graph.inverse_root_degrees
    return double_centered(_sides(K, root, root))


def _sigmoid(graph: Any, name: str, a: float) -> Any:
    K = graph.constant(name)
    xp = namespace_of(K)
    # Population standard deviation of all entries.
    spread = float(xp.std(K)) or 1.0
    if isinstance(K, np.ndarray):
        scaled = K * (a / spread)
        return special.expit(scaled, out=scaled)
    return 0.5 + 0.5 * xp.tanh(K * (a / (2 * spread)))


def _sigmoid_commute(graph: Any, a: float, _: bool, __: Any) -> Any:
    return _sigmoid(graph, "commute", a)


def _sigmoid_corrected_commute(graph: Any, a: float, _: bool, __: Any) -> Any:
    return _sigmoid(graph, "corrected_commute", a)


def _cost_kernel(costs: Any) -> Any:
    K = double_centered(costs)
    K *= -0.5
    return K


def _randomized(graph: Any, beta: float, *, free_energy: bool) -> Any:
    scaled = graph.shared(
        ("fundamental", beta),
        True,
        lambda: Scaled(fundamental_matrix(graph.csr, beta), relative=True),
    )
    return _cost_kernel(
        randomized_path_costs(graph.csr, beta, scaled.K, free_energy=free_energy)
    )


def _rsp(graph: Any, beta: float, _: bool, __: Any) -> Any:
    return _randomized(graph, beta, free_energy=False)


def _free_energy(graph: Any, beta: float, _: bool, __: Any) -> Any:
    return _randomized(graph, beta, free_energy=True)


def _shortest_path(graph: Any, _: Any, __: bool, ___: Any) -> Any:
    return _cost_kernel(shortest_path_costs(graph.csr))


def _sp_ct(graph: Any, x: float, _: bool, __: Any) -> Any:
    paths, rest = graph.constant("shortest_path"), 2 * (1 - x)
    if rest == 0:
        return paths.copy()
    # In this order without a matrix for the second term.
    K = paths * (x / rest)
    K += graph.constant("commute")
    K *= rest
    return K


FORMULAS: dict[str, Callable] = {
    "katz": _katz,
    "communicability": _communicability,
    "double_factorial": _double_factorial,
    "forest": _forest,
    "heat": _heat,
    "commute": _commute,
    "sigmoid_commute": _sigmoid_commute,
    "normalized_heat": _normalized_heat,
    "heat_ppr": _heat_ppr,
    "ppr": _ppr,
    "modified_ppr": _modified_ppr,
    "absorption": _absorption,
    "corrected_commute": _corrected_commute,
    "sigmoid_corrected_commute": _sigmoid_corrected_commute,
    "rsp": _rsp,
    "free_energy": _free_energy,
    "shortest_path": _shortest_path,
    "sp_ct": _sp_ct,
}

# Kernels that take a series or a decomposition: the step of its factorials, and the
# matrix.
SERIES = {
    "communicability": (1, "adjacency"),
    "double_factorial": (2, "adjacency"),
    "heat": (1, "laplacian"),
    "normalized_heat": (1, "normalized"),
    "heat_ppr": (1, "normalized"),
}

# Kernels that are inverses of a matrix, and of which.
INVERSES = {
    "katz": "adjacency",
    "forest": "laplacian",
    "ppr": "normalized",
    "modified_ppr": "normalized",
    "absorption": "normalized",
}

# Kernels without a parameter that others are made of.
CONSTANTS = {
    "sigmoid_commute": ("commute",),
    "sigmoid_corrected_commute": ("corrected_commute",),
    "sp_ct": ("commute", "shortest_path"),
}

# Kernels that take graph searches or logarithms of costs, which know NumPy only.
HOST_ONLY = ("rsp", "free_energy", "shortest_path", "sp_ct")
