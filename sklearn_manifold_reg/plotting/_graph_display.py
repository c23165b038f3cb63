"""A graph drawn over a layout of its nodes in the plane."""

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_array, check_is_fitted

from sklearn_manifold_reg._arrays import CSR, to_numpy
from sklearn_manifold_reg.plotting._points import check_values, draw_points
from sklearn_manifold_reg.utils._optional import import_optional


class GraphDisplay:
    """Edges of a graph over a 2-D layout, nodes colored by a value or a class.

    Make one by `from_estimator` or `from_graph`, which also draw it.

    Parameters
    ----------
    edges : ndarray of int, shape (n_edges, 2)
        Ends of each edge.
    weights : ndarray of shape (n_edges,)
        Weights of the edges; wider lines are heavier edges.
    positions : ndarray of shape (n_nodes, 2)
        Place of each node.
    values : ndarray of shape (n_nodes,), default=None
        Floating-point numbers give a continuous color scale, NaN being gray;
        integers, booleans, strings and objects are classes, -1 being gray unless
        -1 and 1 are all there is. With None all nodes look the same.

    Attributes
    ----------
    lines_ : matplotlib LineCollection
        Edges.
    scatter_ : matplotlib PathCollection
        Nodes.
    legend_ : matplotlib Legend or None
        Legend of the classes.
    colorbar_ : matplotlib Colorbar or None
        Color scale of numbers.
    ax_ : matplotlib Axes
        Axes drawn on.
    figure_ : matplotlib Figure
        Figure of the axes.

    See Also
    --------
    sklearn.inspection.DecisionBoundaryDisplay : Decisions of a classifier over the
        plane.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from sklearn.datasets import make_moons
    >>> from sklearn_manifold_reg.graph import NeighborsGraph
    >>> from sklearn_manifold_reg.plotting import GraphDisplay
    >>> X, y = make_moons(60, noise=0.05, random_state=0)
    >>> graph = NeighborsGraph(n_neighbors=5, connectivity="mst").fit(X)
    >>> display = GraphDisplay.from_estimator(graph, X, values=y)
    >>> len(display.lines_.get_segments()) == graph.affinity_.nnz // 2
    True
    """

    def __init__(self, *, edges, weights, positions, values=None):
        self.edges = edges
        self.weights = weights
        self.positions = positions
        self.values = values

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        positions=None,
        values=None,
        ax=None,
        name=None,
        colorbar=True,
        line_kwargs=None,
        **kwargs,
    ):
        """Draw the graph of a fitted estimator.

        Parameters
        ----------
        estimator : graph builder, or estimator with `graph_`
            Fitted on `X`.
        X : array-like of shape (n_samples, n_features)
            The rows it was fitted on.
        positions : array-like of shape (n_samples, 2), default=None
            Place of each row; None takes `X`, which then has two columns.
        values : array-like of shape (n_samples,), default=None
            Color of each row, see `GraphDisplay`; None takes the estimator's
            `transduction_` where it has one.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes new ones.
        name : str, default=None
            Title; None takes the name of the estimator's class.
        colorbar : bool, default=True
            Whether a color scale stands beside values that are numbers.
        line_kwargs : dict, default=None
            Passed to `matplotlib.collections.LineCollection`.
        **kwargs : dict
            Passed to `matplotlib.axes.Axes.scatter`.

        Returns
        -------
        display : GraphDisplay
            Drawn.

        Raises
        ------
        TypeError
            If the estimator has no graph.
        ValueError
            If `X` has not two columns and no `positions` are given, or if shapes
            do not fit the graph.
        """
        check_is_fitted(estimator)
        builder = getattr(estimator, "graph_", estimator)
        if not hasattr(builder, "affinity_"):
            raise TypeError(
                f"{type(estimator).__name__} has neither `affinity_` nor `graph_`; "
                "GraphDisplay draws graph builders and estimators that use one."
            )
        if positions is None and (np.ndim(X) != 2 or np.shape(X)[1] != 2):
            raise ValueError(
                f"X of shape {np.shape(X)} is no layout in the plane; pass positions= "
                "of shape (n_samples, 2), for example two principal components."
            )
        if values is None:
            values = getattr(estimator, "transduction_", None)
        return cls.from_graph(
            builder.affinity_,
            X if positions is None else positions,
            values=values,
            ax=ax,
            name=type(estimator).__name__ if name is None else name,
            colorbar=colorbar,
            line_kwargs=line_kwargs,
            **kwargs,
        )

    @classmethod
    def from_graph(
        cls,
        affinity,
        positions,
        *,
        values=None,
        ax=None,
        name=None,
        colorbar=True,
        line_kwargs=None,
        **kwargs,
    ):
        """Draw a graph given by its affinity.

        Parameters
        ----------
        affinity : array-like, sparse array or CSR of shape (n_nodes, n_nodes)
            Symmetric weights; an edge where they are not zero.
        positions : array-like of shape (n_nodes, 2)
            Place of each node.
        values : array-like of shape (n_nodes,), default=None
            Color of each node, see `GraphDisplay`.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes new ones.
        name : str, default=None
            Title.
        colorbar : bool, default=True
            Whether a color scale stands beside values that are numbers.
        line_kwargs : dict, default=None
            Passed to `matplotlib.collections.LineCollection`.
        **kwargs : dict
            Passed to `matplotlib.axes.Axes.scatter`.

        Returns
        -------
        display : GraphDisplay
            Drawn.

        Raises
        ------
        ValueError
            If shapes do not fit each other.
        """
        positions = check_array(to_numpy(positions), dtype=[np.float64, np.float32])
        edges, weights = _edges(affinity)
        n_nodes = affinity.shape[0] if hasattr(affinity, "shape") else len(affinity)
        if positions.shape != (n_nodes, 2):
            raise ValueError(
                f"positions must have shape ({n_nodes}, 2) for a graph of {n_nodes} "
                f"nodes, got {positions.shape}."
            )
        values = check_values(values, n_nodes)
        display = cls(edges=edges, weights=weights, positions=positions, values=values)
        return display.plot(
            ax, name=name, colorbar=colorbar, line_kwargs=line_kwargs, **kwargs
        )

    def plot(self, ax=None, *, name=None, colorbar=True, line_kwargs=None, **kwargs):
        """Draw the graph.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes new ones.
        name : str, default=None
            Title.
        colorbar : bool, default=True
            Whether a color scale stands beside values that are numbers.
        line_kwargs : dict, default=None
            Passed to `matplotlib.collections.LineCollection`, over the defaults.
        **kwargs : dict
            Passed to `matplotlib.axes.Axes.scatter`, over the defaults.

        Returns
        -------
        self : GraphDisplay
            With the artists as attributes.
        """
        purpose = type(self).__name__
        plt = import_optional("matplotlib.pyplot", extra="plot", purpose=purpose)
        collections = import_optional(
            "matplotlib.collections", extra="plot", purpose=purpose
        )
        if ax is None:
            _, ax = plt.subplots()
        lines = {
            "linewidths": _line_widths(self.weights),
            "colors": "0.6",
            "zorder": 1,
            **(line_kwargs or {}),
        }
        self.lines_ = ax.add_collection(
            collections.LineCollection(self.positions[self.edges], **lines)
        )
        options = {"s": 18, "zorder": 2, "edgecolors": "none", **kwargs}
        (self.scatter_,), self.legend_, self.colorbar_ = draw_points(
            ax, [self.positions], [self.values], [options], colorbar=colorbar
        )
        ax.set_aspect("equal", adjustable="datalim")
        ax.autoscale_view()
        if name is not None:
            ax.set_title(name)
        self.ax_ = ax
        self.figure_ = ax.figure
        return self


def _edges(affinity: Any) -> tuple[np.ndarray, np.ndarray]:
    """Each undirected edge once, with its weight."""
    if isinstance(affinity, CSR):
        affinity = affinity.to_scipy()
    if not sparse.issparse(affinity):
        affinity = check_array(affinity)
    if affinity.shape[0] != affinity.shape[1]:
        raise ValueError(f"affinity must be square, got {affinity.shape}.")
    upper = sparse.coo_array(sparse.triu(sparse.csr_array(affinity), 1))
    upper.eliminate_zeros()
    row, column = upper.coords
    return np.stack([row, column], axis=1), upper.data


def _line_widths(weights: np.ndarray) -> np.ndarray:
    """Widths of lines, in points, from 0.2 to 1.5 for the heaviest edge."""
    return 0.2 + 1.3 * weights / np.max(weights, initial=np.finfo(float).tiny)
