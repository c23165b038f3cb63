"""How well a distance tells pairs of one class from pairs of two."""

import math
from typing import Any

import numpy as np
from sklearn.utils import assert_all_finite, check_array, column_or_1d

from sklearn_manifold_reg._arrays import (
    asarray_like,
    float_dtypes,
    namespace_of,
    to_numpy,
)


def rejection_curve(distances, y, *, drop_intermediate=True):
    """Compute the shares of pairs that a growing threshold on the distance lets pass.

    Of all pairs of rows i < j with `distances[i, j] <= threshold`,
    `tpr = n_passed_within / n_within` counts those of one class and
    `fpr = n_passed_between / n_between` those of two. It is the ROC curve of
    `-distances` for the question "of the same class?".

    Parameters
    ----------
    distances : array-like of shape (n, n)
        Symmetric distances, or any numbers that grow with dissimilarity: only their
        order counts. The diagonal is not read. Infinity, as between connected
        components, is the largest distance.
    y : array-like of shape (n,)
        Class of each row. Every value is a class, -1 too.
    drop_intermediate : bool, default=True
        Whether to leave out points inside a straight piece of the curve, which
        changes neither the curve nor its area.

    Returns
    -------
    fpr : array of shape (n_thresholds,)
        Ascending from 0 to 1.
    tpr : array of shape (n_thresholds,)
        Ascending from 0 to 1.
    thresholds : array of shape (n_thresholds,)
        Distances up to which pairs pass, ascending. The first is -infinity, where
        none passes.

    Raises
    ------
    ValueError
        If `distances` is not square, not symmetric up to rounding or holds NaN or
        -infinity, if `y` does not fit it, or if there are no pairs within a class or
        none between classes.

    See Also
    --------
    rejection_auc : Area under the curve.
    sklearn_manifold_reg.plotting.RejectionCurveDisplay : The curve drawn.
    sklearn.metrics.roc_curve : The same of scores and binary classes.

    Notes
    -----
    Pairs of equal distance pass together: they are one point of the curve, reached by
    a straight line. [1]_ is commonly computed with ties in random order, which has
    this area as its mean and adds noise. Rounding splits ties: distances that are
    whole numbers by their definition, such as those of shortest paths, should be
    rounded when they come out of a kernel.

    Takes time O(n² log n) and memory O(n²). Arrays of another library stay on their
    device under scikit-learn's `array_api_dispatch`. Shares are in the floating dtype
    of `distances`.

    References
    ----------
    .. [1] V. Ivashkin, P. Chebotarev, "Do logarithmic proximity measures outperform
       plain ones in graph clustering?", Models, Algorithms, and Technologies for
       Network Analysis, Springer 2017, doi:10.1007/978-3-319-56829-4_8.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.metrics import rejection_curve
    >>> places = np.array([0, 1, 3, 4])
    >>> distances = np.abs(places[:, None] - places)
    >>> fpr, tpr, thresholds = rejection_curve(distances, [0, 0, 1, 1])
    >>> fpr, tpr, thresholds
    (array([0., 0., 1.]), array([0., 1., 1.]), array([-inf,   1.,   4.]))
    """
    within, between = _sorted_pairs(distances, y)
    xp = namespace_of(within)
    lowest = xp.full_like(within[:1], -math.inf)
    # Not by unique_values, which numpy hashes and the standard leaves unsorted.
    values = xp.sort(xp.concat([within, between]), stable=False)
    thresholds = xp.concat([lowest, values[:1], values[1:][values[1:] != values[:-1]]])
    tp = xp.searchsorted(within, thresholds, side="right")
    fp = xp.searchsorted(between, thresholds, side="right")
    if drop_intermediate:
        kept = _corners(fp, tp)
        tp, fp, thresholds = tp[kept], fp[kept], thresholds[kept]
    dtype = within.dtype
    tpr = xp.astype(tp, dtype) / within.shape[0]
    fpr = xp.astype(fp, dtype) / between.shape[0]
    return fpr, tpr, thresholds


