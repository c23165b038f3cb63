"""The kernel matrix of a clusterer: given or evaluated, square, symmetric."""

from dataclasses import dataclass
from itertools import pairwise
from numbers import Real
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, eigsh
from sklearn.metrics.pairwise import PAIRWISE_KERNEL_FUNCTIONS, pairwise_kernels

from sklearn_manifold_reg._arrays import asarray_like, is_numpy, namespace_of, to_numpy
from sklearn_manifold_reg.utils._numba import run_rows, use_compiled
from sklearn_manifold_reg.utils._sklearn import Interval, StrOptions

# Rows of a strip whose entries are compared with those of its transpose.
_STRIP = 256
# Rows below which a second thread costs more than it saves.
_SERIAL_ROWS = 1500
# Asymmetry, in units of the rounding of the largest entry, that products leave.
_ROUNDING = 100.0
# Rows up to which all eigenvalues are computed, and the tolerance of one.
_SMALL = 300
_EIGEN_TOL = 1e-5

KERNEL_CONSTRAINTS: dict = {
    "kernel": [StrOptions({"precomputed", *PAIRWISE_KERNEL_FUNCTIONS}), callable],
    "gamma": [Interval(Real, 0, None, closed="left"), None],
    "degree": [Interval(Real, 0, None, closed="left")],
    "coef0": [Interval(Real, None, None, closed="neither")],
    "kernel_params": [dict, None],
}


@dataclass(frozen=True, eq=False)
class SymmetricKernel:
    """A symmetric kernel matrix.

    Attributes
    ----------
    K : array of shape (n, n), float32 or float64
        Values; C-contiguous on the host.
    diagonal : ndarray of shape (n,), float64
        Their diagonal, on the host.
    scale : float
        Largest absolute value.
    """

    K: Any
    diagonal: np.ndarray
    scale: float

    @property
    def on_host(self) -> bool:
        """Whether the values are a NumPy array."""
        return isinstance(self.K, np.ndarray)


def evaluate_kernel(estimator: Any, X: Any, Y: Any = None) -> Any:
    """Evaluate the kernel that the parameters of an estimator name.

    Parameters
    ----------
    estimator : estimator
        With the parameters of `KERNEL_CONSTRAINTS`.
    X, Y : array or csr_array of shape (m, n_features) and (n, n_features)
        Rows; Y is X by default. With `kernel="precomputed"` X is the kernel.

    Returns
    -------
    K : array of shape (m, n)
        Values, dense.
    """
    if estimator.kernel == "precomputed":
        return X.toarray() if sparse.issparse(X) else X
    if callable(estimator.kernel):
        options = estimator.kernel_params or {}
    else:
        options = {
            "gamma": estimator.gamma,
            "degree": estimator.degree,
            "coef0": estimator.coef0,
            "filter_params": True,
        }
    K = pairwise_kernels(X, Y, metric=estimator.kernel, **options)
    xp = namespace_of(K)
    return K if K.dtype == X.dtype else xp.astype(K, X.dtype)


def symmetric_kernel(
    K: Any, *, name: str = "X", n_jobs: int | None = None
) -> SymmetricKernel:
    """Take the symmetric part of a square matrix, without a copy if that is all of it.

    Parameters
    ----------
    K : array of shape (n, n)
        Values of a kernel, symmetric or not.
    name : str, default="X"
        What an error calls it.
    n_jobs : int or None, default=None
        Threads. The result does not depend on it.

    Returns
    -------
    kernel : SymmetricKernel
        K itself, its transposed view, or `(K + K.T) / 2` in the dtype of K.

    Raises
    ------
    ValueError
        If K is not square, or so large that sums overflow.
    """
    if K.ndim != 2 or K.shape[0] != K.shape[1]:
        raise ValueError(
            f"kernel='precomputed' takes {name} as the kernel matrix of shape "
            f"(n_samples, n_samples), got {tuple(K.shape)}; for rows of features take "
            "a kernel such as kernel='rbf'."
        )
    xp = namespace_of(K)
    on_host = is_numpy(xp)
    if on_host:
        K = np.ascontiguousarray(K.T if K.flags.f_contiguous else K)
        asymmetry, scale = _measure(K, n_jobs)
    else:
        transposed = xp.matrix_transpose(K)
        scale = float(xp.max(xp.abs(K)))
        asymmetry = float(xp.max(xp.abs(K - transposed)))
    limits = xp.finfo(K.dtype)
    if scale > float(limits.max) / (8 * K.shape[0] ** 2):
        raise ValueError(
            f"Sums of the kernel, whose largest value is {scale:.3g}, would overflow: "
            "divide it by a constant, which changes no cluster."
        )
    if asymmetry > _ROUNDING * float(limits.eps) * scale:
        K = _symmetric_part(K, n_jobs) if on_host else (K + transposed) / 2
    diagonal = np.diagonal(K) if on_host else to_numpy(xp.linalg.diagonal(K))
    return SymmetricKernel(K, diagonal.astype(np.float64), scale)


