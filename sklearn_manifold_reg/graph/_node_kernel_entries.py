"""Entries of kernels that floats can hardly hold, and their logarithms."""

import warnings
from typing import Any, NamedTuple

import numpy as np

from sklearn_manifold_reg._arrays import namespace_of

# Products of eigenvectors have errors of about eps times their largest entry.
# Logarithms of entries from 1e10 eps of it on are still good to nine digits.
_LEAST_SHARE = 1e10
# Entries below this have lost their accuracy, or are gone.
_LEAST_ENTRY = 1e-290
# log of the largest norm of a kernel that is given unscaled.
_LARGEST_LOG = 700.0


class Scaled(NamedTuple):
    """A kernel without a factor that floats may not hold.

    Attributes
    ----------
    K : array of shape (n, n)
        Kernel, divided by exp(log_scale).
    log_scale : float
        Logarithm of the factor.
    log_norm : float
        Logarithm of the spectral norm of the kernel itself.
    relative : bool
        Whether each entry is accurate relative to itself.
    """

    K: Any
    log_scale: float = 0.0
    log_norm: float = 0.0
    relative: bool = False


def has_lost_entries(scaled: Scaled) -> bool:
    """Whether entries are of the size of the errors of a product of eigenvectors.

    Parameters
    ----------
    scaled : Scaled
        Kernel.

    Returns
    -------
    lost : bool
        True if the least entry is below 1e10 eps times the norm.
    """
    K, log_scale, log_norm, _ = scaled
    xp = namespace_of(K)
    least = float(xp.min(K)) * float(np.exp(min(log_scale - log_norm, 0.0)))
    return least < _LEAST_SHARE * float(xp.finfo(K.dtype).eps)


def rescaled(scaled: Scaled, name: str) -> Any:
    """Put the factor back, where floats hold the product.

    Parameters
    ----------
    scaled : Scaled
        Kernel.
    name : str
        Its name.

    Returns
    -------
    K : array of shape (n, n)
        The kernel; where its norm overflows, the kernel divided by its norm.

    Warns
    -----
    UserWarning
        If the norm overflows.
    """
    K, log_scale, log_norm, _ = scaled
    xp = namespace_of(K)
    largest = min(_LARGEST_LOG, 0.98 * float(np.log(float(xp.finfo(K.dtype).max))))
    if log_norm > largest:
        warnings.warn(
            f"kernel={name!r} overflows: its norm is exp({log_norm:.4g}). It is "
            f"divided by its norm; 'log_{name}' needs no such scaling, and a smaller "
            "param gives numbers in range.",
            UserWarning,
            stacklevel=4,
        )
        log_scale -= log_norm
    if log_scale:
        K *= float(np.exp(log_scale))
    return K


def logarithm(scaled: Scaled, name: str, on_nonpositive: str, n_components: int) -> Any:
    """Take the logarithm of each entry.

    Parameters
    ----------
    scaled : Scaled
        Kernel.
    name : str
        Name of its logarithm.
    on_nonpositive : {"warn", "raise", "nan"}
        What to do with entries that have none.
    n_components : int
        Number of components of the graph, for the message.

    Returns
    -------
    log_K : array of shape (n, n)
        Never infinite.

    Raises
    ------
    ValueError
        If an entry has no logarithm, for "raise".

    Warns
    -----
    UserWarning
        If an entry has no logarithm, for "warn".
    """
    K, log_scale, *_ = scaled
    xp = namespace_of(K)
    least = max(_LEAST_ENTRY, float(xp.finfo(K.dtype).smallest_normal))
    positive = least <= K
    if bool(xp.all(positive)):
        if isinstance(K, np.ndarray):
            np.log(K, out=K)
        else:
            K = xp.log(K)
        K += log_scale
        return K
    n_missing = int(xp.sum(xp.astype(~positive, xp.int64)))
    problem = (
        f"kernel={name!r}: {n_missing} of {K.shape[0] ** 2} entries have no logarithm, "
        + (
            f"since the graph has {n_components} connected components"
            if n_components > 1
            else "since they are zero or less than floats can hold"
        )
    )
    if on_nonpositive == "raise":
        raise ValueError(
            f"{problem}. Join the components, take a larger param, or set "
            "on_nonpositive='warn' or 'nan'."
        )
    logs = xp.log(xp.where(positive, K, xp.ones_like(K))) + log_scale
    fill = float("nan")
    if on_nonpositive == "warn":
        fill = float(xp.min(xp.where(positive, logs, xp.max(logs)))) - 10
        warnings.warn(
            f"{problem}. They are set to {fill:.4g}, 10 below the least of the others; "
            "on_nonpositive='raise' or 'nan' does otherwise.",
            UserWarning,
            stacklevel=4,
        )
    return xp.where(positive, logs, xp.full_like(logs, fill))
