"""Duels of measures over many graphs."""

import numpy as np
from scipy.stats import rankdata
from sklearn.utils import check_array

from sklearn_manifold_reg._arrays import to_numpy


def copeland_score(scores, *, greater_is_better=True):
    """Count the duels that each measure wins, less those that it loses.

    `sum_g sum_m' sign(scores[g, m] - scores[g, m'])` of measure m: on every graph g it
    meets every other measure, for +1, -1 or, on equal scores, 0.

    Parameters
    ----------
    scores : array-like of shape (n_graphs, n_measures)
        Score of each measure on each graph, or of each method on each data set.
        Infinities are scores as others are.
    greater_is_better : bool, default=True
        Whether the greater score wins; False for losses and ranks.

    Returns
    -------
    copeland : ndarray of shape (n_measures,), int64
        Between `-n_graphs * (n_measures - 1)` and the opposite. They sum to 0.

    Raises
    ------
    ValueError
        If a score is NaN, or `scores` has not two dimensions.

    See Also
    --------
    rejection_auc : A score of a measure on a graph.

    Notes
    -----
    NaN neither wins nor loses nor draws, so it is refused. A measure that failed on a
    graph can be given the worst score, -infinity, or its graph left out for all; the
    two answer different questions.

    Only the order of scores on one graph counts, hence graphs of different difficulty
    weigh the same. On a graph, wins less losses are twice the mean rank less
    `n_measures + 1`, so that the time is O(n_graphs n_measures log n_measures).

    References
    ----------
    A. H. Copeland, "A 'reasonable' social welfare function", notes of a seminar on
    mathematics in social sciences, University of Michigan, 1951.

    Examples
    --------
    >>> from sklearn_manifold_reg.metrics import copeland_score
    >>> copeland_score([[0.9, 0.8, 0.8], [0.6, 0.7, 0.5]])
    array([ 2,  1, -3])
    """
    scores = check_array(to_numpy(scores), ensure_all_finite=False, input_name="scores")
    if np.any(np.isnan(scores)):
        raise ValueError(
            f"scores holds {int(np.isnan(scores).sum())} NaN; give a measure that "
            "failed the worst score, -inf (inf with greater_is_better=False), or leave "
            "its graph out."
        )
    ranks = rankdata(scores, axis=1)
    balance = 2 * ranks - (scores.shape[1] + 1)
    copeland = balance.sum(axis=0).astype(np.int64)
    return copeland if greater_is_better else -copeland
