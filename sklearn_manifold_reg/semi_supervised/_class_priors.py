"""Column shifts of class scores after which classes have the sizes asked for."""

from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import namespace_of


def resolve_class_priors(class_priors: Any, class_counts: Any) -> np.ndarray | None:
    """Turn the parameter `class_priors` into fractions of the rows.

    Parameters
    ----------
    class_priors : {"uniform", "labels"}, array-like of shape (n_classes,) or None
        "uniform" gives every class the same share, "labels" its share among the
        labeled rows; an array gives the shares in the order of the sorted classes,
        up to a common factor.
    class_counts : array-like of shape (n_classes,)
        Number of labeled rows of each class.

    Returns
    -------
    priors : ndarray of shape (n_classes,) or None
        Positive fractions with sum 1; None if `class_priors` is None.

    Raises
    ------
    ValueError
        If an array has the wrong length, or an entry that is not positive and finite.
    """
    if class_priors is None:
        return None
    counts = np.asarray(class_counts, dtype=np.float64)
    if isinstance(class_priors, str):
        shares = counts if class_priors == "labels" else np.ones_like(counts)
        return shares / shares.sum()
    shares = np.asarray(class_priors, dtype=np.float64)
    if shares.shape != counts.shape:
        raise ValueError(
            f"class_priors has shape {shares.shape}, but y holds {counts.size} classes:"
            " give one positive number a class, 'uniform', 'labels' or None."
        )
    if not (np.all(np.isfinite(shares)) and np.all(shares > 0)):
        raise ValueError(
            f"class_priors must hold positive, finite numbers, got {shares.tolist()}."
        )
    return shares / shares.sum()


def meet_class_priors(scores: Any, degrees: Any, priors: Any, **kwargs: Any) -> Any:
    """Shift the columns of class scores until classes have the sizes asked for.

    Adds the vector of `class_shift` to every row: `argmax` over the columns of the
    result then gives class c to about `priors[c] * n_samples` rows. New rows need the
    same vector: keep `class_shift(...)` where there are any.

    Parameters
    ----------
    scores, degrees, priors, **kwargs
        As for `class_shift`.

    Returns
    -------
    shifted : array of shape (n_samples, n_classes)
        New array in the namespace and dtype of `scores`.
    """
    return scores + class_shift(scores, degrees, priors, **kwargs)[None, :]


def class_shift(
    scores: Any,
    degrees: Any,
    priors: Any,
    *,
    start: Any = None,
    slack: int = 1,
    max_iter: int = 500,
) -> Any:
    """Find the column shift after which classes have the sizes asked for.

    Without priors, the shift that gives every column the degree-weighted mean zero,
    `sum_i degrees[i] * (scores[i, c] + shift[c]) = 0`. With priors, a minimizer of

        sum_i max_c (scores[i, c] + shift[c]) - n_samples * sum_c priors[c] * shift[c],

    the dual of assigning rows to classes of given sizes at the largest total score.
    The function is convex and piecewise linear; each step minimizes it exactly over
    the shift of the class whose size is farthest off.

    Parameters
    ----------
    scores : array of shape (n_samples, n_classes)
        Larger means likelier; -inf where a class is impossible.
    degrees : array of shape (n_samples,)
        Weight of each row in the column means. A row without neighbors weighs nothing.
    priors : array-like of shape (n_classes,) or None
        Fractions of the rows, with sum 1. None centers only.
    start : array of shape (n_classes,), default=None
        Shift to start from. By default the one that centers.
    slack : int, default=1
        Sizes this far from the sizes asked for are accepted.
    max_iter : int, default=500
        Largest number of steps, each of cost O(n_samples * n_classes).

    Returns
    -------
    shift : array of shape (n_classes,)
        Namespace and dtype of `scores`.

    Notes
    -----
    Rows with equal scores go to one class together, so that sizes cannot be met where
    many rows tie.
    """
    xp = namespace_of(scores)
    centering = -_weighted_column_means(scores, degrees)
    if priors is None:
        return centering

    n_samples, n_classes = scores.shape
    sizes = class_sizes(priors, n_samples)
    shift = xp.asarray(centering if start is None else start, copy=True)
    shifted = scores + shift[None, :]
    counts = count_classes(xp.argmax(shifted, axis=1), n_classes)
    stuck = np.zeros(n_classes, dtype=bool)
    for _ in range(max_iter):
        excess = np.where(stuck, 0, np.abs(counts - sizes))
        c = int(np.argmax(excess))
        if excess[c] <= slack:
            break
        own = xp.asarray(shifted[:, c], copy=True)
        shifted[:, c] = -xp.inf
        step = _between(xp.max(shifted, axis=1) - own, int(sizes[c]))
        shifted[:, c] = own + step
        shift[c] += step
        before, counts = counts, count_classes(xp.argmax(shifted, axis=1), n_classes)
        # Ties and impossible classes can leave a size where it is.
        stuck[c] = counts[c] == before[c]
        if not stuck[c]:
            stuck[:] = False
    return shift


