"""What factorizations with a graph term on the abundances share."""

import warnings
from abc import ABC, abstractmethod
from functools import partial
from numbers import Integral, Real
from typing import Any

from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import (
    check_array,
    check_is_fitted,
    check_non_negative,
    validate_data,
)

from sklearn_manifold_reg._arrays import (
    asarray_like,
    csr_like,
    device,
    float_dtypes,
    namespace_of,
)
from sklearn_manifold_reg.decomposition._equal_rows import equal_rows
from sklearn_manifold_reg.decomposition._starts import (
    STARTS,
    initial_endmembers,
    row_abundances,
)
from sklearn_manifold_reg.decomposition._structured_problem import StructuredProblem
from sklearn_manifold_reg.decomposition._sweeps import (
    BlockSweeps,
    MultiplicativeSweeps,
    Run,
    factorize,
)
from sklearn_manifold_reg.graph import is_pairwise, replace_matched, resolve_graph
from sklearn_manifold_reg.utils._callbacks import (
    CallbackSupportMixin,
    FitTask,
    fit_task,
)
from sklearn_manifold_reg.utils._documentation import DocumentedEstimator
from sklearn_manifold_reg.utils._sklearn import (
    Interval,
    StrOptions,
    check_same_namespace,
)


class GraphFactorization(
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    CallbackSupportMixin,
    DocumentedEstimator,
    ABC,
):
    """Transformer to abundances W of a factorization X ~ W H.

    Subclasses define `_terms`, the weights of the objective, and `fit`, which calls
    `_fit`.
    """

    _parameter_constraints: dict = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "graph": [BaseEstimator, StrOptions({"precomputed"}), None],
        "graph_alpha": [Interval(Real, 0, None, closed="left")],
        "scaling": [StrOptions({"unit_norm", "none"})],
        "solver": [StrOptions({"cd", "mu"})],
        "init": [StrOptions(set(STARTS)), "array-like"],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "accelerate": ["boolean"],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
    }

    @abstractmethod
    def fit(self, X: Any, y: Any = None) -> Any:
        """Factorize X."""

    @abstractmethod
    def _terms(self, X: Any, n_components: int) -> dict[str, Any]:
        """Weights `alpha` and `row_weight`, and whether rows are on the simplex."""

    @abstractmethod
    def _graph_weight(self, affinity: Any) -> float:
        """Weight of the graph term, for the affinity or none."""

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Factorize X, and give the abundances of its rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, non-negative.
        y : None
            Ignored.

        Returns
        -------
        W : array of shape (n_samples, n_components)
            `abundances_`.
        """
        return self.fit(X, y).abundances_

    def transform(self, X: Any) -> Any:
        """Give rows, new or old, their abundances, each by itself.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            Rows, non-negative.

        Returns
        -------
        W : array of shape (n_queries, n_components)
            Minimizers of the objective without the graph, for the fitted endmembers.
            Rows that repeat a training row have its abundances.
        """
        check_is_fitted(self)
        check_same_namespace(X, self, attribute="components_", method="transform")
        X = self._validate(X, reset=False)
        H = self.components_
        if X.dtype != H.dtype:
            X = namespace_of(X).astype(X, H.dtype)
        W = row_abundances(X, H, **self._row_terms, n_jobs=self.n_jobs)
        matches = equal_rows(X, self._X_fit)
        return replace_matched(W, matches, self.abundances_)

    def inverse_transform(self, X: Any) -> Any:
        """Mix the endmembers: X @ components_.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_components)
            Abundances.

        Returns
        -------
        X_original : array of shape (n_queries, n_features)
            Rows.
        """
        check_is_fitted(self)
        W = check_array(X, dtype=float_dtypes(X))
        n_components = self.components_.shape[0]
        if W.shape[1] != n_components:
            raise ValueError(
                f"X has {W.shape[1]} columns, but {type(self).__name__} mixes "
                f"{n_components} endmembers; pass abundances, one column an endmember."
            )
        return W @ asarray_like(self.components_, W)

    def abundance_fractions(self, X: Any) -> Any:
        """Give abundances of rows as fractions that sum to one.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            Rows, non-negative.

        Returns
        -------
        fractions : array of shape (n_queries, n_components)
            `transform(X)` over its row sums; rows of zeros stay zero.
        """
        W = self.transform(X)
        xp = namespace_of(W)
        sums = xp.sum(W, axis=1, keepdims=True)
        return W / xp.where(sums > 0, sums, xp.ones_like(sums))

    def _fit(self, X: Any) -> Any:
        X = self._validate(X, reset=True)
        n_components = self._check(X)
        rng = check_random_state(self.random_state)
        terms = self._terms(X, n_components)
        self._check_terms(terms)
        with fit_task(self, X, None, n_stages=1 + self.n_init) as task:
            with task.stage("graph"):
                graph, affinity = self._link(X)
            problem = StructuredProblem.from_data(
                X,
                affinity,
                graph_alpha=self._graph_weight(affinity),
                unit_norm=self.scaling == "unit_norm",
                n_jobs=self.n_jobs,
                **terms,
            )
            kind = MultiplicativeSweeps if self.solver == "mu" else BlockSweeps
            sweeps = kind(problem)
            runs = [
                self._run(sweeps, terms, n_components, rng, task)
                for _ in range(self.n_init)
            ]
        run, indices = min(runs, key=lambda found: found[0].history[-1])
        return self._store(problem, graph, run, indices)

    def _link(self, X: Any) -> tuple[Any, Any]:
        """Build the graph, if there is any, and bring its weights beside X."""
        if self.graph_alpha == 0:
            return None, None
        graph = resolve_graph(self.graph).fit(X)
        n_nodes = graph.affinity_.shape[0]
        if n_nodes != X.shape[0]:
            raise ValueError(
                f"The fitted graph={self.graph!r} has {n_nodes} nodes, but X has "
                f"{X.shape[0]} rows."
            )
        return graph, csr_like(graph.affinity_, X)

    def _run(
        self, sweeps: Any, terms: dict, n_components: int, rng: Any, task: FitTask
    ) -> tuple[Run, Any]:
        """Do one factorization from one start."""
        problem = sweeps.problem
        H, indices = initial_endmembers(problem.X, self.init, n_components, rng)
        if problem.unit_norm:
            xp = namespace_of(H)
            norms = xp.linalg.vector_norm(H, axis=1, keepdims=True)
            H = H / xp.where(norms > 0, norms, xp.ones_like(norms))
        W = row_abundances(problem.X, H, **terms, n_jobs=self.n_jobs)
        run = Run.begin(sweeps, W, H)
        with task.stage("factorize", self.max_iter) as stage:
            iterations = stage.iterations(self.max_iter, partial(_attributes, run))
            accelerate = self.accelerate and self.solver == "cd"
            factorize(run, sweeps, iterations, tol=self.tol, accelerate=accelerate)
        return run, indices

    def _store(
        self, problem: StructuredProblem, graph: Any, run: Run, indices: Any
    ) -> Any:
        for name, value in _attributes(run).items():
            setattr(self, name, value)
        self.graph_ = graph
        self.component_indices_ = indices
        self.reconstruction_err_ = problem.residual_norm(run.W, run.H)
        self.projected_gradient_norm_ = problem.projected_gradient_norm(run.W, run.H)
        self._X_fit = problem.X
        self._row_terms = {
            name: getattr(problem, name) for name in ("alpha", "row_weight", "simplex")
        }
        # A callback that asked to stop has its way without a warning.
        if not run.converged and run.n_iter == self.max_iter:
            slow = self.solver == "mu" or not self.accelerate
            faster = ", or take solver='cd' with accelerate=True" if slow else ""
            warnings.warn(
                f"{type(self).__name__} still lowered its objective after "
                f"max_iter={self.max_iter} sweeps; increase max_iter or tol{faster}.",
                ConvergenceWarning,
                stacklevel=4,
            )
        return self

    def _check(self, X: Any) -> int:
        """Refuse what has no solution; give the number of components."""
        name = type(self).__name__
        frozen = isinstance(self.graph, FrozenEstimator)
        if is_pairwise(self.graph) and not frozen:
            raise ValueError(
                f"X holds the data that {name} factorizes, so it cannot hold the "
                f"graph: graph={self.graph!r}. For an affinity of your own take "
                "graph=FrozenEstimator(PrecomputedGraph().fit(affinity))."
            )
        largest = min(X.shape)
        if self.n_components > largest:
            warnings.warn(
                f"n_components={self.n_components} is more than the smaller side of X "
                f"of shape {tuple(X.shape)}; {largest} are used.",
                UserWarning,
                stacklevel=4,
            )
        return min(self.n_components, largest)

    def _check_terms(self, terms: dict[str, Any]) -> None:
        """Refuse what the solver lacks, and what has no minimum."""
        if self.solver == "mu" and terms["simplex"]:
            raise ValueError(
                "solver='mu' does not offer sum_to_one='simplex'; take solver='cd'."
            )
        free = self.scaling == "none" and not terms["simplex"]
        shrinks = terms["alpha"] > 0 or self.graph_alpha != 0
        if free and shrinks and terms["row_weight"] <= terms["alpha"]:
            raise ValueError(
                "With scaling='none' the penalties are avoided by small abundances of "
                "large endmembers, and there is no best factorization: take "
                "scaling='unit_norm', or a sum_to_one_weight above alpha with "
                f"sum_to_one='soft'; got alpha={terms['alpha']}, "
                f"graph_alpha={self.graph_alpha} and a weight of "
                f"{terms['row_weight']}."
            )

    def _validate(self, X: Any, *, reset: bool) -> Any:
        X = validate_data(
            self,
            X,
            reset=reset,
            dtype=float_dtypes(X),
            ensure_min_samples=2 if reset else 1,
        )
        name = type(self).__name__
        check_non_negative(X, name)
        if reset and float(namespace_of(X).max(X)) == 0:
            raise ValueError(f"X holds zeros only; {name} has nothing to factorize.")
        return X

    @property
    def _n_features_out(self) -> int:
        return int(self.components_.shape[0])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        tags.array_api_support = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _attributes(run: Run) -> dict[str, Any]:
    """Attributes that a run has so far."""
    xp, there = namespace_of(run.W), device(run.W)
    known = xp.__array_namespace_info__().dtypes(device=there, kind="real floating")
    wide = known.get("float64", run.W.dtype)
    return {
        "components_": run.H,
        "abundances_": run.W,
        "objective_": run.history[-1],
        "objective_history_": xp.asarray(run.history, dtype=wide, device=there),
        "n_iter_": run.n_iter,
    }
