"""The one place that decides what an estimator's parameter `graph` means."""

from dataclasses import dataclass
from typing import Any

from sklearn.base import BaseEstimator, clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils import get_tags

from sklearn_manifold_reg.graph._neighbors_graph import NeighborsGraph
from sklearn_manifold_reg.graph._precomputed import PrecomputedGraph


def resolve_graph(graph: Any) -> Any:
    """Turn the parameter `graph` of an estimator into a builder to fit.

    Parameters
    ----------
    graph : graph builder, "precomputed" or None
        None stands for `NeighborsGraph()`, "precomputed" for an X that is the
        affinity itself. A builder is cloned. scikit-learn's `FrozenEstimator`
        around a fitted builder stays as it is: that is how a search uses one graph
        many times.

    Returns
    -------
    builder : graph builder
        With `fit(X)`, which returns a builder with `affinity_` and
        `transform(X_new)`.

    Raises
    ------
    ValueError
        If `graph` is another string.
    TypeError
        If `graph` is no graph builder.

    Examples
    --------
    >>> from sklearn_manifold_reg.graph import resolve_graph
    >>> resolve_graph(None)
    NeighborsGraph()
    """
    if graph is None:
        return NeighborsGraph()
    if isinstance(graph, str):
        if graph == "precomputed":
            return PrecomputedGraph()
        raise ValueError(
            f"graph={graph!r} is unknown; use a graph builder such as "
            "NeighborsGraph(), 'precomputed' or None."
        )
    if isinstance(graph, type) or not (
        isinstance(graph, BaseEstimator) and hasattr(graph, "transform")
    ):
        raise TypeError(
            "graph must be a graph builder such as NeighborsGraph(), 'precomputed' or "
            f"None, got {graph!r}."
        )
    if isinstance(graph, FrozenEstimator):
        return _FittedGraph(graph.estimator)
    return clone(graph)


@dataclass(frozen=True)
class _FittedGraph:
    """Stands for a builder whose fit is done."""

    builder: Any

    def fit(self, X: Any, y: Any = None) -> Any:
        """Give the fitted builder, whatever X is."""
        return self.builder


def is_pairwise(graph: Any) -> bool:
    """Whether X relates each row to each, instead of describing it.

    Parameters
    ----------
    graph : graph builder, "precomputed" or None
        The estimator's parameter.

    Returns
    -------
    pairwise : bool
        True for "precomputed" and for builders that take distances.
    """
    if isinstance(graph, BaseEstimator):
        return bool(get_tags(graph).input_tags.pairwise)
    return graph is not None
