"""Graph Laplacians as operators."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import CSR, namespace_of, to_numpy
from sklearn_manifold_reg.graph._connectivity import connected_components
from sklearn_manifold_reg.graph._graph import Graph
from sklearn_manifold_reg.linalg import NullSpace, Operator, SparseOperator

NORMALIZATIONS = ("symmetric", "random-walk", "density", None)


@dataclass(frozen=True, eq=False)
class GraphOperator(Operator):
    """Laplacian of a graph: `diag(diagonal_part) - csr`.

    Made by `laplacian`. A regularized system `diag(s) + c L` is one fused product:
    `SparseOperator(L.csr, diagonal=s + c * L.diagonal_part, scale=-c)`.

    Attributes
    ----------
    csr : CSR of shape (n, n)
        Normalized weights.
    diagonal_part : array of shape (n,)
        Degrees for `normalization=None`, otherwise ones; zero at nodes without
        edges in every case.
    degrees : array of shape (n,)
        Row sums of the weights, after the density correction if there is one.
    normalization : {"symmetric", "random-walk", "density"} or None
        Form of the Laplacian.
    component_labels : ndarray of shape (n,), int32
        Connected component of each node, on the host.
    n_components : int
        Number of connected components, the dimension of the null space.
    density_factor : array of shape (n,) or None
        Power of the original degrees that the density correction scales weights by.
    """

    csr: CSR
    diagonal_part: Any
    degrees: Any
    normalization: str | None
    component_labels: np.ndarray
    n_components: int
    density_factor: Any = None

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""
        return self.csr.shape

    @property
    def dtype(self) -> Any:
        """Dtype of the weights."""
        return self.csr.dtype

    def to_sparse(self) -> SparseOperator:
        """Give the same matrix as a sparse operator.

        Returns
        -------
        operator : SparseOperator
            Shares memory with this operator.
        """
        return SparseOperator(self.csr, diagonal=self.diagonal_part, scale=-1.0)

    def matmat(self, B: Any) -> Any:
        """Multiply a block in one pass over the graph.

        Parameters
        ----------
        B : array of shape (n,) or (n, n_outputs)
            Functions on the nodes.

        Returns
        -------
        product : array of the shape of B
            L @ B.
        """
        return self.to_sparse().matmat(B)

    def adjoint(self) -> Operator:
        """Give the transpose.

        Returns
        -------
        adjoint : Operator
            This operator where it is symmetric.
        """
        if self.normalization == "random-walk":
            return self.to_sparse().adjoint()
        return self

    def diagonal(self) -> Any:
        """Give the main diagonal.

        Returns
        -------
        diagonal : array of shape (n,)
            Differs from `diagonal_part` by the weights of self-loops.
        """
        return self.to_sparse().diagonal()

    def to_csr(self) -> CSR:
        """Assemble the matrix.

        Returns
        -------
        csr : CSR of shape (n, n)
            On the host.
        """
        return self.to_sparse().to_csr()

    def null_space(self) -> NullSpace:
        """Describe the functions f with L f = 0.

        Returns
        -------
        null_space : NullSpace
            One function for each component: constant, or along the square roots
            of the degrees for the symmetric forms.
        """
        if self.normalization in (None, "random-walk"):
            return NullSpace(self.component_labels)
        # An isolated node is alone in its component; any weight but zero will do.
        degrees = to_numpy(self.degrees)
        weights = np.sqrt(np.where(degrees > 0, degrees, 1))
        return NullSpace(self.component_labels, weights)

    def energy(self, F: Any) -> Any:
        """Compute the Dirichlet energy of functions on the nodes.

        Parameters
        ----------
        F : array of shape (n,) or (n, n_outputs)
            Functions.

        Returns
        -------
        energy : float or array of shape (n_outputs,)
            The value f' L f of each column; for `normalization=None` the sum of
            w_ij (f_i - f_j)² over edges.
        """
        xp = namespace_of(F)
        energy = xp.sum(F * self.matmat(F), axis=0)
        return float(energy) if F.ndim == 1 else energy


def laplacian(
    affinity: Any, *, normalization: str | None = "symmetric", alpha: float = 0.5
) -> GraphOperator:
    """Build the Laplacian of a graph.

    With weights W, degrees d and D = diag(d), it is

    - `None`: L = D - W, combinatorial;
    - "symmetric": I - D^-1/2 W D^-1/2;
    - "random-walk": I - D^-1 W, which is not symmetric;
    - "density": the symmetric form of the weights Q^-alpha W Q^-alpha, Q = D: what
      diffusion maps use to discount the sampling density. alpha=1 tends to the
      Laplace-Beltrami operator whatever the density, alpha=1/2 to the
      Fokker-Planck operator, alpha=0 is "symmetric".

    Parameters
    ----------
    affinity : sparse array or matrix, CSR or Graph of shape (n, n)
        Symmetric, non-negative weights, such as the `affinity_` of a graph builder.
    normalization : {"symmetric", "random-walk", "density"} or None, \
