"""Graph-regularized non-negative matrix factorization."""

from typing import Any

from sklearn_manifold_reg.decomposition._graph_factorization import GraphFactorization
from sklearn_manifold_reg.utils._sklearn import validate_params_on_fit


class GraphRegularizedNMF(GraphFactorization):
    """Non-negative matrix factorization whose codes are smooth on a graph.

    Rows X ~ W H get codes W that are alike where a graph links them:

        min 1/2 ||X - W H||² + graph_alpha/2 tr(W' L W)   over W >= 0, H >= 0,

    L being the Laplacian D - S of the affinity S of the graph. The codes serve as
    features for clustering.

    Parameters
    ----------
    n_components : int, default=2
        Number K of components.
    graph : graph builder or None, default=None
        Builder such as `NeighborsGraph(n_neighbors=5)`; None takes
        `NeighborsGraph()`. X holds the data, so "precomputed" is refused.
    graph_alpha : float, default=100.0
        Weight of differences between linked rows, relative to the fit for components
        of norm one. Larger values make codes smoother; 0 does without a graph.
    scaling : {"unit_norm", "none"}, default="unit_norm"
        Whether rows of H have Euclidean norm one. Without that, codes could avoid the
        penalty by being small, so "none" needs `graph_alpha=0`.
    solver : {"cd", "mu"}, default="cd"
        "cd" is block coordinate descent with exact steps; "mu" are multiplicative
        updates, slower.
    init : {"vca", "spa", "nfindr", "kmeans", "nndsvd", "random"} or array-like of \
shape (n_components, n_features), default="kmeans"
        First components: rows found by the extractor of that name ("vca", "spa",
        "nfindr"), centers of clusters ("kmeans"), non-negative parts of singular
        vectors ("nndsvd" [2]_), rows drawn at random ("random"), or given ones.
        Negative entries become 0.
    n_init : int, default=1
        Number of runs from different starts, of which that of least objective is
        taken.
    tol : float, default=1e-6
        Share of the objective by which two sweeps in a row must lower it to go on.
    max_iter : int, default=200
        Largest number of sweeps.
    accelerate : bool, default=True
        Whether "cd" extrapolates codes between sweeps, which takes fewer of them. The
        objective still never rises. "mu" does without.
    random_state : int, RandomState instance or None, default=None
        Seed of the first components.
    n_jobs : int or None, default=None
        Threads, for NumPy only; None takes all cores. The result does not depend on
        it.

    Attributes
    ----------
    components_ : array of shape (n_components, n_features)
        Components H.
    abundances_ : array of shape (n_samples, n_components)
        Codes W of the training rows.
    graph_ : graph builder or None
        The fitted graph; None for `graph_alpha=0`.
    objective_ : float
        The objective in the end.
    objective_history_ : array of shape (n_iter_ + 1,)
        The objective at the start and after each sweep.
    reconstruction_err_ : float
        Frobenius norm of X - W H.
    projected_gradient_norm_ : float
        How far W and H are from a stationary point, relative to the gradient of the
        fit; zero at stationary points.
    component_indices_ : integer array of shape (n_components,) or None
        Training rows that the first components were, if rows were.
    n_iter_ : int
        Number of sweeps of the best run.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where X has any.

    See Also
    --------
    SSNMF : Sparse abundances too; for unmixing of pixels.
    sklearn.decomposition.NMF : Without a graph.

    Notes
    -----
    The problem is that of `SSNMF` with `alpha=0`, and so are the solvers and what is
    said of arrays there. With
    `scaling="unit_norm"` the weight of the graph keeps its meaning as sweeps go on;
    [1]_ scales components once, in the end. `transform` takes no neighbors into
    account: a new row gets the code that fits it best.

    References
    ----------
    .. [1] D. Cai, X. He, J. Han, T. S. Huang, "Graph regularized nonnegative matrix
       factorization for data representation", IEEE Transactions on Pattern Analysis
       and Machine Intelligence 33 (2011), doi:10.1109/TPAMI.2010.231.

    .. [2] C. Boutsidis, E. Gallopoulos, "SVD based initialization: a head start for
       nonnegative matrix factorization", Pattern Recognition 41, 2008,
       doi:10.1016/j.patcog.2007.09.010.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.decomposition import GraphRegularizedNMF
    >>> from sklearn_manifold_reg.graph import NeighborsGraph
    >>> rng = np.random.default_rng(0)
    >>> centers = np.repeat([[1.0, 0.0, 0.2], [0.0, 1.0, 0.2]], 20, axis=0)
    >>> X = centers + 0.1 * rng.random((40, 3))
    >>> graph = NeighborsGraph(connectivity="mst")
    >>> model = GraphRegularizedNMF(2, graph, graph_alpha=1.0, random_state=0)
    >>> codes = model.fit_transform(X)
    >>> groups = np.argmax(codes, axis=1)
    >>> bool(np.all(groups == groups[[0, -1]].repeat(20)))
    True
    """

    def __init__(
        self,
        n_components=2,
        graph=None,
        *,
        graph_alpha=100.0,
        scaling="unit_norm",
        solver="cd",
        init="kmeans",
        n_init=1,
        tol=1e-6,
        max_iter=200,
        accelerate=True,
        random_state=None,
        n_jobs=None,
    ):
        self.n_components = n_components
        self.graph = graph
        self.graph_alpha = graph_alpha
        self.scaling = scaling
        self.solver = solver
        self.init = init
        self.n_init = n_init
        self.tol = tol
        self.max_iter = max_iter
        self.accelerate = accelerate
        self.random_state = random_state
        self.n_jobs = n_jobs

    @validate_params_on_fit(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Factorize X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, non-negative.
        y : None
            Ignored.

        Returns
        -------
        self : GraphRegularizedNMF
            The fitted estimator.

        Raises
        ------
        ValueError
            If X has a negative entry or zeros only, if `init` does not fit, if the
            graph would be X itself, or if `scaling="none"` leaves no minimum.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` was too small.
        UserWarning
            If `n_components` is more than X has rows or columns, or the graph falls
            apart.
        """
        return self._fit(X)

    def _terms(self, X: Any, n_components: int) -> dict[str, Any]:
        return {"alpha": 0.0, "row_weight": 0.0, "simplex": False}

    def _graph_weight(self, affinity: Any) -> float:
        return float(self.graph_alpha)
