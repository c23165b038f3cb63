"""Which connected components of a graph hold which labels, and sums over them."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import CSR, asarray_like, device, namespace_of


@dataclass(frozen=True)
class LabeledComponents:
    """The connected components of a graph of which some rows are labeled.

    Parameters
    ----------
    labels : ndarray of int, shape (n_samples,)
        Component of each row, on the host.
    present : ndarray of bool, shape (n_components, n_columns)
        Whether a component holds a label of a class; of anything, in regression,
        which has one column here.
    """

    labels: np.ndarray
    present: np.ndarray

    @property
    def n_components(self) -> int:
        """Number of components."""
        return self.present.shape[0]

    @property
    def reached(self) -> np.ndarray:
        """Whether a row's component holds a label, shape (n_samples,)."""
        return np.any(self.present, axis=1)[self.labels]


def find_labeled_components(
    component_labels: np.ndarray, codes: np.ndarray, n_columns: int
) -> LabeledComponents:
    """Tell which components hold labels of which classes.

    Parameters
    ----------
    component_labels : ndarray of int, shape (n_samples,)
        Component of each row.
    codes : ndarray of int, shape (n_samples,)
        Class of each row, negative where unlabeled.
    n_columns : int
        Number of classes.

    Returns
    -------
    components : LabeledComponents
        Components and labels.
    """
    present = np.zeros((int(component_labels.max()) + 1, n_columns), dtype=bool)
    rows = np.flatnonzero(codes >= 0)
    present[component_labels[rows], codes[rows]] = True
    return LabeledComponents(component_labels, present)


def component_means(values: Any, weights: Any, labels: np.ndarray) -> Any:
    """Average rows over their components, and hand every row its average.

    Parameters
    ----------
    values : array of shape (n_samples, n_columns)
        Rows to average.
    weights : array of shape (n_samples,)
        Non-negative weights. A component without weight has the mean 0.
    labels : ndarray of int, shape (n_samples,)
        Component of each row, on the host.

    Returns
    -------
    means : array of shape (n_samples, n_columns)
        The weighted mean of each row's component.
    """
    if isinstance(values, np.ndarray):
        return _host_component_means(values, weights, labels)
    return _device_component_means(values, weights, labels)


def _host_component_means(
    values: np.ndarray, weights: np.ndarray, labels: np.ndarray
) -> np.ndarray:
    w = weights.astype(np.float64)
    total = np.bincount(labels, weights=w)
    total[total == 0] = 1
    means = [np.bincount(labels, weights=w * column) / total for column in values.T]
    return np.stack(means, axis=1).astype(values.dtype)[labels]


def component_range(values: Any, labels: np.ndarray) -> tuple[Any, Any]:
    """Find the extremes over components, and hand every row those of its own.

    Parameters
    ----------
    values : array of shape (n_samples,)
        Values.
    labels : ndarray of int, shape (n_samples,)
        Component of each row, on the host.

    Returns
    -------
    low, high : array of shape (n_samples,)
        Smallest and largest value in each row's component.
    """
    if isinstance(values, np.ndarray):
        order = np.argsort(labels, kind="stable")
        starts = np.searchsorted(labels[order], np.arange(labels.max() + 1))
        low = np.minimum.reduceat(values[order], starts)
        high = np.maximum.reduceat(values[order], starts)
        return low[labels], high[labels]
    xp = namespace_of(values)
    low = high = xp.zeros_like(values)
    for component in range(int(labels.max()) + 1):
        inside = asarray_like(labels == component, values)
        low = xp.where(inside, xp.min(values[inside]), low)
        high = xp.where(inside, xp.max(values[inside]), high)
    return low, high


def warn_unreached(unreached: np.ndarray, name: str) -> None:
    """Warn of rows whose component holds no label.

    Parameters
    ----------
    unreached : ndarray of bool, shape (n_samples,)
        Mask of these rows.
    name : str
        Name of the estimator.
    """
    count = int(unreached.sum())
    if count:
        warnings.warn(
            f"{name}: {count} of {unreached.size} rows lie in components of the graph "
            "that hold no label; they get the prior answer and are marked in "
            "`unreached_`. Raise n_neighbors, or join components by connectivity='mst' "
            "on the graph builder.",
            UserWarning,
            stacklevel=3,
        )


def _device_component_means(values: Any, weights: Any, labels: np.ndarray) -> Any:
    xp = namespace_of(values)
    n_samples, n_components = labels.size, int(labels.max()) + 1
    order = np.argsort(labels, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(labels))])

    def place(array: np.ndarray) -> Any:
        return xp.asarray(array, device=device(values))

    members = CSR(
        place(starts.astype(np.int32)),
        place(order.astype(np.int32)),
        xp.ones(n_samples, dtype=values.dtype, device=device(values)),
        (n_components, n_samples),
    )
    w = xp.astype(weights, values.dtype, copy=False)[:, None]
    total = members.matmat(w)
    total = xp.where(total > 0, total, xp.ones_like(total))
    means = members.matmat(w * values) / total
    return xp.take(means, place(labels.astype(np.int64)), axis=0)
