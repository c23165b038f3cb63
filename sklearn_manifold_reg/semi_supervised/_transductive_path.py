"""Values at hidden rows for many penalties and folds, from one Krylov space.

For the squared loss on the graph with `C = c L^power`, values at the labeled rows are
those of a kernel machine with Gram matrix `G = E' (ridge I + c L^power)^-1 E`, E
picking labeled rows. All settings of ridge and c are shifts of one operator, real for
the first power and imaginary for the second, and all folds are parts of the same small
matrices, so that a whole search costs one iteration with as many columns as there are
labels.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_manifold_reg.graph import GraphOperator, laplacian
from sklearn_manifold_reg.linalg import solve_shifted

# Stands for a ridge of zero, relative to the weight of L; squared for that of L².
_LEAST_SHIFT = 1e-9


@dataclass(frozen=True, eq=False)
class LabeledGreens:
    """Green's functions of the penalty between labeled rows.

    Attributes
    ----------
    rows : ndarray of int, shape (l,)
        Labeled rows, hidden ones among them.
    grams : ndarray of shape (n_settings, l, l)
        G of each setting.
    loads : ndarray of shape (n_settings, l)
        Degree-weighted sums of the Green's functions over all rows.
    laplacian : GraphOperator
        L.
    """

    rows: np.ndarray
    grams: np.ndarray
    loads: np.ndarray
    laplacian: GraphOperator

    def values(
        self, setting: int, train: np.ndarray, Y: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Fit labels of some rows and give values at all labeled rows.

        Parameters
        ----------
        setting : int
            Number of the setting.
        train : ndarray of bool, shape (l,)
            Which labels are known.
        Y : ndarray of shape (l, n_outputs)
            Targets, with what is hidden.

        Returns
        -------
        F : ndarray of shape (l, n_outputs)
            Values.
        means : ndarray of shape (n_outputs,)
            Degree-weighted means over the components with known labels.
        """
        G = self.grams[setting]
        system = G[np.ix_(train, train)] + train.sum() * np.eye(train.sum())
        beta = np.linalg.solve(system, Y[train])
        degrees = np.asarray(self.laplacian.degrees, dtype=np.float64)
        labels = self.laplacian.component_labels
        total = degrees[np.isin(labels, labels[self.rows[train]])].sum()
        means = self.loads[setting][train] @ beta / (total if total > 0 else 1)
        return G[:, train] @ beta, means

    def unreached(self, train: np.ndarray) -> np.ndarray:
        """Tell labeled rows in components without known labels.

        Parameters
        ----------
        train : ndarray of bool, shape (l,)
            Which labels are known.

        Returns
        -------
        unreached : ndarray of bool, shape (l,)
            Mask of these rows.
        """
        own = self.laplacian.component_labels[self.rows]
        return ~np.isin(own, own[train])


def labeled_greens(
    affinity: Any,
    rows: np.ndarray,
    ridges: np.ndarray,
    weights: np.ndarray,
    *,
    power: int,
    normalization: str | None,
    tol: float,
    max_iter: int,
    n_jobs: int | None,
) -> LabeledGreens:
    """Compute Green's functions of `ridge I + weight L^power` between labeled rows.

    Parameters
    ----------
    affinity : csr_array of shape (n, n)
        Weights of the graph.
    rows : ndarray of int, shape (l,)
        Labeled rows.
    ridges, weights : ndarray of shape (n_settings,)
        Ridge, and positive weight of the penalty, of each setting.
    power : {1, 2}
        Exponent of the Laplacian.
    normalization : {"symmetric", "density"} or None
        Form of the Laplacian.
    tol, max_iter, n_jobs
        See `linalg.solve_shifted`.

    Returns
    -------
    greens : LabeledGreens
        Small matrices, in float64.
    """
    L = laplacian(affinity.astype(np.float64), normalization=normalization)
    B = np.zeros((affinity.shape[0], len(rows) + 1))
    B[rows, np.arange(len(rows))] = 1
    B[:, -1] = L.degrees
    shifts = np.maximum(ridges / weights, _LEAST_SHIFT**power)
    result = solve_shifted(
        L,
        B,
        shifts if power == 1 else -1j * np.sqrt(shifts),
        rows,
        null_space=L.null_space(),
        tol=tol,
        max_iter=max_iter,
        n_jobs=n_jobs,
    )
    x = result.x
    if power == 2:
        x = x.imag / np.sqrt(shifts)[:, None, None]
    x = x / weights[:, None, None]
    grams = (x[:, :, :-1] + x[:, :, :-1].transpose(0, 2, 1)) / 2
    return LabeledGreens(rows, grams, x[:, :, -1], L)
