"""New rows of a graph: their edges, and the training rows among them."""

from typing import Any

import numpy as np
from scipy import sparse

from sklearn_manifold_reg._arrays import CSR, device, namespace_of

# Share of the largest weight of a row from which an entry may be an equal row, whose
# distance is zero up to rounding.
_NEARLY = 1 - 1e-5
# Entries of rows compared at once.
_BLOCK = 1 << 22


def link_rows(builder: Any, X: Any) -> tuple[CSR, Any]:
    """Link new rows to the training rows, and find those that are training rows.

    Extensions to new rows only come near to the values at training rows; who wants
    those exactly takes them where a new row repeats a training row.

    Parameters
    ----------
    builder : graph builder
        Fitted.
    X : array or sparse array of shape (n_queries, n_features)
        New rows.

    Returns
    -------
    affinity : CSR of shape (n_queries, n_samples)
        What `builder.transform(X)` gives.
    matches : integer array of shape (n_queries,)
        A training row with the same entries; -1 where there is none, or where the
        builder keeps no rows, as for precomputed affinities.
    """
    affinity = builder.transform(X)
    if not isinstance(affinity, CSR):
        affinity = CSR.from_scipy(affinity)
    X_fit = getattr(builder, "_X_fit", None)
    xp = namespace_of(affinity.data)
    where = device(affinity.data)
    n_queries = affinity.shape[0]
    matches = xp.full(n_queries, -1, dtype=affinity.indices.dtype, device=where)
    if X_fit is None or affinity.nnz == 0:
        return affinity, matches
    lengths = affinity.indptr[1:] - affinity.indptr[:-1]
    slots = range(int(xp.max(lengths)))
    best = xp.zeros(n_queries, dtype=affinity.dtype, device=where)
    for slot in slots:
        best = xp.maximum(best, _entries(affinity, slot, lengths, affinity.data))
    for slot in slots:
        weights = _entries(affinity, slot, lengths, affinity.data)
        candidates = (matches < 0) & (lengths > slot) & (weights >= _NEARLY * best)
        if not bool(xp.any(candidates)):
            continue
        columns = _entries(affinity, slot, lengths, affinity.indices)
        if isinstance(columns, np.ndarray):
            (rows,) = np.nonzero(candidates)
            same = _equal_rows(X, X_fit, rows, columns[rows])
            matches[rows[same]] = columns[rows[same]]
        else:
            same = xp.all(xp.take(X_fit, columns, axis=0) == X, axis=1)
            matches = xp.where(candidates & same, columns, matches)
    return affinity, matches


def replace_matched(values: Any, matches: Any, training: Any) -> Any:
    """Give new rows that repeat a training row what is known of it.

    Parameters
    ----------
    values : array of shape (n_queries,) or (n_queries, n_columns)
        Values of new rows.
    matches : integer array of shape (n_queries,)
        Training row that each repeats, or -1.
    training : array of shape (n_samples,) or (n_samples, n_columns)
        Values of training rows.

    Returns
    -------
    values : array of the shape of `values`
        In the dtype of `training`.
    """
    xp = namespace_of(training)
    known = matches >= 0
    rows = xp.where(known, matches, xp.zeros_like(matches))
    repeated = xp.take(training, rows, axis=0)
    mask = known if training.ndim == 1 else known[:, None]
    return xp.where(mask, repeated, xp.astype(values, training.dtype))


def _entries(csr: CSR, slot: int, lengths: Any, values: Any) -> Any:
    """Entry number `slot` of each row, zero where a row has fewer."""
    xp = namespace_of(values)
    place = xp.where(lengths > slot, csr.indptr[:-1] + slot, xp.zeros_like(lengths))
    entries = xp.take(values, place)
    return xp.where(lengths > slot, entries, xp.zeros_like(entries))


def _equal_rows(
    X: Any, X_fit: Any, rows: np.ndarray, columns: np.ndarray
) -> np.ndarray:
    if sparse.issparse(X):
        difference = abs(X[rows] - sparse.csr_array(X_fit)[columns])
        return np.asarray(difference.sum(axis=1)).ravel() == 0
    step = max(1, _BLOCK // X.shape[1])
    blocks = (slice(i, i + step) for i in range(0, len(rows), step))
    equal = [np.all(X[rows[b]] == X_fit[columns[b]], axis=1) for b in blocks]
    return np.concatenate([np.empty(0, dtype=bool), *equal])
