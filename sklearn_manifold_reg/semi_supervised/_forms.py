"""Three forms of a manifold-regularized function: on the graph, kernel and linear.

The problem is, with weights S_i > 0 of labeled rows and s = sum S,

    1/s sum_i S_i V(y_i, f_i) + ridge |f|² + f' C f,

C being the manifold penalty with its weight, and |f| the norm that belongs to the
form: f' f of the values, the RKHS norm of a kernel expansion, or |w|² of linear
coefficients. A form knows two things: the parameters that solve the squared loss, and
the parameters B of unit forces at labeled rows. By the representer theorem any loss
has the solution B beta, where beta minimizes `1/s sum S_i V(y_i, (G beta)_i) +
beta' G beta`, G being the values of B at the labeled rows.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from sklearn_manifold_reg._arrays import asarray_like, device, namespace_of
from sklearn_manifold_reg.linalg import solve, solve_dense
from sklearn_manifold_reg.semi_supervised._manifold_penalty import ManifoldPenalty


@dataclass(frozen=True, eq=False)
class GraphForm:
    """Function known by its values on the nodes.

    Attributes
    ----------
    penalty : ManifoldPenalty
        C.
    ridge : float
        Weight of f' f.
    unreached : ndarray of bool, shape (n,)
        Nodes in components without labels, whose values are zero.
    options : dict
        `solver`, `tol`, `max_iter` and `n_jobs` of `linalg.solve`.
    """

    penalty: ManifoldPenalty
    ridge: float
    unreached: np.ndarray
    options: dict

    def solve_squared(self, Y: Any, S: Any) -> tuple[Any, int]:
        """Solve `(S/s + ridge I + C) F = S Y / s`.

        Parameters
        ----------
        Y : array of shape (n, n_outputs)
            Targets, anything where S is zero.
        S : array of shape (n,)
            Weights of labels.

        Returns
        -------
        F : array of shape (n, n_outputs)
            Values.
        n_iter : int
            Steps of the solver, 1 for a factorization.
        """
        share = _shares(S)
        return self._solve(share, share[:, None] * Y)

    def solve_forces(self, rows: np.ndarray, like: Any) -> tuple[Any, Any]:
        """Solve for unit forces at labeled rows, without the loss.

        Parameters
        ----------
        rows : ndarray of int, shape (l,)
            Labeled rows.
        like : array
            Array whose library and dtype are taken.

        Returns
        -------
        B : array of shape (n, l)
            Parameters.
        G : array of shape (l, l)
            Values at the labeled rows, symmetric.
        """
        forces = _unit_columns(rows, self.unreached.size, like)
        B, _ = self._solve(namespace_of(forces).zeros_like(forces[:, 0]), forces)
        return B, _symmetric(B[rows])

    def values(self, parameters: Any) -> Any:
        """Give values at the training rows.

        Parameters
        ----------
        parameters : array of shape (n, n_outputs)
            Values.

        Returns
        -------
        F : array of shape (n, n_outputs)
            The same.
        """
        return parameters

    def _solve(self, diagonal: Any, right: Any) -> tuple[Any, int]:
        anchor = asarray_like(self.unreached.astype(np.float64), right)
        result = solve(
            self.penalty.plus_diagonal(diagonal + self.ridge + anchor),
            right,
            near_null_space=self.penalty.laplacian.null_space(),
            **self.options,
        )
        return result.x, max(1, int(np.max(result.n_iter, initial=1)))


@dataclass(frozen=True, eq=False)
class KernelForm:
    """Kernel expansion over all training rows.

    Attributes
    ----------
    K : array of shape (n, n)
        Kernel matrix.
    penalty : ManifoldPenalty
        C.
    ridge : float
        Weight of the squared RKHS norm, positive.

    Notes
    -----
    One LU factorization, 2/3 n³ operations, in float32 with refinement where that is
    accurate enough (`linalg.solve_dense`), and two more matrices of the size of K.
    """

    K: Any
    penalty: ManifoldPenalty
    ridge: float

    def solve_squared(self, Y: Any, S: Any) -> tuple[Any, int]:
        """Solve `(S K / s + ridge I + C K) A = S Y / s`.

        Parameters
        ----------
        Y : array of shape (n, n_outputs)
            Targets.
        S : array of shape (n,)
            Weights of labels.

        Returns
        -------
        A : array of shape (n, n_outputs)
            Coefficients: f(x) = sum_j A_j k(x, x_j).
        n_iter : int
            1.
        """
        share = _shares(S)
        return self._solve(share, share[:, None] * Y), 1

    def solve_forces(self, rows: np.ndarray, like: Any) -> tuple[Any, Any]:
        """Solve for unit forces at labeled rows, without the loss.

        Parameters
        ----------
        rows : ndarray of int, shape (l,)
            Labeled rows.
        like : array
            Array whose library and dtype are taken.

        Returns
        -------
        B : array of shape (n, l)
            Coefficients.
        G : array of shape (l, l)
            Values at the labeled rows: the deformed kernel, over the ridge.
        """
        forces = _unit_columns(rows, self.K.shape[0], like)
        B = self._solve(None, forces)
        return B, _symmetric(self.K[rows] @ B)

    def values(self, parameters: Any) -> Any:
        """Give values at the training rows.

        Parameters
        ----------
        parameters : array of shape (n, n_outputs)
            Coefficients.

        Returns
        -------
        F : array of shape (n, n_outputs)
            Values.
        """
        return self.K @ parameters

    def _solve(self, diagonal: Any, right: Any) -> Any:
        K = self.K
        xp = namespace_of(K)
        system = self.penalty.matmat(K)
        if isinstance(K, np.ndarray):
            # In place: fresh memory costs more than the arithmetic.
            if diagonal is not None:
                for i in np.flatnonzero(diagonal):
                    system[i] += diagonal[i] * K[i]
            system.flat[:: K.shape[0] + 1] += self.ridge
            return solve_dense(system, right)
        if diagonal is not None:
            system = system + diagonal[:, None] * K
        eye = xp.eye(K.shape[0], dtype=K.dtype, device=device(K))
        return solve_dense(system + self.ridge * eye, right)


@dataclass(frozen=True, eq=False)
class LinearForm:
    """Linear function of features.

    Attributes
    ----------
    Z : array or csr_array of shape (n, n_features)
        Features, centered if there is an intercept.
    penalty : ManifoldPenalty
        C.
    ridge : float
        Weight of |w|², positive.

    Notes
    -----
    O(n d²) for the matrix of order d = n_features and O(d³) for its solution.
    """

    Z: Any
    penalty: ManifoldPenalty
    ridge: float

    def solve_squared(self, Y: Any, S: Any) -> tuple[Any, int]:
        """Solve `(Z' (S/s + C) Z + ridge I) w = Z' S Y / s`.

        Parameters
        ----------
        Y : array of shape (n, n_outputs)
            Targets.
        S : array of shape (n,)
            Weights of labels.

        Returns
        -------
        w : array of shape (n_features, n_outputs)
            Coefficients.
        n_iter : int
            1.
        """
        share = _shares(S)
        return self._solve(share, self.Z.T @ (share[:, None] * Y)), 1

    def solve_forces(self, rows: np.ndarray, like: Any) -> tuple[Any, Any]:
        """Solve for unit forces at labeled rows, without the loss.

        Parameters
        ----------
        rows : ndarray of int, shape (l,)
            Labeled rows.
        like : array
            Array whose library and dtype are taken.

        Returns
        -------
        B : array of shape (n_features, l)
            Coefficients.
        G : array of shape (l, l)
            Values at the labeled rows.
        """
        labeled = self.Z[rows]
        forces = labeled.toarray().T if sparse.issparse(labeled) else labeled.T
        B = self._solve(None, asarray_like(forces, like))
        return B, _symmetric(labeled @ B)

    def values(self, parameters: Any) -> Any:
        """Give values at the training rows.

        Parameters
        ----------
        parameters : array of shape (n_features, n_outputs)
            Coefficients.

        Returns
        -------
        F : array of shape (n, n_outputs)
            Values.
        """
        return self.Z @ parameters

    def _solve(self, diagonal: Any, right: Any) -> Any:
        Z, xp = self.Z, namespace_of(right)
        dense = Z.toarray() if sparse.issparse(Z) else Z
        inner = self.penalty.matmat(dense)
        if diagonal is not None:
            inner = inner + diagonal[:, None] * dense
        system = Z.T @ inner
        eye = xp.eye(system.shape[0], dtype=system.dtype, device=device(right))
        system = (system + system.T) / 2 + self.ridge * eye
        return xp.linalg.solve(system, right)


def _shares(S: Any) -> Any:
    return S / float(namespace_of(S).sum(S))


def _symmetric(G: Any) -> Any:
    return (G + G.T) / 2


def _unit_columns(rows: np.ndarray, n: int, like: Any) -> Any:
    columns = np.zeros((n, len(rows)))
    columns[rows, np.arange(len(rows))] = 1
    return asarray_like(columns, like)