def rejection_auc(distances, y):
    """Compute the area under the rejection curve.

    It is the probability that a random pair within a class is nearer than a random
    pair between classes, ties counting one half.

    Parameters
    ----------
    distances : array-like of shape (n, n)
        Symmetric distances, or any numbers that grow with dissimilarity: only their
        order counts. The diagonal is not read. Infinity, as between connected
        components, is the largest distance.
    y : array-like of shape (n,)
        Class of each row. Every value is a class, -1 too.

    Returns
    -------
    auc : float
        1 if every pair within a class is nearer than every pair between classes, 0.5
        if all distances are equal, about 0.5 if they know nothing of the classes.

    Raises
    ------
    ValueError
        If `distances` is not square, not symmetric up to rounding or holds NaN or
        -infinity, if `y` does not fit it, or if there are no pairs within a class or
        none between classes.

    See Also
    --------
    rejection_curve : The curve itself.
    sklearn.metrics.roc_auc_score : The same of scores and binary classes.
    sklearn.metrics.silhouette_score : Compares distances of each row on their own.

    Notes
    -----
    Counted in whole numbers, as the statistic of Mann and Whitney, without the curve:
    ties are exact, and the order of rows changes no digit. Takes time O(n² log n) and
    memory O(n²).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.metrics import rejection_auc
    >>> places = np.array([0, 1, 2, 4])
    >>> distances = np.abs(places[:, None] - places)
    >>> rejection_auc(distances, [0, 0, 1, 1])
    0.75
    """
    within, between = _sorted_pairs(distances, y)
    xp = namespace_of(within)
    # Pairs within a class that are nearer than each pair between, and those not
    # farther: their mean counts a tie as one half.
    nearer = xp.searchsorted(within, between, side="left")
    not_farther = xp.searchsorted(within, between, side="right")
    twice = int(xp.sum(nearer)) + int(xp.sum(not_farther))
    return twice / (2 * within.shape[0] * between.shape[0])


def _sorted_pairs(distances: Any, y: Any) -> tuple[Any, Any]:
    """Sort the distances of pairs within a class, and of pairs between classes."""
    distances = check_array(
        distances,
        dtype=float_dtypes(distances),
        ensure_all_finite=False,
        input_name="distances",
    )
    n = distances.shape[0]
    if distances.shape != (n, n):
        raise ValueError(
            f"distances must have shape (n, n), got {tuple(distances.shape)}; "
            "sklearn.metrics.pairwise_distances makes them of rows."
        )
    y = column_or_1d(to_numpy(y))
    if y.shape != (n,):
        raise ValueError(
            f"y has one class a row of distances, shape ({n},), got {y.shape}."
        )
    assert_all_finite(y, input_name="y")
    codes = np.unique(y, return_inverse=True)[1].astype(np.int64)
    distances = _make_symmetric(distances)
    xp = namespace_of(distances)
    codes = asarray_like(codes, distances)
    same = codes[:, None] == codes[None, :]
    upper = xp.triu(xp.ones_like(same), k=1)
    within, between = distances[upper & same], distances[upper & ~same]
    if within.shape[0] == 0:
        raise ValueError(
            f"y puts each of {n} rows in a class of its own: there are no pairs within "
            "a class to compare with."
        )
    if between.shape[0] == 0:
        raise ValueError(
            "y holds one class only: there are no pairs between classes to compare "
            "with."
        )
    for part in (within, between):
        if xp.any(xp.isnan(part) | (part == -math.inf)):
            raise ValueError(
                "distances holds NaN or -infinity, which have no place in the order "
                "of pairs; pairs without a path between them have distance infinity."
            )
    return xp.sort(within, stable=False), xp.sort(between, stable=False)


def _make_symmetric(distances: Any) -> Any:
    """Average what rounding made different, refuse what it cannot explain."""
    xp = namespace_of(distances)
    other = distances.T
    # Not by differences throughout: that of two infinities is no number.
    unequal = distances != other
    if not xp.any(unequal):
        return distances
    gaps = xp.abs(distances[unequal] - other[unequal])
    finite = xp.where(xp.isfinite(distances), distances, xp.zeros_like(distances))
    tolerance = math.sqrt(xp.finfo(distances.dtype).eps) * xp.max(xp.abs(finite))
    if xp.any(gaps > tolerance):
        raise ValueError(
            "distances must be symmetric, but entries (i, j) and (j, i) differ by up "
            f"to {float(xp.max(gaps)):.3g}; (distances + distances.T) / 2 is."
        )
    return xp.where(unequal, distances / 2 + other / 2, distances)


def _corners(fp: Any, tp: Any) -> Any:
    """Whether a point of the curve is an end of it, or the curve turns there."""
    xp = namespace_of(fp)
    right, up = fp[1:] - fp[:-1], tp[1:] - tp[:-1]
    # In whole numbers, so that a straight piece is one whatever its points.
    inner = right[1:] * up[:-1] != right[:-1] * up[1:]
    end = xp.ones_like(fp[:1], dtype=xp.bool)
    return xp.concat([end, inner, end])
