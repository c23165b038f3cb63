"""Values of new rows: averages over the training rows they are tied to."""

from typing import Any

from sklearn_manifold_reg._arrays import CSR, asarray_like, namespace_of


def neighbor_average(
    affinity: Any, values: Any, reached: Any, *, n_jobs: int | None = None
) -> tuple[Any, Any]:
    """Average values over the training rows that a new row is tied to.

    The minimizer of the Laplacian energy with the new row added and all others held
    fixed: sum_j w(x, x_j) u_j / sum_j w(x, x_j).

    Parameters
    ----------
    affinity : CSR or scipy sparse array of shape (n_queries, n_samples)
        Weights w(x, x_j) of new rows to training rows.
    values : array of shape (n_samples, n_columns)
        Values u of the training rows.
    reached : array of bool, shape (n_samples, n_columns) or (n_samples, 1)
        Training rows whose values count.
    n_jobs : int or None, default=None
        Threads.

    Returns
    -------
    averages : array of shape (n_queries, n_columns)
        0 where `tied` is False.
    tied : array of bool, shape (n_queries, n_columns) or (n_queries, 1)
        Whether a new row is tied to any row that counts.
    """
    weights = affinity if isinstance(affinity, CSR) else CSR.from_scipy(affinity)
    xp = namespace_of(values)
    counts = xp.astype(asarray_like(reached, values), values.dtype)
    total = weights.matmat(counts, n_jobs=n_jobs)
    tied = total > 0
    sums = weights.matmat(counts * values, n_jobs=n_jobs)
    return sums / xp.where(tied, total, xp.ones_like(total)), tied
