"""Null spaces of graph operators: one vector for each component of the graph."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import (
    CSR,
    asarray_like,
    device,
    namespace_of,
    to_numpy,
)
from sklearn_manifold_reg.linalg._operators import DenseOperator


@dataclass(frozen=True, eq=False)
class NullSpace:
    """Vectors that are zero outside one component each, without a dense block.

    Component c has the unit vector along `weights` restricted to the nodes with
    label c: constants for L = D - W, square roots of degrees for the symmetric form.

    Attributes
    ----------
    labels : integer ndarray of shape (n,)
        Component of each node, 0..n_components - 1; -1 for nodes outside.
    weights : array of shape (n,), default=None
        Entries of the vectors before normalization. None stands for ones.

    Notes
    -----
    Projections cost O(n c) and keep two sparse matrices with n entries. They work in
    float64 on the host and in the block's dtype elsewhere.
    """

    labels: np.ndarray
    weights: Any = None

    @property
    def n_components(self) -> int:
        """Number of vectors."""
        return int(np.max(self.labels, initial=-1)) + 1

    def restricted_to(self, components: np.ndarray) -> "NullSpace":
        """Keep the vectors of some components.

        Parameters
        ----------
        components : boolean ndarray of shape (n_components,)
            Which to keep.

        Returns
        -------
        null_space : NullSpace
            With components numbered anew.
        """
        numbers = np.where(components, np.cumsum(components) - 1, -1)
        labels = np.where(self.labels >= 0, numbers[self.labels], -1)
        return NullSpace(labels, self.weights)

    def basis(self, reference: Any) -> tuple[CSR, CSR]:
        """Give the vectors as sparse matrices.

        Parameters
        ----------
        reference : array
            Array whose library, device and dtype are taken.

        Returns
        -------
        rows : CSR of shape (n_components, n)
            One vector a row.
        columns : CSR of shape (n, n_components)
            The transpose.
        """
        labels = np.asarray(self.labels)
        n, kept = len(labels), np.flatnonzero(labels >= 0)
        weights = np.ones(n) if self.weights is None else to_numpy(self.weights)
        weights = weights[kept].astype(np.float64)
        squares = np.bincount(
            labels[kept], weights=weights**2, minlength=self.n_components
        )
        scale = np.sqrt(np.where(squares > 0, squares, 1.0))
        data = weights / scale[labels[kept]]
        indptr = np.zeros(n + 1, dtype=np.int32)
        np.cumsum(labels >= 0, out=indptr[1:])
        columns = CSR(
            indptr, labels[kept].astype(np.int32), data, (n, self.n_components)
        )
        return _like(columns.transpose(), reference), _like(columns, reference)

    def project(self, B: Any) -> Any:
        """Remove the part of a block that lies in the null space.

        Parameters
        ----------
        B : array of shape (n, n_outputs)
            Block.

        Returns
        -------
        projected : array of shape (n, n_outputs)
            Orthogonal to every vector.
        """
        rows, columns = self.basis(B)
        return B - columns.matmat(rows.matmat(B))


@dataclass(frozen=True, eq=False)
class DenseNullSpace:
    """A null space given by orthonormal columns.

    Attributes
    ----------
    vectors : array of shape (n, n_vectors)
        Orthonormal columns.
    """

    vectors: Any

    def project(self, B: Any) -> Any:
        """Remove the part of a block that lies in the null space.

        Parameters
        ----------
        B : array of shape (n, n_outputs)
            Block.

        Returns
        -------
        projected : array of shape (n, n_outputs)
            Orthogonal to every vector.
        """
        vectors = asarray_like(self.vectors, B)
        return B - vectors @ (DenseOperator(vectors).adjoint() @ B)


def as_null_space(null_space: Any) -> "NullSpace | DenseNullSpace | None":
    """Take a description of a null space.

    Parameters
    ----------
    null_space : NullSpace, array of shape (n, n_vectors) or None
        Component description, or orthonormal columns.

    Returns
    -------
    null_space : NullSpace, DenseNullSpace or None
        Object with a `project` method, or None.

    Raises
    ------
    ValueError
        If an array does not have orthonormal columns.
    """
    if null_space is None or isinstance(null_space, NullSpace | DenseNullSpace):
        return null_space
    xp = namespace_of(null_space)
    if null_space.ndim != 2:
        raise ValueError(
            f"`null_space` is a NullSpace or an array of columns of shape (n, c), got "
            f"{null_space.ndim} dimensions."
        )
    gram = null_space.T @ null_space
    eye = xp.eye(gram.shape[0], dtype=gram.dtype, device=device(gram))
    if gram.shape[0] and float(xp.max(xp.abs(gram - eye))) > 1e-4:
        raise ValueError("The columns of `null_space` are not orthonormal.")
    return DenseNullSpace(null_space)


def _like(csr: CSR, reference: Any) -> CSR:
    indptr, indices = (asarray_like(p, reference) for p in (csr.indptr, csr.indices))
    return CSR(indptr, indices, asarray_like(csr.data, reference), csr.shape)