def class_sizes(priors: Any, n_samples: int) -> np.ndarray:
    """Round `priors * n_samples` to integers with sum `n_samples`.

    Parameters
    ----------
    priors : array-like of shape (n_classes,)
        Fractions with sum 1.
    n_samples : int
        Number of rows.

    Returns
    -------
    sizes : ndarray of int64, shape (n_classes,)
        Each within one of `priors * n_samples`: largest remainders are rounded up.
    """
    exact = np.asarray(priors, dtype=np.float64) * n_samples
    sizes = np.floor(exact).astype(np.int64)
    largest = np.argsort(sizes - exact, kind="stable")[: n_samples - sizes.sum()]
    sizes[largest] += 1
    return sizes


def count_classes(codes: Any, n_classes: int) -> np.ndarray:
    """Count the rows of each class.

    Parameters
    ----------
    codes : array of int, shape (n_samples,)
        Class of each row, in 0 .. n_classes - 1.
    n_classes : int
        Number of classes.

    Returns
    -------
    counts : ndarray of int64, shape (n_classes,)
        On the host.
    """
    if isinstance(codes, np.ndarray):
        return np.bincount(codes, minlength=n_classes)
    xp = namespace_of(codes)
    return np.array([int(xp.count_nonzero(codes == c)) for c in range(n_classes)])


def _weighted_column_means(scores: Any, degrees: Any) -> Any:
    # Sums in the dtype of the scores: argmax needs no more than their accuracy.
    xp = namespace_of(scores)
    possible = xp.isfinite(scores)
    weights = xp.astype(degrees, scores.dtype, copy=False)[:, None]
    weights = xp.where(possible, weights, xp.zeros_like(scores))
    total = xp.sum(weights, axis=0)
    known = xp.where(possible, scores, xp.zeros_like(scores))
    sums = xp.sum(weights * known, axis=0)
    return sums / xp.where(total > 0, total, xp.ones_like(total))


def _between(values: Any, count: int) -> Any:
    """Return a number that `count` of the values lie below, or as near as can be."""
    xp = namespace_of(values)
    finite = values[xp.isfinite(values)]
    if finite.shape[0] == 0:
        return 0.0 * xp.sum(finite)
    low, high = xp.min(finite), xp.max(finite)
    margin = xp.where(high > low, high - low, xp.ones_like(high))
    n = values.shape[0]
    below, above = max(count - 1, 0), min(count, n - 1)
    if isinstance(values, np.ndarray):
        ordered = np.partition(values, (below, above))
    else:
        ordered = xp.sort(values)
    lower = low - margin if count == 0 else xp.maximum(ordered[below], low - margin)
    upper = high + margin if count == n else xp.minimum(ordered[above], high + margin)
    return 0.5 * (lower + upper)