default="symmetric"
        Form of the Laplacian.
    alpha : float, default=0.5
        Exponent of the density, for "density" only.

    Returns
    -------
    operator : GraphOperator
        Positive semi-definite operator of the library, device and dtype of the
        affinity. Rows of isolated nodes are zero, so that the null space has one
        dimension for each connected component.

    Raises
    ------
    ValueError
        If `normalization` is unknown or the affinity is not square.

    Notes
    -----
    Degrees are summed in float64. Takes O(n + nnz) time and memory.

    References
    ----------
    .. [1] U. von Luxburg, "A tutorial on spectral clustering", Statistics and
       Computing 17, 2007, https://doi.org/10.1007/s11222-007-9033-z
    .. [2] R. R. Coifman, S. Lafon, "Diffusion maps", Applied and Computational
       Harmonic Analysis 21, 2006, https://doi.org/10.1016/j.acha.2006.04.006

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_array
    >>> from sklearn_manifold_reg.graph import laplacian
    >>> W = csr_array([[0.0, 1, 0], [1, 0, 2], [0, 2, 0]])
    >>> L = laplacian(W, normalization=None)
    >>> L @ np.array([1.0, 0.0, 0.0])
    array([ 1., -1.,  0.])
    >>> L.energy(np.array([1.0, 0.0, 2.0]))
    9.0
    """
    if normalization not in NORMALIZATIONS:
        raise ValueError(
            f"normalization={normalization!r} is unknown; choose one of "
            f"{NORMALIZATIONS}."
        )
    csr = as_csr(affinity)
    n_components, labels = connected_components(csr)
    degrees = csr.row_sums()
    density = None
    if normalization == "density":
        density = factor = _power(degrees, -alpha)
        csr = csr.scale(left=factor, right=factor)
        degrees = csr.row_sums()
    diagonal = degrees
    if normalization == "random-walk":
        csr = csr.scale(left=_power(degrees, -1.0))
    elif normalization is not None:
        factor = _power(degrees, -0.5)
        csr = csr.scale(left=factor, right=factor)
    if normalization is not None:
        xp = namespace_of(degrees)
        diagonal = xp.astype(degrees > 0, degrees.dtype)
    return GraphOperator(
        csr, diagonal, degrees, normalization, labels, n_components, density
    )


def as_csr(affinity: Any) -> CSR:
    """Take the weights of a graph in any of its forms.

    Parameters
    ----------
    affinity : sparse array or matrix, CSR or Graph of shape (n, n)
        Weights.

    Returns
    -------
    csr : CSR
        The same weights.

    Raises
    ------
    ValueError
        If the affinity is not square.
    """
    if isinstance(affinity, Graph):
        affinity = affinity.affinity
    csr = affinity if isinstance(affinity, CSR) else CSR.from_scipy(affinity)
    if csr.shape[0] != csr.shape[1]:
        raise ValueError(f"An affinity is square, got shape {csr.shape}.")
    return csr


def _power(degrees: Any, exponent: float) -> Any:
    """Power of the degrees; zero at isolated nodes."""
    xp = namespace_of(degrees)
    positive = degrees > 0
    safe = xp.where(positive, degrees, xp.ones_like(degrees))
    return xp.where(positive, safe**exponent, xp.zeros_like(degrees))
