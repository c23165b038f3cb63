"""What embeddings by the spectrum of a graph share."""

import warnings
from abc import ABC, abstractmethod
from dataclasses import replace
from numbers import Integral, Real
from typing import Any

from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_manifold_reg._arrays import float_dtypes
from sklearn_manifold_reg.graph import (
    LaplacianEigenpairs,
    is_pairwise,
    laplacian_eigenpairs,
    link_rows,
    replace_matched,
    resolve_graph,
)
from sklearn_manifold_reg.manifold._component_functions import order_null_functions
from sklearn_manifold_reg.utils._callbacks import CallbackSupportMixin, fit_task
from sklearn_manifold_reg.utils._documentation import DocumentedEstimator
from sklearn_manifold_reg.utils._sklearn import Interval, StrOptions


class GraphEmbedding(
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    CallbackSupportMixin,
    DocumentedEstimator,
    ABC,
):
    """Transformer to eigenfunctions of a graph Laplacian.

    Subclasses define `fit`, which ends by `_store(...)`, and `_extend`.
    """

    _parameter_constraints: dict = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "graph": [BaseEstimator, StrOptions({"precomputed"}), None],
        "solver": [
            StrOptions(
                {"auto", "dense", "chebyshev", "lobpcg", "arpack", "shift-invert"}
            )
        ],
        "tol": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left"), None],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
    }

    @abstractmethod
    def fit(self, X: Any, y: Any = None) -> Any:
        """Embed the rows of X."""

    @abstractmethod
    def _extend(self, X: Any, affinity: Any) -> Any:
        """Embed new rows by themselves and their edges to the training rows."""

    def fit_transform(self, X: Any, y: Any = None) -> Any:
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
        embedding : array of shape (n_samples, n_components)
            `embedding_`.
        """
        return self.fit(X, y).embedding_

    def transform(self, X: Any) -> Any:
        """Embed rows, new or old, each by itself.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_queries, n_features)
            Rows; with `graph="precomputed"` their affinities to the training rows, of
            shape (n_queries, n_samples).

        Returns
        -------
        embedding : array of shape (n_queries, n_components)
            Rows that repeat a training row have its coordinates.
        """
        check_is_fitted(self)
        X = self._validate(X, reset=False)
        affinity, matches = link_rows(self.graph_, X)
        return replace_matched(self._extend(X, affinity), matches, self.embedding_)

    def _validate(self, X: Any, *, reset: bool) -> Any:
        return validate_data(
            self,
            X,
            reset=reset,
            accept_sparse="csr",
            dtype=float_dtypes(X),
            ensure_min_samples=2 if reset else 1,
        )

    def _decompose(
        self, X: Any, default_graph: Any, n_dropped: int, **form: Any
    ) -> tuple[Any, LaplacianEigenpairs]:
        """Build the graph and compute the eigenpairs that the embedding keeps."""
        n_pairs = n_dropped + self._clip(X.shape[0] - n_dropped)
        with fit_task(self, X, None, n_stages=2) as task:
            with task.stage("graph"):
                graph = default_graph if self.graph is None else self.graph
                graph = resolve_graph(graph).fit(X)
            with task.stage("spectrum"):
                pairs = laplacian_eigenpairs(
                    graph.affinity_,
                    n_pairs,
                    solver=self.solver,
                    tol=self.tol,
                    max_iter=self.max_iter,
                    random_state=self.random_state,
                    n_jobs=self.n_jobs,
                    **form,
                )
        self._warn_of_components(pairs.operator.n_components, n_pairs, n_dropped)
        return graph, _without_first(order_null_functions(pairs), n_dropped)

    def _store(
        self, graph: Any, pairs: LaplacianEigenpairs, embedding: Any, n_dropped: int
    ) -> Any:
        self.graph_ = graph
        self.eigenpairs_ = pairs
        self.eigenvalues_ = pairs.values
        self.embedding_ = embedding
        self.n_dropped_ = n_dropped
        self.n_iter_ = max(1, pairs.n_iter)
        return self

    def _clip(self, largest: int) -> int:
        if self.n_components > largest:
            warnings.warn(
                f"n_components={self.n_components} is more than the {largest} columns "
                f"that {type(self).__name__} can give for so few rows; {largest} are "
                "used.",
                UserWarning,
                stacklevel=4,
            )
        return min(self.n_components, largest)

    def _warn_of_components(
        self, n_components: int, n_pairs: int, n_dropped: int
    ) -> None:
        if n_components < 2:
            return
        n_constant = min(n_components, n_pairs) - n_dropped
        n_columns = n_pairs - n_dropped
        warnings.warn(
            f"The graph of {type(self).__name__} has {n_components} connected "
            f"components. Of the {n_columns} columns of the embedding the first "
            f"{n_constant}, of eigenvalue 0, only tell components apart, the heaviest "
            f"first; {n_columns - n_constant} show what is inside of them. A graph in "
            'one piece, for example of NeighborsGraph(connectivity="mst"), or a larger '
            "n_components shows more.",
            UserWarning,
            stacklevel=4,
        )

    @property
    def _n_features_out(self) -> int:
        return int(self.embedding_.shape[1])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.pairwise = is_pairwise(self.graph)
        tags.input_tags.positive_only = isinstance(self.graph, str)
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _without_first(pairs: LaplacianEigenpairs, n_dropped: int) -> LaplacianEigenpairs:
    return replace(
        pairs,
        values=pairs.values[n_dropped:],
        vectors=pairs.vectors[:, n_dropped:],
        functions=pairs.functions[:, n_dropped:],
        residual_norms=pairs.residual_norms[n_dropped:],
    )
