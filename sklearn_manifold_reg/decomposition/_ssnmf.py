"""Structured sparse non-negative matrix factorization."""

import warnings
from numbers import Real
from typing import Any

from sklearn_manifold_reg.decomposition._graph_factorization import GraphFactorization
from sklearn_manifold_reg.utils._sklearn import (
    Interval,
    StrOptions,
    validate_params_on_fit,
)


class SSNMF(GraphFactorization):
    """Structured sparse non-negative matrix factorization.
    """

    _parameter_constraints: dict = {
        **GraphFactorization._parameter_constraints,
        "alpha": [Interval(Real, 0, None, closed="left")],
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
        init="kmeans",
        n_init=1,
        tol=1e-6,
        max_iter=200,
        accelerate=False,
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
        if self.sum_to_one == "simplex" and self.alpha > 0:
            warnings.warn(
                f"alpha={self.alpha} has no effect with sum_to_one='simplex', where "
                "abundances sum to one whatever they are; alpha=0 says so.",
                UserWarning,
                stacklevel=3,
            )
        return self._fit(X)

    def _terms(self) -> dict[str, Any]:
        simplex = self.sum_to_one == "simplex"
        soft = self.sum_to_one == "soft"
        return {
            "alpha": 0.0 if simplex else float(self.alpha),
            "row_weight": float(self.sum_to_one_weight) if soft else 0.0,
            "simplex": simplex,
        }
