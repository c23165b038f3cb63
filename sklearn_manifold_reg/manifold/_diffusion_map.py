"""Diffusion maps: estimator."""

from numbers import Real
from typing import Any

from sklearn_manifold_reg._arrays import namespace_of
from sklearn_manifold_reg.graph import (
    LaplacianEigenpairs,
    NeighborsGraph,
    is_pairwise,
)
from sklearn_manifold_reg.manifold._geometric_harmonics import (
    fit_geometric_harmonics,
)
from sklearn_manifold_reg.manifold._graph_embedding import GraphEmbedding
from sklearn_manifold_reg.utils._sklearn import (
    Interval,
    StrOptions,
    validate_params_on_fit,
)

# Of the default graph: on spheres of even and of uneven density, eigenvalues with
# alpha=1 then come as near to their limits as with all pairs within a radius.
_N_NEIGHBORS = 30


class DiffusionMap(GraphEmbedding):
    """Coordinates whose distances are those of a diffusion along the graph.

    With weights W and their row sums q, the density of the samples is taken out by

        W_alpha = W_ij / (q_i q_j)^alpha,    P = D_alpha^-1 W_alpha,

    a random walk with stationary distribution pi, eigenvalues 1 - lambda and right
    eigenfunctions psi of mean square 1 under pi. Column j of the embedding is
    (1 - lambda_j)^t psi_j, t being `diffusion_time`. With all n - 1 columns the squared
    distance of two rows is

        sum_u (P^t_iu - P^t_ju)² / pi_u,

    how differently the walk is spread after t steps from either of them [1]_.

    Parameters
    ----------
    n_components : int, default=2
        Number of columns; at most the number of rows less 1.
    graph : graph builder, "precomputed" or None, default=None
        Builder such as `RadiusGraph(0.3, weights="heat")`. None takes
        `NeighborsGraph(n_neighbors=30, weights="heat")`, not the default of other
        estimators: `alpha` has its meaning for weights that are one function of
        distance everywhere, cut off where they are small. With "precomputed", `X` is
        the affinity itself.
    alpha : float, default=1.0
        Exponent of the density, in [0, 1]. On samples of a manifold 1 gives
        the Laplace-Beltrami operator whatever their density, 0.5 the Fokker-Planck
        operator, 0 the ordinary graph Laplacian, which the density bends.
    diffusion_time : float, default=1.0
        Steps t of the walk. Larger values shrink all columns but the first ones; 0
        leaves all columns with mean square 1.
    extension : {"nystroem", "geometric_harmonics"}, default="nystroem"
        How new rows are embedded, see Notes.
    condition : float, default=1e4
        Largest factor by which "geometric_harmonics" may magnify errors: eigenfunctions
        of the kernel are used down to this fraction of its largest eigenvalue. A
        larger value follows the columns more closely on the training rows, and is
        less sure beyond them.
    solver : {"auto", "dense", "chebyshev", "lobpcg", "arpack", "shift-invert"}, \
default="auto"
        Eigensolver, see `sklearn_manifold_reg.linalg.lowest_eigenpairs`.
    tol : float, default=1e-6
        Residual norm at which the eigensolver stops, relative to the largest
        eigenvalue.
    max_iter : int or None, default=None
        Largest number of steps of the eigensolver; None leaves it to the solver.
    random_state : int, RandomState instance or None, default=0
        Seed of the eigensolver, and of the rows that "geometric_harmonics" is fitted on
        when there are more than 1000.
    n_jobs : int or None, default=None
        Threads of the eigensolver; None takes all cores. The result does not depend on
        it.

    Attributes
    ----------
    embedding_ : array of shape (n_samples, n_components)
        Coordinates of the training rows.
    eigenvalues_ : array of shape (n_components,)
        Eigenvalues lambda of I - P, ascending, without the first, 0.
    eigenpairs_ : LaplacianEigenpairs
        The same with residual norms, the functions psi and the solver that was used.
    harmonics_ : GeometricHarmonics or None
        Extension to new rows, with the `bandwidths` and the `misfits` on the training
        rows of each column; None for "nystroem".
    n_dropped_ : int
        Number of eigenpairs left out before the first column: 1.
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
    SpectralEmbedding : Laplacian eigenmaps, the case alpha = 0 and t = 0.

    Notes
    -----
    Columns are defined up to sign: the factor used is |1 - lambda|^t, which is the
    one above or its negative. A row has no edge to itself, unlike in [1]_.

    *New rows.* "nystroem" takes the mean of the neighbors' coordinates, weighted by
    affinity and divided by 1 - lambda; it needs neighbors, and never leaves the range
    of their coordinates by much. Columns with lambda of 1 or more get 0.
    "geometric_harmonics" [2]_ instead writes each column as a combination of
    eigenfunctions of a Gaussian kernel exp(-|x - x'|² / bandwidth²) of Euclidean
    distances, whose values are known everywhere. The bandwidth of a column is the
    widest, among the largest distance and its halves, quarters, ..., at which
    eigenfunctions within `condition` miss it by at most 1 % (root mean square): slow
    columns reach farther than fast ones, and all fall to 0 away from the data. It
    needs rows in a Euclidean space, not a precomputed affinity. Both give rows that
    repeat a training row its coordinates.

    *Graphs in pieces* are treated as in `SpectralEmbedding`.

    Cost: the graph; then tens of products of W with n_components columns. Memory is
    O(nnz(W) + n_samples * n_components). "geometric_harmonics" decomposes kernels of up
    to 1000 rows, drawn at random where there are more, for each bandwidth tried.

    References
    ----------
    .. [1] R. R. Coifman, S. Lafon, "Diffusion maps", Applied and Computational
       Harmonic Analysis 21, 2006, doi:10.1016/j.acha.2006.04.006.
    .. [2] R. R. Coifman, S. Lafon, "Geometric harmonics: a novel tool for multiscale
       out-of-sample extension of empirical functions", Applied and Computational
       Harmonic Analysis 21, 2006, doi:10.1016/j.acha.2005.07.005.

    Examples
    --------
    A circle, sampled twice as densely on one side, has eigenvalues in the proportion
    1 : 4 : 9, each twice:

    >>> import numpy as np
    >>> from sklearn_manifold_reg.manifold import DiffusionMap
    >>> angle = np.linspace(0, 2 * np.pi, 1000, endpoint=False)
    >>> angle = angle + np.sin(angle) / 3
    >>> X = np.column_stack([np.cos(angle), np.sin(angle)])
    >>> values = DiffusionMap(n_components=6).fit(X).eigenvalues_
    >>> means = values.reshape(3, 2).mean(axis=1)
    >>> np.round(means / means[0], 1)
    array([1., 4., 9.])
    """

    _parameter_constraints: dict = {
        **GraphEmbedding._parameter_constraints,
        "alpha": [Interval(Real, 0, 1, closed="both")],
        "diffusion_time": [Interval(Real, 0, None, closed="left")],
        "extension": [StrOptions({"nystroem", "geometric_harmonics"})],
        "condition": [Interval(Real, 1, None, closed="neither")],
    }

    def __init__(
        self,
        n_components=2,
        graph=None,
        *,
        alpha=1.0,
        diffusion_time=1.0,
        extension="nystroem",
        condition=1e4,
        solver="auto",
        tol=1e-6,
        max_iter=None,
        random_state=0,
        n_jobs=None,
    ):
        self.n_components = n_components
        self.graph = graph
        self.alpha = alpha
        self.diffusion_time = diffusion_time
        self.extension = extension
        self.condition = condition
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
        self : DiffusionMap
            Fitted.

        Raises
        ------
        ValueError
            If X has one row only or holds NaN, `solver` does not work on its library,
            or `extension="geometric_harmonics"` meets a precomputed graph.

        Warns
        -----
        ConvergenceWarning
            If a residual does not meet `tol`.
        UserWarning
            If the graph has several components, or too few rows for `n_components`;
            or if geometric harmonics miss a column by more than 1 %.
        """
        harmonic = self.extension == "geometric_harmonics"
        if harmonic and is_pairwise(self.graph):
            raise ValueError(
                'extension="geometric_harmonics" needs rows, and X holds affinities or '
                'distances; take extension="nystroem".'
            )
        X = self._validate(X, reset=True)
        n_neighbors = min(_N_NEIGHBORS, X.shape[0] - 1)
        default = NeighborsGraph(n_neighbors, weights="heat")
        graph, pairs = self._decompose(
            X, default, 1, normalization="density", alpha=self.alpha
        )
        embedding = pairs.functions * self._decay(pairs)
        self.harmonics_ = None
        if harmonic:
            self.harmonics_ = fit_geometric_harmonics(
                X, embedding, condition=self.condition, random_state=self.random_state
            )
        return self._store(graph, pairs, embedding, 1)

    def _extend(self, X: Any, affinity: Any) -> Any:
        if self.harmonics_ is not None:
            return self.harmonics_(X)
        return self.eigenpairs_.extend(affinity) * self._decay(self.eigenpairs_)

    def _decay(self, pairs: LaplacianEigenpairs) -> Any:
        xp = namespace_of(pairs.values)
        return (xp.abs(1 - pairs.values) ** float(self.diffusion_time))[None, :]
