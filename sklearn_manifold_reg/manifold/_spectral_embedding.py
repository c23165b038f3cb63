"""Laplacian eigenmaps: estimator."""

from typing import Any

from sklearn_manifold_reg._arrays import asarray_like, namespace_of
from sklearn_manifold_reg.graph import LaplacianEigenpairs, NeighborsGraph
from sklearn_manifold_reg.manifold._component_functions import node_shares
from sklearn_manifold_reg.manifold._graph_embedding import GraphEmbedding
from sklearn_manifold_reg.utils._sklearn import StrOptions, validate_params_on_fit


class SpectralEmbedding(GraphEmbedding):
    """Laplacian eigenmaps: coordinates that vary least along the edges of a graph.

    With weights W, degrees d and D = diag(d), the columns of the embedding Y minimize

        sum_ij W_ij |y_i - y_j|²

    among columns of mean square 1 that are uncorrelated, to each other and to the
    constant, where node i counts d_i times [1]_: eigenfunctions of the lowest
    eigenvalues of I - D^-1 W.

    Parameters
    ----------
    n_components : int, default=2
        Number of columns; at most the number of rows, less 1 with `drop_first`.
    graph : graph builder, "precomputed" or None, default=None
        Builder such as `NeighborsGraph(n_neighbors=15)`; None takes
        `NeighborsGraph()`. With "precomputed", `X` is the affinity itself.
    normalization : {"random-walk", "symmetric"} or None, default="random-walk"
        Laplacian: "random-walk" as above; "symmetric" gives eigenvectors of
        I - D^-1/2 W D^-1/2, which are those functions times sqrt(d_i / mean(d)); None
        those of D - W, in whose constraints all nodes count alike.
    drop_first : bool, default=True
        Whether the constant, or sqrt(d) for "symmetric", is left out: it belongs to
        eigenvalue 0 on every graph and says nothing. Of a graph in c pieces the other
        c - 1 columns of eigenvalue 0 stay, see Notes.
    solver : {"auto", "dense", "chebyshev", "lobpcg", "arpack", "shift-invert"}, \
default="auto"
        Eigensolver, see `sklearn_manifold_reg.linalg.lowest_eigenpairs`.
    tol : float, default=1e-6
        Residual norm at which the eigensolver stops, relative to the largest
        eigenvalue.
    max_iter : int or None, default=None
        Largest number of steps of the eigensolver; None leaves it to the solver.
    random_state : int, RandomState instance or None, default=0
        Seed of the eigensolver.
    n_jobs : int or None, default=None
        Threads of the eigensolver; None takes all cores. The result does not depend on
        it.

    Attributes
    ----------
    embedding_ : array of shape (n_samples, n_components)
        Coordinates of the training rows. Columns have mean square 1 by degrees for
        "random-walk", and by rows else; the entry of largest size is positive.
    eigenvalues_ : array of shape (n_components,)
        Eigenvalue of each column, ascending.
    eigenpairs_ : LaplacianEigenpairs
        The same with residual norms and the solver that was used.
    n_dropped_ : int
        Number of eigenpairs left out before the first column, 0 or 1.
    n_iter_ : int
        Steps of the eigensolver; 1 for a dense decomposition.
    graph_ : graph builder
        The fitted graph.
    n_features_in_ : int
        Number of columns of `X`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where `X` has any.

    See Also
    --------
    DiffusionMap : Takes out the density of the samples, and scales columns so that
        distances are those of a diffusion.
    sklearn.manifold.SpectralEmbedding : Same columns up to their lengths; no
        `transform`, no eigenvalues.

    Notes
    -----
    *New rows.* A row gets the mean of the coordinates of its neighbors among training
    rows, weighted by affinity and divided by 1 - eigenvalue, which is what holds for
    training rows (Nyström extension [2]_). Rows that repeat a training row get its
    coordinates. With "symmetric", the degree of a new row is that of its own edges,
    which are not symmetrized. Rows without neighbors get 0, and so do columns whose
    eigenvalue is 1 or more, which swing from neighbor to neighbor.

    *Graphs in c pieces* have eigenvalue 0 c times, with every function that is constant
    on each piece. The constant itself comes first. Then column k sets the k-th heaviest
    piece, by its sum of degrees, apart from all lighter ones, and is 0 on heavier ones:
    with c - 1 such columns no two pieces lie in the same place. All later columns are
    functions inside of pieces. That is the limit of pieces that are tied by vanishing
    weights. A warning tells how many columns are used up in this way. Isolated nodes
    are pieces with the mean degree of others.

    Cost: the graph; then tens of products of W with n_components columns. Memory is
    O(nnz(W) + n_samples * n_components).

    References
    ----------
    .. [1] M. Belkin, P. Niyogi, "Laplacian eigenmaps for dimensionality reduction and
       data representation", Neural Computation 15, 2003,
       doi:10.1162/089976603321780317.
    .. [2] Y. Bengio, J.-F. Paiement, P. Vincent, O. Delalleau, N. Le Roux, M. Ouimet,
       "Out-of-sample extensions for LLE, Isomap, MDS, eigenmaps, and spectral
       clustering", NIPS 2003.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.manifold import SpectralEmbedding
    >>> angle = np.linspace(0, 5, 200)
    >>> X = np.column_stack([np.cos(angle), np.sin(angle)])
    >>> embedding = SpectralEmbedding(n_components=1).fit_transform(X)
    >>> order = np.argsort(embedding[:, 0])
    >>> bool(np.all(np.diff(angle[order]) > 0) or np.all(np.diff(angle[order]) < 0))
    True
    """

    _parameter_constraints: dict = {
        **GraphEmbedding._parameter_constraints,
        "normalization": [StrOptions({"random-walk", "symmetric"}), None],
        "drop_first": ["boolean"],
    }

    def __init__(
        self,
        n_components=2,
        graph=None,
        *,
        normalization="random-walk",
        drop_first=True,
        solver="auto",
        tol=1e-6,
        max_iter=None,
        random_state=0,
        n_jobs=None,
    ):
        self.n_components = n_components
        self.graph = graph
        self.normalization = normalization
        self.drop_first = drop_first
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state
        self.n_jobs = n_jobs

    @validate_params_on_fit(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Embed the rows of X.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)
            Rows; with `graph="precomputed"` the affinity of shape
            (n_samples, n_samples).
        y : None
            Ignored.

        Returns
        -------
        self : SpectralEmbedding
            Fitted.

        Raises
        ------
        ValueError
            If X has one row only or holds NaN, or `solver` does not work on its
            library.

        Warns
        -----
        ConvergenceWarning
            If a residual does not meet `tol`.
        UserWarning
            If the graph has several components, or too few rows for `n_components`.
        """
        X = self._validate(X, reset=True)
        n_dropped = int(self.drop_first)
        graph, pairs = self._decompose(
            X, NeighborsGraph(), n_dropped, normalization=self.normalization
        )
        embedding = pairs.functions
        if self.normalization == "symmetric":
            embedding = embedding * _relative_roots(pairs)
        return self._store(graph, pairs, embedding, n_dropped)

    def _extend(self, X: Any, affinity: Any) -> Any:
        extended = self.eigenpairs_.extend(affinity)
        if self.normalization == "symmetric":
            extended = extended * self._root_degrees(affinity)
        return extended

    def _root_degrees(self, affinity: Any) -> Any:
        """Square roots of degrees of new rows, in units of the training rows' mean."""
        degrees = self.eigenpairs_.operator.degrees
        xp = namespace_of(degrees)
        linked = xp.sum(xp.astype(degrees > 0, degrees.dtype))
        mean = xp.sum(degrees) / xp.where(linked > 0, linked, xp.ones_like(linked))
        rows = affinity.row_sums() / xp.where(mean > 0, mean, xp.ones_like(mean))
        return xp.astype(xp.sqrt(rows), self.embedding_.dtype)[:, None]


def _relative_roots(pairs: LaplacianEigenpairs) -> Any:
    """Square roots of degrees in units of their mean."""
    shares = node_shares(pairs.operator)
    return asarray_like((shares * len(shares)) ** 0.5, pairs.functions)[:, None]
