"""The one place that decides what an estimator's parameter `graph` means."""

from typing import Any

from sklearn.base import BaseEstimator, clone

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
        With `fit(X)`, `affinity_` and `transform(X_new)`.

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
    return clone(graph)
