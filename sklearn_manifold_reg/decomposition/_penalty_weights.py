"""Weights of penalties chosen from the data alone."""

from typing import Any

from sklearn_manifold_reg._arrays import namespace_of

# Both were read off two scenes, clean and at three levels of noise, once for pixels as
# they are and once for pixels of norm one. Other values near them do about as well.
_SHARE_OF_NORM = 0.015
_GRAPH_PULL = 0.1


def sparsity_weight(X: Any, n_components: int) -> float:
    """Choose the weight of the sum of abundances of endmembers of norm one.

    It is 0.015 of the root mean square norm of rows, or the level of noise if that is
    larger: noise changes the inner product of a row and an endmember by so much, and
    less than that is not evidence of a material.

    Parameters
    ----------
    X : array of shape (n, p)
        Data.
    n_components : int
        Number K of endmembers.

    Returns
    -------
    alpha : float
        In the unit of X.
    """
    n, p = X.shape
    squared_norm, rest = _tail(X, n_components)
    size = _SHARE_OF_NORM * (squared_norm / n) ** 0.5
    freedom = (n - n_components) * (p - n_components)
    noise = (rest / freedom) ** 0.5 if freedom else 0.0
    return max(size, noise)


def smoothness_weight(degrees: Any) -> float:
    """Choose the weight of the graph: a tenth of the fit's at a row of mean degree.

    Parameters
    ----------
    degrees : array of shape (n,)
        Row sums of the affinity.

    Returns
    -------
    graph_alpha : float
        Without unit; 0 where nothing is linked.
    """
    mean = float(namespace_of(degrees).mean(degrees))
    return _GRAPH_PULL / mean if mean > 0 else 0.0


def _tail(X: Any, n_components: int) -> tuple[float, float]:
    """Squared norm of X, and what of it no matrix of rank `n_components` explains."""
    xp = namespace_of(X)
    gram = X.T @ X if X.shape[0] >= X.shape[1] else X @ X.T
    values = xp.linalg.eigvalsh(xp.astype(gram, xp.float64))
    rest = xp.sum(xp.clip(values[: values.shape[0] - n_components], min=0.0))
    return float(xp.sum(values)), float(rest)
