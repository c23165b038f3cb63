"""Kernels by name, on arrays of any library."""

from typing import Any

from sklearn.metrics import pairwise

from sklearn_manifold_reg._arrays import namespace_of

KERNELS = ("rbf", "laplacian", "polynomial", "sigmoid", "cosine")

_FUNCTIONS = {
    "rbf": (pairwise.rbf_kernel, ("gamma",)),
    "laplacian": (pairwise.laplacian_kernel, ("gamma",)),
    "polynomial": (pairwise.polynomial_kernel, ("gamma", "degree", "coef0")),
    "sigmoid": (pairwise.sigmoid_kernel, ("gamma", "coef0")),
    "cosine": (pairwise.cosine_similarity, ()),
}


def kernel_matrix(X: Any, Y: Any, kernel: Any, **parameters: Any) -> Any:
    """Evaluate a kernel between rows.

    Parameters
    ----------
    X, Y : array or csr_array of shape (m, n_features) and (n, n_features)
        Rows.
    kernel : str or callable
        Name, or function of two arrays that gives the matrix.
    **parameters : dict
        `gamma`, `degree` and `coef0`; those that a kernel does not have are passed
        over.

    Returns
    -------
    K : array of shape (m, n)
        Values.
    """
    if callable(kernel):
        return kernel(X, Y)
    function, names = _FUNCTIONS[kernel]
    return function(X, Y, **{name: parameters[name] for name in names})


def resolve_gamma(gamma: Any, X: Any) -> float | None:
    """Turn the parameter `gamma` into a number.

    Parameters
    ----------
    gamma : float, "scale" or None
        "scale" is 1 / (n_features * variance of X), None 1 / n_features.
    X : array or csr_array of shape (n, n_features)
        Training rows.

    Returns
    -------
    gamma : float
        Positive.
    """
    if gamma is None:
        return 1 / X.shape[1]
    if gamma != "scale":
        return float(gamma)
    if hasattr(X, "multiply"):
        variance = float(X.multiply(X).mean() - X.mean() ** 2)
    else:
        variance = float(namespace_of(X).var(X))
    return 1 / (X.shape[1] * variance) if variance > 0 else 1.0