def _strips(n: int) -> list[tuple[int, int]]:
    return list(pairwise([*range(0, n, _STRIP), n]))


def _measure(K: np.ndarray, n_jobs: int | None) -> tuple[float, float]:
    """Find the largest difference to the transpose, and the largest absolute value."""
    function = _measure_strip
    if use_compiled():
        from sklearn_manifold_reg.cluster._kernel_matrix_numba import measure_strip

        function = measure_strip
    n = K.shape[0]
    n_jobs = 1 if n < _SERIAL_ROWS else n_jobs
    found = run_rows(function, n, K, n_jobs=n_jobs, ranges=_strips(n))
    asymmetry, scale = np.max(np.array(found, dtype=np.float64), axis=0)
    return float(asymmetry), float(scale)


def _symmetric_part(K: np.ndarray, n_jobs: int | None) -> np.ndarray:
    function = _average_strip
    if use_compiled():
        from sklearn_manifold_reg.cluster._kernel_matrix_numba import average_strip

        function = average_strip
    n = K.shape[0]
    mean = np.empty_like(K)
    run_rows(function, n, K, mean, n_jobs=n_jobs, ranges=_strips(n))
    return mean


def _measure_strip(K: np.ndarray, start: int, stop: int) -> tuple[float, float]:
    strip, crossing = K[start:stop, :stop], K[:stop, start:stop].T
    largest = max(np.max(np.abs(strip)), np.max(np.abs(crossing)))
    return float(np.max(np.abs(strip - crossing))), float(largest)


def _average_strip(K: np.ndarray, mean: np.ndarray, start: int, stop: int) -> None:
    mean[start:stop] = (K[start:stop] + K[:, start:stop].T) / K.dtype.type(2)


def lowest_eigenvalue(kernel: SymmetricKernel, weights: np.ndarray) -> float:
    """Bound the eigenvalues of `sqrt(w_i w_j) K_ij` from below.

    Parameters
    ----------
    kernel : SymmetricKernel
        Kernel.
    weights : ndarray of shape (n,), float64
        Weights.

    Returns
    -------
    bound : float
        The lowest eigenvalue, less its error.
    """
    K = kernel.K
    xp = namespace_of(K)
    n = len(weights)
    roots = asarray_like(np.sqrt(weights), K)
    rounding = n * float(xp.finfo(K.dtype).eps) * kernel.scale * float(weights.max())
    if n <= _SMALL or not kernel.on_host:
        values = xp.linalg.eigvalsh(K * roots[:, None] * roots[None, :])
        return float(xp.min(values)) - rounding

    def multiply(x: np.ndarray) -> np.ndarray:
        return roots * (K @ (roots * x.ravel().astype(K.dtype)))

    def reflect(x: np.ndarray) -> np.ndarray:
        return size * x.ravel() - multiply(x)

    start = np.random.RandomState(0).normal(size=n).astype(K.dtype)
    options = {"k": 1, "v0": start}
    operator = LinearOperator((n, n), matvec=multiply, dtype=K.dtype)
    size = float(np.abs(eigsh(operator, which="LM", tol=0.1, **options)[0][0]))
    # Residuals count relative to the eigenvalue, which must therefore not be zero.
    operator = LinearOperator((n, n), matvec=reflect, dtype=K.dtype)
    value, vector = eigsh(operator, which="LA", tol=_EIGEN_TOL, **options)
    residual = reflect(vector[:, 0]) - value[0] * vector[:, 0]
    return size - float(value[0]) - float(np.linalg.norm(residual))
