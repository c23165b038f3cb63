"""Attributes of rows: columns of categories, with numbers cut into bins."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Attribute:
    """Values that one column takes.

    Attributes
    ----------
    name : str
        Name of the column, or "attribute 0" and so on.
    values : list
        Categories, sorted; of a column of numbers the intervals, as strings.
    edges : ndarray of shape (n_values - 1,) or None
        Where one interval ends and the next begins; None for categories.
    """

    name: str
    values: list
    edges: np.ndarray | None = None

    def encode(self, column: np.ndarray) -> np.ndarray:
        """Give the values of a column their numbers.

        Parameters
        ----------
        column : ndarray of shape (n_rows,)
            Values.

        Returns
        -------
        codes : int32 ndarray of shape (n_rows,)
            Places in `values`; -1 where a value is missing or unknown.
        """
        known = ~_missing(column)
        codes = np.full(len(column), -1, dtype=np.int32)
        if self.edges is not None:
            numbers = column[known].astype(np.float64)
            codes[known] = np.searchsorted(self.edges, numbers, side="right")
            return codes
        places = {value: place for place, value in enumerate(self.values)}
        codes[known] = [places.get(value, -1) for value in column[known].tolist()]
        return codes


def learn_attributes(attributes: Any, n_rows: int, n_bins: int | None) -> list:
    """Find the values that each attribute takes.

    Parameters
    ----------
    attributes : array-like or data frame of shape (n_rows,) or (n_rows, n_attributes)
        Values, `NaN` or None where missing.
    n_rows : int
        Number of rows there must be.
    n_bins : int or None
        Bins of columns of floating numbers, each with about as many rows. Such a
        column keeps its values if it has no more than that. None refuses more.

    Returns
    -------
    learned : list of Attribute
        One a column.

    Raises
    ------
    ValueError
        If there is another number of rows, or a column of numbers is to have no bins.
    """
    return [
        _learn(name, column, n_bins)
        for name, column in _columns(attributes, n_rows).items()
    ]


def encode_attributes(
    learned: Sequence[Attribute], attributes: Any, n_rows: int
) -> np.ndarray:
    """Give the values of attributes the numbers that were learned.

    Parameters
    ----------
    learned : sequence of Attribute
        What the columns are.
    attributes : array-like or data frame of shape (n_rows,) or (n_rows, n_attributes)
        Values, in the same order of columns.
    n_rows : int
        Number of rows there must be.

    Returns
    -------
    codes : int32 ndarray of shape (n_rows, n_attributes)
        Places in the `values` of each attribute, -1 where missing or unknown.

    Raises
    ------
    ValueError
        If there is another number of rows or columns.
    """
    columns = _columns(attributes, n_rows)
    if len(columns) != len(learned):
        raise ValueError(
            f"attributes has {len(columns)} columns, expected {len(learned)} as in fit."
        )
    codes = np.empty((n_rows, len(learned)), dtype=np.int32)
    for place, (attribute, column) in enumerate(
        zip(learned, columns.values(), strict=True)
    ):
        codes[:, place] = attribute.encode(column)
    return codes


def code_entropy(codes: np.ndarray, labels: np.ndarray) -> float:
    """Compute the entropy of numbered attributes within clusters, in bits.

    Parameters
    ----------
    codes : integer ndarray of shape (n, n_attributes)
        Numbers of values, -1 where missing.
    labels : ndarray of shape (n,)
        Cluster of each row.

    Returns
    -------
    entropy : float
        Sum over attributes of the entropy of their values in a cluster, averaged over
        rows.
    """
    clusters = np.unique(labels, return_inverse=True)[1]
    share = np.bincount(clusters) / len(clusters)
    total = 0.0
    for column in codes.T:
        known = column >= 0
        shape = (len(share), int(column.max(initial=0)) + 1)
        counts = np.zeros(shape)
        np.add.at(counts, (clusters[known], column[known]), 1.0)
        parts = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        logs = np.log2(np.where(parts > 0, parts, 1.0))
        total -= float(share @ np.sum(parts * logs, axis=1))
    return total + 0.0


def _columns(attributes: Any, n_rows: int) -> dict[str, np.ndarray]:
    if hasattr(attributes, "columns"):
        columns = {str(n): np.asarray(attributes[n]) for n in attributes.columns}
        found = len(attributes)
    else:
        if not isinstance(attributes, np.ndarray):
            # Rows of mixed kinds would all become strings.
            attributes = np.asarray(attributes, dtype=object)
        if attributes.ndim == 1:
            attributes = attributes[:, None]
        if attributes.ndim != 2:
            raise ValueError(
                "attributes has a row for each sample and a column for each "
                f"attribute, got shape {attributes.shape}."
            )
        found = len(attributes)
        columns = {
            f"attribute {k}": attributes[:, k] for k in range(attributes.shape[1])
        }
    if found != n_rows:
        raise ValueError(f"attributes has {found} rows, X has {n_rows}.")
    return columns


def _learn(name: str, column: np.ndarray, n_bins: int | None) -> Attribute:
    known = column[~_missing(column)]
    if not _is_floating(known):
        values = list(set(known.tolist()))
        return Attribute(name, sorted(values, key=lambda v: (type(v).__name__, v)))
    numbers = known.astype(np.float64)
    if not np.all(np.isfinite(numbers)):
        raise ValueError(f"Column {name!r} of attributes holds infinity.")
    different = np.unique(numbers)
    if n_bins is None:
        raise ValueError(
            f"Column {name!r} of attributes holds floating numbers; set n_bins to cut "
            "them into categories, or pass categories."
        )
    if len(different) <= n_bins:
        edges = (different[:-1] + different[1:]) / 2
        return Attribute(name, different.tolist(), edges)
    inner = np.arange(1, n_bins) / n_bins
    edges = np.unique(np.quantile(numbers, inner))
    # A bin below the smallest number would stay empty.
    edges = edges[edges > different[0]]
    bounds = [-np.inf, *edges.tolist(), np.inf]
    values = [f"[{low:.6g}, {high:.6g})" for low, high in pairwise(bounds)]
    return Attribute(name, values, edges)


def _is_floating(known: np.ndarray) -> bool:
    if known.dtype.kind == "O":
        return len(known) > 0 and all(
            isinstance(v, (float, np.floating)) for v in known
        )
    return known.dtype.kind == "f"


def _missing(column: np.ndarray) -> np.ndarray:
    if column.dtype.kind == "f":
        return np.isnan(column)
    if column.dtype.kind != "O":
        return np.zeros(len(column), dtype=bool)
    return np.array([_is_missing(value) for value in column], dtype=bool)


def _is_missing(value: Any) -> bool:
    try:
        return value is None or bool(value != value)
    except TypeError:
        # pandas.NA is neither equal to itself nor different.
        return True
