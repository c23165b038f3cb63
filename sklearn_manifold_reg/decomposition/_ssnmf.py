"""Structured sparse non-negative matrix factorization."""

import warnings
from numbers import Real
from typing import Any

from sklearn_manifold_reg.decomposition._graph_factorization import GraphFactorization
from sklearn_manifold_reg.decomposition._penalty_weights import (
    smoothness_weight,
    sparsity_weight,
)
from sklearn_manifold_reg.utils._sklearn import (
    Interval,
    StrOptions,
    validate_params_on_fit,
)


class SSNMF(GraphFactorization):
    """Structured sparse non-negative matrix factorization, for unmixing of pixels.

    Rows are mixtures of few non-negative endmembers, X ~ W H, with abundances W that
    are sparse and alike where a graph links rows:

        min 1/2 ||X - W H||² + graph_alpha/2 tr(W' L W) + alpha sum(W)
            + sum_to_one_weight/2 ||W 1 - 1||²   over W >= 0, H >= 0,

    L being the Laplacian D - S of the affinity S of the graph, and the last term being
    there for `sum_to_one="soft"` only.

    Parameters
    ----------
    n_components : int, default=3
        Number K of endmembers.
    graph : graph builder or None, default=None
        Builder such as `ImageGraph(shape=(height, width))` for the pixels of an image;
        None takes `NeighborsGraph()`. X holds the data, so "precomputed" is refused.
    alpha : float or "auto", default=0.03
        Weight of the sum of abundances, in the unit of X for endmembers of norm one.
        Larger values make abundances sparser, and pull endmembers into the data.
        "auto" goes by the size of X and its noise; take it where rows are far from
        norm one.
    graph_alpha : float or "auto", default=0.03
        Weight of differences between linked rows, relative to the fit. Larger values
        make abundances smoother, and push endmembers out of the data. 0 does without a
        graph. "auto" goes by the degrees of the graph.
    scaling : {"unit_norm", "none"}, default="unit_norm"
        Whether rows of H have Euclidean norm one. Without that, abundances could avoid
        the penalties by being small, so "none" needs a sum to one, or no penalty.
    sum_to_one : {"soft", "simplex"} or None, default=None
        Whether abundances of a row sum to one: about, exactly, or not. It goes with
        `scaling="none"`, or with rows of norm one.
    sum_to_one_weight : float, default=1.0
        Weight of the deviation from one for "soft".
    solver : {"cd", "mu"}, default="cd"
        "cd" is block coordinate descent with exact steps; "mu" are multiplicative
        updates, slower.
    init : {"vca", "spa", "nfindr", "kmeans", "nndsvd", "random"} or array-like of \
shape (n_components, n_features), default="vca"
        First endmembers: rows found by the extractor of that name ("vca", "spa",
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
        Whether "cd" extrapolates abundances between sweeps. That takes fewer sweeps,
        most of all where endmembers are alike; the objective still never rises. "mu"
        does without.
    random_state : int, RandomState instance or None, default=None
        Seed of the first endmembers.
    n_jobs : int or None, default=None
        Threads, for NumPy only; None takes all cores. The result does not depend on
        it.

    Attributes
    ----------
    components_ : array of shape (n_components, n_features)
        Endmembers H.
    abundances_ : array of shape (n_samples, n_components)
        Abundances W of the training rows.
    alpha_, graph_alpha_ : float
        Weights in use.
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
        Training rows that the first endmembers were, if rows were.
    n_iter_ : int
        Number of sweeps of the best run.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where X has any.

    See Also
    --------
    GraphRegularizedNMF : No sparsity, and a graph of neighbors; for clusters.
    sklearn.decomposition.NMF : Neither a graph nor constraints on scale.

    Notes
    -----
    "cd" goes by two exact steps in turn. An endmember of unit norm is the non-negative
    part of its residual direction, scaled. A row of abundances takes two passes of
    coordinate descent while its neighbors rest; rows go in an order of colors, in which
    neighbors differ, so that rows of one color can be done side by side. For
    "simplex" weight moves between the two entries whose exchange lowers the objective
    most. The objective never rises, up to rounding: with `accelerate` a sweep starts at
    abundances extrapolated from the last two [3]_, and is done again from where it came
    if that did not lower the objective.

    "mu" scales entries by ratios of non-negative parts of the gradient. With
    `scaling="unit_norm"` endmembers are scaled after each sweep, after which the
    objective may be higher than before. Entries start at 1e-6 at least, as updates
    cannot leave zero.

    A sweep takes 4 n p K + 2 nnz(S) K + O(n K²) multiplications; memory beside X and
    the graph is a few arrays of the shape of W.

    Arrays of another library stay on their device under scikit-learn's
    `array_api_dispatch`, where "cd" takes all rows of a color at once, with the same
    iterates up to rounding. The pattern of the graph alone comes to the host, to be
    colored. `ImageGraph` is built on the host: for pixels on a device take
    `graph=FrozenEstimator(ImageGraph(...).fit(X_host))`.

    The problem is not convex: results depend on the start. With exact sums to one the
    sparsity term is constant; with `alpha >= sum_to_one_weight` and free scale there
    is no minimum. The default of `alpha` suits pixels of norm about one.
    `alpha="auto"` is 0.015 of the root mean square norm of rows or, if that is larger,
    the standard deviation of what the best matrix of rank K leaves; it takes an
    eigenvalue problem of the smaller side of X. `graph_alpha="auto"` is 0.1 over the
    mean degree. `transform` minimizes without the graph, row by row.

    The first three terms are those of [1]_; the constraint of norm one and "cd" are
    ours. In float32 the objective is known to 1e-7 of ||X||² only, so that sweeps may
    end earlier.

    References
    ----------
    .. [1] F. Zhu, Y. Wang, S. Xiang, B. Fan, C. Pan, "Structured sparse method for
       hyperspectral unmixing", ISPRS Journal of Photogrammetry and Remote Sensing 88,
       2014, https://arxiv.org/abs/1403.4682

    .. [2] C. Boutsidis, E. Gallopoulos, "SVD based initialization: a head start for
       nonnegative matrix factorization", Pattern Recognition 41, 2008,
       doi:10.1016/j.patcog.2007.09.010.

    .. [3] A. M. S. Ang, N. Gillis, "Accelerating nonnegative matrix factorization
       algorithms using extrapolation", Neural Computation 31, 2019,
       doi:10.1162/neco_a_01157.

    Examples
    --------
    An image of two materials, the left half one, the right half the other:

    >>> import numpy as np
    >>> from sklearn_manifold_reg.decomposition import SSNMF
    >>> from sklearn_manifold_reg.graph import ImageGraph
    >>> spectra = np.array([[0.6, 0.8, 0.0], [0.0, 0.6, 0.8]])
    >>> left = np.repeat([[1.0, 0.9, 0.1, 0.0]], 4, axis=0).reshape(-1)
    >>> X = np.column_stack([left, 1 - left]) @ spectra
    >>> model = SSNMF(2, ImageGraph(shape=(4, 4)), init=spectra).fit(X)
    >>> model.abundance_fractions(X[:4]).round(1)
    array([[1. , 0. ],
           [0.9, 0.1],
           [0.1, 0.9],
           [0. , 1. ]])
    """

    _parameter_constraints: dict = {
        **GraphFactorization._parameter_constraints,
        "alpha": [Interval(Real, 0, None, closed="left"), StrOptions({"auto"})],
        "graph_alpha": [Interval(Real, 0, None, closed="left"), StrOptions({"auto"})],
        "sum_to_one": [StrOptions({"soft", "simplex"}), None],
        "sum_to_one_weight": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        n_components=3,
        graph=None,
        *,
        alpha=0.03,
        graph_alpha=0.03,
        scaling="unit_norm",
        sum_to_one=None,
        sum_to_one_weight=1.0,
        solver="cd",
        init="vca",
        n_init=1,
        tol=1e-6,
        max_iter=200,
        accelerate=True,
        random_state=None,
        n_jobs=None,
    ):
        self.n_components = n_components
        self.graph = graph
        self.alpha = alpha
        self.graph_alpha = graph_alpha
        self.scaling = scaling
        self.sum_to_one = sum_to_one
        self.sum_to_one_weight = sum_to_one_weight
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
            Rows, non-negative; for an image its pixels in row-major order.
        y : None
            Ignored.

        Returns
        -------
        self : SSNMF
            The fitted estimator.

        Raises
        ------
        ValueError
            If X has a negative entry or zeros only, if `init` does not fit, if the
            graph would be X itself, or if parameters contradict each other.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` was too small.
        UserWarning
            If `n_components` is more than X has rows or columns, or if `alpha` has no
            effect because of `sum_to_one="simplex"`.
        """
        if self.sum_to_one == "simplex" and self.alpha not in ("auto", 0):
            warnings.warn(
                f"alpha={self.alpha} has no effect with sum_to_one='simplex', where "
                "abundances sum to one whatever they are; alpha=0 says so.",
                UserWarning,
                stacklevel=3,
            )
        return self._fit(X)

    def _terms(self, X: Any, n_components: int) -> dict[str, Any]:
        simplex = self.sum_to_one == "simplex"
        soft = self.sum_to_one == "soft"
        if simplex:
            self.alpha_ = 0.0
        elif self.alpha != "auto":
            self.alpha_ = float(self.alpha)
        elif self.scaling == "none":
            raise ValueError(
                "alpha='auto' is a weight for endmembers of norm one: take "
                "scaling='unit_norm', or give alpha."
            )
        else:
            self.alpha_ = sparsity_weight(X, n_components)
        return {
            "alpha": self.alpha_,
            "row_weight": float(self.sum_to_one_weight) if soft else 0.0,
            "simplex": simplex,
        }

    def _graph_weight(self, affinity: Any) -> float:
        if self.graph_alpha == "auto":
            self.graph_alpha_ = smoothness_weight(affinity.row_sums())
        else:
            self.graph_alpha_ = float(self.graph_alpha)
        return self.graph_alpha_
