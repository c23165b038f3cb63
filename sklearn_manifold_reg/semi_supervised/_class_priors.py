"""Column shifts of class scores after which classes have the sizes asked for."""

from typing import Any

import numpy as np

from sklearn_manifold_reg.utils._sklearn import get_namespace


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
    max_iter: int = 1000,
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
        Larger means likelier.
    degrees : array of shape (n_samples,)
        Weight of each row in the column means. A row without neighbors weighs nothing.
    priors : array-like of shape (n_classes,) or None
        Fractions of the rows, with sum 1. None centers only.
    start : array of shape (n_classes,), default=None
        Shift to start from. By default the one that centers.
    slack : int, default=1
        Sizes this far from the sizes asked for are accepted.
    max_iter : int, default=1000
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
    xp, _ = get_namespace(scores)
    centering = -_weighted_column_means(scores, degrees)
    if priors is None:
        return centering

    n_samples, n_classes = scores.shape
    sizes = class_sizes(priors, n_samples)
    shift = xp.asarray(centering if start is None else start, copy=True)
    shifted = scores + shift[None, :]
    for _ in range(max_iter):
        counts = count_classes(xp.argmax(shifted, axis=1), n_classes)
        c = int(np.argmax(np.abs(counts - sizes)))
        if abs(counts[c] - sizes[c]) <= slack:
            break
        own = xp.asarray(shifted[:, c], copy=True)
        shifted[:, c] = -xp.inf
        step = _between(xp.max(shifted, axis=1) - own, int(sizes[c]))
        shifted[:, c] = own + step
        shift[c] += step
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
    xp, _ = get_namespace(codes)
    return np.array([int(xp.count_nonzero(codes == c)) for c in range(n_classes)])


def _weighted_column_means(scores: Any, degrees: Any) -> Any:
    # Sums in the dtype of the scores; their range, not the mean, sets the accuracy
    # that argmax needs.
    xp, _ = get_namespace(scores)
    weights = xp.astype(degrees, scores.dtype, copy=False)
    total = xp.sum(weights)
    if float(total) <= 0:
        return xp.mean(scores, axis=0)
    return (weights[None, :] @ scores)[0, :] / total


def _between(values: Any, count: int) -> Any:
    """Return a number that just `count` of the values lie below."""
    n = values.shape[0]
    below, above = max(count - 1, 0), min(count, n - 1)
    if isinstance(values, np.ndarray):
        ordered = np.partition(values, (below, above))
    else:
        ordered = get_namespace(values)[0].sort(values)
    if count == 0:
        return ordered[0] - abs(ordered[-1] - ordered[0])
    if count == n:
        return ordered[-1] + abs(ordered[-1] - ordered[0])
    return 0.5 * (ordered[below] + ordered[above])
