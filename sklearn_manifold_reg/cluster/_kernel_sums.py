"""Sums of a kernel over clusters, kept while rows change clusters."""

from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import asarray_like, namespace_of, one_hot, to_numpy
from sklearn_manifold_reg.cluster._kernel_matrix import SymmetricKernel
from sklearn_manifold_reg.utils._numba import run_rows, use_compiled

# Sums that one block of columns holds: they stay in the second cache while rows of
# the kernel pass by.
_CACHED = 1 << 15
# Additions, and sums to compare, below which a second thread costs more than it saves.
_SERIAL_ADDITIONS = 20_000_000
_SERIAL_SUMS = 400_000


class HostSums:
    """Sums over clusters on the host, for several runs side by side.

    Keeps `S[r, c, i] = sum_j w_j K_ji` over the rows j that are in cluster c of run r.
    A row that changes its cluster is added to one row of S and subtracted from
    another: O(n) from contiguous memory, and a row of K is read once for all runs.

    Parameters
    ----------
    kernel : SymmetricKernel
        On the host.
    weights : ndarray of shape (n,), float64
        Weights of rows.
    labels : ndarray of shape (n_runs, n), int32
        Clusters.
    n_clusters : int
        Number of clusters.
    n_jobs : int or None
        Threads. The sums do not depend on it.

    Attributes
    ----------
    S : ndarray of shape (n_runs, n_clusters, n), float64
        The sums.
    """

    def __init__(
        self,
        kernel: SymmetricKernel,
        weights: np.ndarray,
        labels: np.ndarray,
        n_clusters: int,
        n_jobs: int | None,
    ) -> None:
        self._K = kernel.K
        self._weights = weights
        self._n_jobs = n_jobs
        n_runs, n = labels.shape
        self.S = np.zeros((n_runs, n_clusters, n))
        self.move(np.full_like(labels, -1), labels)

    def move(self, old: np.ndarray, new: np.ndarray) -> None:
        """Account for rows that changed clusters.

        Parameters
        ----------
        old, new : ndarray of shape (n_runs, n), int32
            Clusters before, -1 for none, and after.
        """
        n_runs, n_clusters, n = self.S.shape
        # Row by row, so that all runs add a row of K while it is in the cache.
        rows, runs = np.nonzero(((old != new) & (self._weights != 0)).T)
        first = runs * n_clusters
        sources = np.where(old[runs, rows] < 0, -1, first + old[runs, rows])
        targets = first + new[runs, rows]
        state = (
            self._K,
            *(part.astype(np.int32) for part in (rows, sources, targets)),
            self._weights[rows],
            self.S.reshape(n_runs * n_clusters, n),
        )
        if not use_compiled():
            _add_rows(*state)
            return
        from sklearn_manifold_reg.cluster._kernel_sums_numba import add_rows

        block = min(2048, max(64, _CACHED // (n_runs * n_clusters)))
        few = len(rows) * n < _SERIAL_ADDITIONS
        run_rows(add_rows, n, *state, block, n_jobs=1 if few else self._n_jobs)

    def inner(self, labels: np.ndarray) -> np.ndarray:
        """Sum w_i w_j K_ij over pairs of rows of each cluster.

        Parameters
        ----------
        labels : ndarray of shape (n_runs, n), int32
            Clusters that the sums stand for.

        Returns
        -------
        inner : ndarray of shape (n_runs, n_clusters)
            Squared norms of the centers, times the squared weight of the cluster.
        """
        n_clusters = self.S.shape[1]
        own = np.take_along_axis(self.S, labels[:, None, :], axis=1)[:, 0]
        return np.stack(
            [
                np.bincount(label, weights=self._weights * sums, minlength=n_clusters)
                for label, sums in zip(labels, own, strict=True)
            ]
        )

    def nearest(
        self,
        labels: np.ndarray,
        slopes: np.ndarray,
        offsets: np.ndarray,
        shift: float,
    ) -> np.ndarray:
        """Find the nearest center of each row.

        Parameters
        ----------
        labels : ndarray of shape (n_runs, n), int32
            Clusters that the sums stand for.
        slopes, offsets : ndarray of shape (n_runs, n_clusters)
            The nearest center has the least `offsets - slopes * S`.
        shift : float
            What is added to the sum of the row's own cluster.

        Returns
        -------
        found : ndarray of shape (n_runs, n), int32
            The first of several nearest.
        """
        found = np.empty_like(labels)
        state = (self.S, labels, slopes, offsets, shift, found)
        if use_compiled():
            from sklearn_manifold_reg.cluster._kernel_sums_numba import nearest_centers

            n = labels.shape[1]
            n_jobs = 1 if self.S.size < _SERIAL_SUMS else self._n_jobs
            run_rows(nearest_centers, n, *state, n_jobs=n_jobs)
        else:
            _nearest_centers(*state)
        return found

    def scores(
        self, run: int, labels: np.ndarray, slopes: np.ndarray, offsets: np.ndarray
    ) -> np.ndarray:
        """Compute `offsets - slopes * S` at one cluster of each row.

        Parameters
        ----------
        run : int
            Number of the run.
        labels : ndarray of shape (n,), int32
            Clusters to take.
        slopes, offsets : ndarray of shape (n_clusters,)
            As for `nearest`.

        Returns
        -------
        scores : ndarray of shape (n,)
            Squared distances to the centers, less the diagonal of the kernel.
        """
        sums = np.take_along_axis(self.S[run], labels[None, :], axis=0)[0]
        return offsets[labels] - slopes[labels] * sums


class DeviceSums:
    """Sums over clusters on a device, by products with indicator columns.

    Takes and gives what `HostSums` does; clusters are kept on the host.

    Parameters
    ----------
    kernel : SymmetricKernel
        On the device.
    weights : ndarray of shape (n,), float64
        Weights of rows.
    labels : ndarray of shape (n_runs, n), int32
        Clusters.
    n_clusters : int
        Number of clusters.
    """

    def __init__(
        self,
        kernel: SymmetricKernel,
        weights: np.ndarray,
        labels: np.ndarray,
        n_clusters: int,
    ) -> None:
        self._K = kernel.K
        self._weights = asarray_like(weights, kernel.K)
        self._n_clusters = n_clusters
        self._S = [self._sum(label) for label in labels]

    def _sum(self, labels: np.ndarray) -> Any:
        return self._K @ (self._indicators(labels) * self._weights[:, None])

    def _indicators(self, labels: np.ndarray) -> Any:
        codes = asarray_like(labels.astype(np.int64), self._K)
        return one_hot(codes, self._n_clusters, self._K)

    def move(self, old: np.ndarray, new: np.ndarray) -> None:
        """Account for rows that changed clusters, see `HostSums`."""
        for run in np.flatnonzero(np.any(old != new, axis=1)):
            self._S[run] = self._sum(new[run])

    def inner(self, labels: np.ndarray) -> np.ndarray:
        """Sum over pairs of rows of each cluster, see `HostSums`."""
        xp = namespace_of(self._K)
        sums = [
            xp.sum(S * self._indicators(label) * self._weights[:, None], axis=0)
            for S, label in zip(self._S, labels, strict=True)
        ]
        return to_numpy(xp.stack(sums)).astype(np.float64)

    def nearest(
        self,
        labels: np.ndarray,
        slopes: np.ndarray,
        offsets: np.ndarray,
        shift: float,
    ) -> np.ndarray:
        """Find the nearest center of each row, see `HostSums`."""
        xp = namespace_of(self._K)
        found = np.empty_like(labels)
        for run, S in enumerate(self._S):
            own = self._indicators(labels[run]) * shift
            slope, offset = (asarray_like(v[run], S) for v in (slopes, offsets))
            found[run] = to_numpy(xp.argmin(offset - slope * (S + own), axis=1))
        return found

    def scores(
        self, run: int, labels: np.ndarray, slopes: np.ndarray, offsets: np.ndarray
    ) -> np.ndarray:
        """Compute scores at one cluster of each row, see `HostSums`."""
        xp = namespace_of(self._K)
        own = xp.sum(self._S[run] * self._indicators(labels), axis=1)
        sums = to_numpy(own).astype(np.float64)
        return offsets[labels] - slopes[labels] * sums


def center_terms(sizes: np.ndarray, inner: np.ndarray) -> tuple:
    """Compute what the distances to centers are made of.

    A row with the sums S has the squared distance `K_ii + offset - slope * S`.

    Parameters
    ----------
    sizes, inner : ndarray of shape (n_runs, n_clusters)
        Weights of the clusters, and their sums over pairs.

    Returns
    -------
    slopes, offsets : ndarray of shape (n_runs, n_clusters)
        An empty cluster is infinitely far.
    """
    empty = sizes <= 0
    safe = np.where(empty, 1.0, sizes)
    slopes = np.where(empty, 0.0, 2 / safe)
    return slopes, np.where(empty, np.inf, inner / safe**2)


def _add_rows(
    K: np.ndarray,
    rows: np.ndarray,
    sources: np.ndarray,
    targets: np.ndarray,
    amounts: np.ndarray,
    S: np.ndarray,
) -> None:
    """Do what the kernel does, row by row."""
    for row, source, target, amount in zip(
        rows, sources, targets, amounts, strict=True
    ):
        values = amount * K[row].astype(np.float64)
        S[target] += values
        if source >= 0:
            S[source] -= values


def _nearest_centers(
    S: np.ndarray,
    labels: np.ndarray,
    slopes: np.ndarray,
    offsets: np.ndarray,
    shift: float,
    found: np.ndarray,
) -> None:
    """Do what the kernel does, run by run."""
    for run, own in enumerate(labels):
        scores = offsets[run][:, None] - slopes[run][:, None] * S[run]
        scores[own, np.arange(len(own))] -= slopes[run][own] * shift
        found[run] = np.argmin(scores, axis=0)
