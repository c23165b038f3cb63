"""Traces of functions of an operator by random vectors, and log-determinants."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from sklearn_manifold_reg._arrays import column_norms, namespace_of
from sklearn_manifold_reg.linalg._counts import (
    DENSE_ROWS,
    dense_matrix,
    factorization_pays,
)
from sklearn_manifold_reg.linalg._direct import free_nodes
from sklearn_manifold_reg.linalg._inertia import symmetric_pivots
from sklearn_manifold_reg.linalg._lanczos import (
    combine_steps,
    finite_values,
    lanczos_coefficients,
    ritz,
)
from sklearn_manifold_reg.linalg._null_space import NullSpace, as_null_space
from sklearn_manifold_reg.linalg._operators import Operator
from sklearn_manifold_reg.linalg._polynomial import chebyshev_coefficients
from sklearn_manifold_reg.linalg._probes import (
    Probes,
    as_symmetric,
    draw_probes,
    mean_and_error,
    null_dimension,
    reference_of,
)
from sklearn_manifold_reg.linalg._recurrence import probe_moments, probe_panels
from sklearn_manifold_reg.linalg._spectral_interval import spectral_interval

_TRACE_METHODS = ("slq", "hutchinson", "hutch++")
_LOG_METHODS = ("auto", "dense", "factorization", "slq")
# Rows up to which graphs of few dimensions are factorized; definite matrices need no
# choice of pivots.
_FLAT_ROWS = 200_000
# Share of the steps to whose result the final one is compared.
_SHORTER = 0.75


@dataclass(frozen=True, eq=False)
class TraceResult:
    """A trace with the evidence for it.

    Attributes
    ----------
    estimate : float
        The trace.
    standard_error : float
        What randomness leaves, from the spread over the vectors; 0 if there was no
        randomness.
    truncation : float
        What finite steps may leave: the change over the last quarter of them.
    method : str
        Method that was used.
    """

    estimate: float
    standard_error: float
    truncation: float
    method: str


def trace_function(
    operator: Any,
    function: Callable,
    *,
    method: str = "slq",
    n_probes: int = 32,
    n_steps: int = 30,
    null_space: Any = None,
    random_state: Any = 0,
) -> TraceResult:
    """Estimate the trace of a function of a symmetric operator, `sum_i f(lambda_i)`.

    Parameters
    ----------
    operator : Operator, sparse array or array of shape (n, n)
        Symmetric or complex Hermitian.
    function : callable
        Function f of an ndarray of real eigenvalues.
    method : {"slq", "hutchinson", "hutch++"}, default="slq"
        All average `z' f(A) z` over vectors z of random signs, and are unbiased but
        for the truncation.

        - "slq": stochastic Lanczos quadrature, exact for polynomials of degree
          2 n_steps - 1; f need not be smooth or finite outside the eigenvalues.
        - "hutchinson": with the Chebyshev polynomial of degree 2 n_steps for f, which
          must be smooth on the whole interval of the spectrum.
        - "hutch++": a third of the vectors find the subspace where f(A) is large, a
          third take its trace there without error, the others average over the rest.
          For functions that decay, such as the heat kernel at long times.
    n_probes : int, default=32
        Random vectors in all. With n or more, unit vectors take their place and
        nothing is random.
    n_steps : int, default=30
        Products with the operator for each vector; twice that for the first third
        of "hutch++".
    null_space : NullSpace, array of orthonormal columns or None, default=None
        Null space of A, which is left out of the sum.
    random_state : int, RandomState instance or None, default=0
        Seed of the random vectors.

    Returns
    -------
    result : TraceResult
        Estimate, standard error and truncation.

    Raises
    ------
    ValueError
        If the operator is not symmetric, a parameter is out of range or the function
        is not finite where it is needed.

    Notes
    -----
    The variance is at most `2 |f(A)|² / n_probes`, with the Frobenius norm: relative
    to the trace it is small where many eigenvalues contribute. "hutch++" has that of
    what f(A) is outside the subspace, and an error of order 1 / n_probes at worst for
    non-negative f. Panels of vectors go through the products together.

    References
    ----------
    .. [1] S. Ubaru, J. Chen, Y. Saad, "Fast estimation of tr(f(A)) via stochastic
       Lanczos quadrature", SIAM Journal on Matrix Analysis and Applications 38, 2017,
       doi:10.1137/16M1104974.
    .. [2] R. A. Meyer, C. Musco, C. Musco, D. P. Woodruff, "Hutch++: optimal stochastic
       trace estimation", SOSA 2021, doi:10.1137/1.9781611976496.16.
    .. [3] I. Han, D. Malioutov, H. Avron, J. Shin, "Approximating spectral sums of
       large-scale matrices using stochastic Chebyshev approximations", SIAM Journal
       on Scientific Computing 39, 2017, doi:10.1137/16M1078148.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.linalg import trace_function
    >>> A = np.diag(np.linspace(0.0, 1.0, 200))
    >>> result = trace_function(A, np.exp)
    >>> exact = np.exp(np.linspace(0, 1, 200)).sum()
    >>> bool(abs(result.estimate - exact) <= 4 * result.standard_error + 1e-9)
    True
    """
    if method not in _TRACE_METHODS:
        raise ValueError(f"method must be one of {_TRACE_METHODS}, got {method!r}.")
    if n_steps < 1:
        raise ValueError(f"n_steps must be at least 1, got {n_steps}.")
    operator = as_symmetric(operator)
    if method == "hutch++":
        if n_probes < 6:
            raise ValueError(
                f"n_probes must be at least 6 for 'hutch++', got {n_probes}."
            )
        if n_probes < operator.shape[0]:
            return _hutch(
                operator, function, n_probes, n_steps, null_space, random_state
            )
    probes = draw_probes(operator, n_probes, random_state)
    if method == "hutchinson":
        samples, shorter = _by_chebyshev(
            operator, function, probes, n_steps, null_space
        )
    else:
        samples, shorter = _by_quadrature(
            operator, function, probes, n_steps, null_space
        )
    estimate, error = mean_and_error(samples, probes.exact)
    truncation = abs(float(np.mean(samples - shorter)))
    return TraceResult(float(estimate), float(error), truncation, method)


def log_pseudo_determinant(
    operator: Any,
    *,
    null_space: NullSpace | None = None,
    method: str = "auto",
    n_probes: int = 32,
    n_steps: int = 60,
    random_state: Any = 0,
) -> TraceResult:
    """Compute the logarithm of the product of the non-zero eigenvalues.

    Parameters
    ----------
    operator : Operator, sparse array or array of shape (n, n)
        Symmetric positive semi-definite.
    null_space : NullSpace or None, default=None
        Null space, such as `null_space()` of a graph Laplacian. None stands for a
        positive definite operator.
    method : {"auto", "dense", "factorization", "slq"}, default="auto"
        "dense" computes all eigenvalues. "factorization" removes one node a component
        and takes the pivots of what is left. "slq" estimates the trace of the
        logarithm, see `trace_function`. "auto" takes "dense" up to 1500 rows,
        "factorization" for sparse matrices of up to 5000 rows, or 200,000 if the graph
        has few dimensions, else "slq".
    n_probes : int, default=32
        Random vectors, for "slq".
    n_steps : int, default=60
        Lanczos steps, for "slq". Small eigenvalues need many.
    random_state : int, RandomState instance or None, default=0
        Seed, for "slq".

    Returns
    -------
    result : TraceResult
        The logarithm; without errors unless `method` is "slq".

    Raises
    ------
    ValueError
        If the operator is not positive definite outside its null space.

    Notes
    -----
    A positive semi-definite matrix with the unit null vector u on a component has, with
    node g removed, the determinant `u[g]²` times the product sought. For the Laplacian
    D - W of a connected graph, exp(result) / n is the number of spanning trees,
    weighted by the products of their edges (Kirchhoff).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.graph import laplacian
    >>> from sklearn_manifold_reg.linalg import log_pseudo_determinant
    >>> complete = np.ones((5, 5)) - np.eye(5)
    >>> L = laplacian(complete, normalization=None)
    >>> result = log_pseudo_determinant(L, null_space=L.null_space())
    >>> round(np.exp(result.estimate) / 5)      # 5^3 spanning trees
    125
    """
    if method not in _LOG_METHODS:
        raise ValueError(f"method must be one of {_LOG_METHODS}, got {method!r}.")
    operator = as_symmetric(operator)
    on_host = isinstance(reference_of(operator), np.ndarray)
    if method == "auto":
        method = "slq"
        if on_host and operator.shape[0] <= DENSE_ROWS:
            method = "dense"
        elif on_host and factorization_pays(operator, _FLAT_ROWS):
            method = "factorization"
    elif method != "slq" and not on_host:
        raise ValueError(
            f"method={method!r} works on NumPy arrays only; take method='slq', or move "
            "the arrays to NumPy."
        )
    if method == "dense":
        return TraceResult(_log_dense(operator, null_space), 0.0, 0.0, method)
    if method == "factorization":
        return TraceResult(_log_pivots(operator, null_space), 0.0, 0.0, method)
    return trace_function(
        operator,
        np.log,
        n_probes=n_probes,
        n_steps=n_steps,
        null_space=null_space,
        random_state=random_state,
    )


def _by_quadrature(
    operator: Operator,
    function: Callable,
    probes: Probes,
    n_steps: int,
    null_space: Any,
) -> tuple[np.ndarray, np.ndarray]:
    """Values of `z' f(A) z`, with all steps and with fewer."""
    parts = [
        _quadratures(moved, function, panel, n_steps, project)
        for moved, panel, project in probe_panels(operator, probes, null_space)
    ]
    samples, shorter = np.concatenate(parts, axis=1)
    return samples, shorter


def _quadratures(
    operator: Operator, function: Callable, B: Any, n_steps: int, project: Any
) -> np.ndarray:
    sizes = column_norms(B)
    # Of probes in the null space rounding is left, on which f may be anything.
    eps = float(namespace_of(B).finfo(B.dtype).eps)
    sizes[sizes <= 100 * eps * np.sqrt(B.shape[0])] = 0
    alphas, betas = lanczos_coefficients(operator, B, n_steps, project)
    values = np.zeros((2, len(sizes)))
    for c in np.flatnonzero(sizes):
        k = len(alphas)
        for row, steps in enumerate((k, max(1, int(_SHORTER * k)))):
            nodes, vectors = ritz(alphas[:steps, c], betas[:steps, c])
            values[row, c] = vectors[0] ** 2 @ finite_values(function, nodes)
    return values * sizes**2


def _by_chebyshev(
    operator: Operator,
    function: Callable,
    probes: Probes,
    n_steps: int,
    null_space: Any,
) -> tuple[np.ndarray, np.ndarray]:
    low, high = spectral_interval(operator)
    degree = 2 * n_steps
    coefficients = chebyshev_coefficients(function, high, lower=low, degree=degree)
    moments = probe_moments(operator, probes, degree + 1, (low, high), null_space)
    fewer = int(_SHORTER * degree) + 1
    return coefficients @ moments, coefficients[:fewer] @ moments[:fewer]


def _hutch(
    operator: Operator,
    function: Callable,
    n_probes: int,
    n_steps: int,
    null_space: Any,
    random_state: Any,
) -> TraceResult:
    """Trace on a subspace where f(A) is large, and an estimate outside it."""
    n_free = operator.shape[0] - null_dimension(null_space)
    n_sketch = min(n_probes // 3, n_free)
    probes = draw_probes(operator, n_probes - n_sketch, random_state, exact=False)
    totals, samples, Q = np.zeros(2), [], None
    for moved, panel, project in probe_panels(operator, probes, null_space):
        rest = panel
        if Q is None:
            if n_sketch:
                Q = _range(moved, function, panel[:, :n_sketch], n_steps, project)
                totals = _quadratures(moved, function, Q, n_steps, project).sum(axis=1)
            rest = panel[:, n_sketch:]
        if Q is not None:
            xp = namespace_of(Q)
            adjoint = Q.T
            if xp.isdtype(Q.dtype, "complex floating"):
                adjoint = xp.conj(adjoint)
            rest = rest - Q @ (adjoint @ rest)
        samples.append(_quadratures(moved, function, rest, n_steps, project))
    values = np.concatenate(samples, axis=1)
    estimate, error = mean_and_error(values[0], exact=False)
    truncation = abs(totals[0] - totals[1] + float(np.mean(values[0] - values[1])))
    return TraceResult(
        float(totals[0] + estimate), float(error), float(truncation), "hutch++"
    )


def _range(
    operator: Operator, function: Callable, S: Any, n_steps: int, project: Any
) -> Any:
    """Orthonormal basis of `f(A) S`."""
    sizes = column_norms(S)
    alphas, betas = lanczos_coefficients(operator, S, n_steps, project)
    table = np.zeros(alphas.shape)
    for c in np.flatnonzero(sizes):
        nodes, vectors = ritz(alphas[:, c], betas[:, c])
        weights = finite_values(function, nodes) * vectors[0]
        table[: len(nodes), c] = sizes[c] * (vectors @ weights)
    Y = combine_steps(operator, S, table, project)
    return namespace_of(Y).linalg.qr(Y)[0]


def _log_dense(operator: Operator, null_space: Any) -> float:
    values = np.linalg.eigvalsh(dense_matrix(operator))
    n_zero = null_dimension(null_space)
    bound = 1e-12 * len(values) * max(values[-1], 0.0)
    if np.any(values[n_zero:] <= bound):
        raise ValueError(_NOT_DEFINITE)
    return float(np.sum(np.log(values[n_zero:])))


def _log_pivots(operator: Operator, null_space: Any) -> float:
    space = as_null_space(null_space)
    if space is not None and not isinstance(space, NullSpace):
        raise ValueError(
            "method='factorization' removes one node a component: pass "
            "`null_space=NullSpace(labels)`, or take method='slq'."
        )
    A = sparse.csc_array(operator.to_csr().to_scipy())
    A = A.astype(np.result_type(A.dtype, np.float64))
    share = 0.0
    if space is not None and space.n_components:
        free = free_nodes(space, np.real(A.diagonal()))
        A = sparse.csc_array(A[free][:, free])
        grounded = np.ones(operator.shape[0], dtype=bool)
        grounded[free] = False
        _, columns = space.basis(np.zeros(0))
        entries = columns.to_scipy()[np.flatnonzero(grounded)].data
        share = float(np.sum(np.log(entries**2)))
    pivots = symmetric_pivots(A)
    if pivots is None or np.any(pivots.values <= pivots.error):
        raise ValueError(_NOT_DEFINITE)
    return float(np.sum(np.log(pivots.values))) - share


_NOT_DEFINITE = (
    "The operator is not positive definite outside its null space; pass the "
    "`null_space` it has, such as null_space() of a graph Laplacian."
)
