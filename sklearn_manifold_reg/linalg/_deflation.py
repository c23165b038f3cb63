"""Deflation: take vectors that an operator nearly annihilates out of an iteration.

`S + c L` with few labeled nodes in S has one eigenvalue near zero for each component
of the graph. Iterations in float32 break down on them, and all others lose dozens of
steps. With Z these vectors, Y = A Z and E = Z^T Y, the operator `A - Y E^-1 Y^T`
annihilates Z and has, nearly, the rest of the spectrum of A. A solution x of it gives
the solution `x - Z E^-1 Y^T x` of A, for right-hand sides orthogonal to Z.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse.csgraph import connected_components

from sklearn_manifold_reg._arrays import CSR, asarray_like, namespace_of, to_numpy
from sklearn_manifold_reg.linalg._null_space import NullSpace
from sklearn_manifold_reg.linalg._operators import Operator, SparseOperator
from sklearn_manifold_reg.linalg._power_system import PowerSystem

# Rayleigh quotient, of a matrix with unit diagonal, below which a vector is taken out.
_SMALL = 0.05
# Components beyond which vectors cost more than they save.
_MAX_VECTORS = 1000


@dataclass(frozen=True, eq=False)
class Deflation:
    """Vectors taken out of an operator, one a component.

    Attributes
    ----------
    labels : integer ndarray of shape (n,)
        Vector that each node belongs to, -1 for none.
    rows, columns : CSR of shape (n_vectors, n) and (n, n_vectors)
        Z^T and Z, in float64.
    image_rows, image_columns : CSR of shape (n_vectors, n) and (n, n_vectors)
        Y^T and Y, sparse where few nodes are labeled.
    inverse_energies : array of shape (n_vectors,)
        Diagonal of E^-1; vectors of different components do not meet.
    touched : ndarray of int, shape (n_touched,), or slice
        Nodes with an entry in Y, which is one for each; a slice if all have one.
    gather : CSR of shape (n_vectors, n_touched)
        Y^T on those nodes.
    """

    labels: np.ndarray
    rows: CSR
    columns: CSR
    image_rows: CSR
    image_columns: CSR
    inverse_energies: Any
    touched: Any
    gather: CSR

    def downdate(self, X: Any, image: Any) -> Any:
        """Turn `A X` into `(A - Y E^-1 Y^T) X`.

        Parameters
        ----------
        X, image : array of shape (n, n_outputs)
            Block and its image under A; a NumPy image is overwritten.

        Returns
        -------
        image : array of shape (n, n_outputs)
            Image under the deflated operator.
        """
        parts = self._coefficients(X)
        if not isinstance(image, np.ndarray):
            change = self.image_columns.matmat(parts)
            return image - namespace_of(image).astype(change, image.dtype)
        entries = self.image_columns.data[:, None]
        image[self.touched] -= entries * parts[self.image_columns.indices]
        return image

    def complete(self, X: Any) -> Any:
        """Turn a solution of the deflated operator into one of A.

        Parameters
        ----------
        X : array of shape (n, n_outputs)
            Block.

        Returns
        -------
        X : array of shape (n, n_outputs)
            `X - Z E^-1 Y^T X`, in float64.
        """
        return X - self.columns.matmat(self._coefficients(X))

    def balance(self, R: Any) -> Any:
        """Solve for residuals on the span of the vectors.

        Parameters
        ----------
        R : array of shape (n, n_outputs)
            Residuals in float64.

        Returns
        -------
        X : array of shape (n, n_outputs)
            `Z E^-1 Z^T R`, after which residuals are orthogonal to Z.
        """
        parts = self.rows.matmat(R)
        return self.columns.matmat(self.inverse_energies[:, None] * parts)

    def _coefficients(self, X: Any) -> Any:
        xp = namespace_of(X)
        wide = self.image_rows.dtype
        if isinstance(X, np.ndarray):
            # Few nodes matter: they alone are widened.
            parts = self.gather.matmat(X[self.touched].astype(wide, copy=False))
        else:
            parts = self.image_rows.matmat(xp.astype(X, wide))
        return self.inverse_energies[:, None] * parts


@dataclass(frozen=True, eq=False)
class DeflatedOperator(Operator):
    """An operator without the vectors of a deflation.

    Attributes
    ----------
    operator : SparseOperator or PowerSystem
        The operator.
    deflation : Deflation
        What is taken out.
    """

    operator: SparseOperator | PowerSystem
    deflation: Deflation

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""
        return self.operator.shape

    @property
    def dtype(self) -> Any:
        """Dtype of the operator."""
        return self.operator.dtype

    def matmat(self, B: Any, *, out: Any = None) -> Any:
        """Multiply a block.

        Parameters
        ----------
        B : array of shape (n, n_outputs)
            Block.
        out : ndarray, default=None
            Where to write, for NumPy only.

        Returns
        -------
        product : array of shape (n, n_outputs)
            The image.
        """
        return self.deflation.downdate(B, self.operator.matmat(B, out=out))

    def adjoint(self) -> "DeflatedOperator":
        """Give the operator itself, which is symmetric.

        Returns
        -------
        adjoint : DeflatedOperator
            Itself.
        """
        return self


def find_deflation(
    operator: SparseOperator | PowerSystem, vector: Any, labels: np.ndarray | None
) -> Deflation | None:
    """Split a vector by components and keep the parts of small energy.

    Parameters
    ----------
    operator : SparseOperator or PowerSystem of shape (n, n)
        Symmetric, positive semi-definite, of unit diagonal, in float64.
    vector : array of shape (n,)
        Candidate, such as the scaled constants.
    labels : integer ndarray of shape (n,) or None
        Components, -1 for nodes outside. None finds those of a sparse operator on the
        host and takes one on a device for connected.

    Returns
    -------
    deflation : Deflation or None
        None if the vector has no small energy on any component, or if there are more
        than 1000 such components.
    """
    image = to_numpy(operator.matmat(vector))
    host = to_numpy(vector)
    if labels is None:
        if host @ image > _SMALL * (host @ host):
            return None
        labels = _components(operator)
    inside = labels >= 0
    count = int(labels.max(initial=-1)) + 1

    def sums(values: np.ndarray) -> np.ndarray:
        return np.bincount(labels[inside], weights=values[inside], minlength=count)

    squares, energies = sums(host**2), sums(host * image)
    # Exact zeros are null vectors, on which no right-hand side has a part.
    taken = (energies > 1e-14 * squares) & (energies < _SMALL * squares)
    if not 0 < taken.sum() <= _MAX_VECTORS:
        return None
    space = NullSpace(labels, host).restricted_to(taken)
    rows, columns = space.basis(vector)
    touched = (np.abs(image) > 1e-15 * np.abs(host)) & (space.labels >= 0)
    sizes = np.sqrt(squares[taken])[space.labels[touched]]
    indptr = np.zeros(len(host) + 1, dtype=np.int32)
    np.cumsum(touched, out=indptr[1:])
    parts = (indptr, space.labels[touched].astype(np.int32), image[touched] / sizes)
    places, members, entries = (asarray_like(part, vector) for part in parts)
    images = CSR(places, members, entries, columns.shape)
    inverse = asarray_like(squares[taken] / energies[taken], vector)
    image_rows = images.transpose()
    nodes: Any = slice(None)
    gather = image_rows
    if isinstance(vector, np.ndarray) and not touched.all():
        nodes = np.flatnonzero(touched)
        places = (np.cumsum(touched) - 1)[image_rows.indices].astype(np.int32)
        shape = (image_rows.shape[0], len(nodes))
        gather = CSR(image_rows.indptr, places, image_rows.data, shape)
    return Deflation(
        space.labels, rows, columns, image_rows, images, inverse, nodes, gather
    )


def _components(operator: SparseOperator | PowerSystem) -> np.ndarray:
    if isinstance(operator, PowerSystem):
        operator = operator.first
    if not isinstance(operator.csr.data, np.ndarray):
        return np.zeros(operator.shape[0], dtype=np.int32)
    return connected_components(operator.csr.to_scipy(), directed=False)[1]
