"""An embedding drawn in the plane or in space."""

from typing import Any

import numpy as np
from sklearn.utils.validation import check_array, check_is_fitted

from sklearn_manifold_reg._arrays import to_numpy
from sklearn_manifold_reg.plotting._points import check_values, draw_points
from sklearn_manifold_reg.utils._optional import import_optional


class EmbeddingDisplay:
    """Rows at two or three of their embedding's coordinates.

    Make one by `from_estimator` or `from_embedding`, which also draw it.

    Parameters
    ----------
    embedding : ndarray of shape (n_samples, 2) or (n_samples, 3)
        Places of the rows.
    values : ndarray of shape (n_samples,), default=None
        Floating-point numbers give a continuous color scale, NaN being gray;
        integers, booleans, strings and objects are classes, -1 being gray unless
        -1 and 1 are all there is. With None all rows look the same.
    embedding_new : ndarray of shape (n_queries, 2) or (n_queries, 3), default=None
        Places of new rows, drawn as triangles.
    values_new : ndarray of shape (n_queries,), default=None
        Values of new rows, on the same color scale.
    labels : tuple of str, default=None
        Labels of the axes.

    Attributes
    ----------
    scatter_ : matplotlib PathCollection
        Training rows.
    scatter_new_ : matplotlib PathCollection or None
        New rows.
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
    GraphDisplay : Edges of the graph over a layout of its nodes.
    SpectrumDisplay : Eigenvalues of the columns.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from sklearn.datasets import make_swiss_roll
    >>> from sklearn_manifold_reg.manifold import SpectralEmbedding
    >>> from sklearn_manifold_reg.plotting import EmbeddingDisplay
    >>> X, position = make_swiss_roll(300, random_state=0)
    >>> model = SpectralEmbedding().fit(X[:250])
    >>> display = EmbeddingDisplay.from_estimator(
    ...     model, values=position[:250], X_new=X[250:], values_new=position[250:]
    ... )
    >>> len(display.scatter_new_.get_offsets())
    50
    """

    def __init__(
        self,
        *,
        embedding,
        values=None,
        embedding_new=None,
        values_new=None,
        labels=None,
    ):
        self.embedding = embedding
        self.values = values
        self.embedding_new = embedding_new
        self.values_new = values_new
        self.labels = labels

    @classmethod
    def from_estimator(
        cls,
        estimator,
        *,
        values=None,
        X_new=None,
        values_new=None,
        components=(0, 1),
        ax=None,
        name=None,
        colorbar=True,
        new_kwargs=None,
        **kwargs,
    ):
        """Draw the embedding of a fitted estimator.

        Parameters
        ----------
        estimator : estimator with `embedding_`
            Fitted.
        values : array-like of shape (n_samples,), default=None
            Color of each training row, see `EmbeddingDisplay`; None takes the
            estimator's `labels_` where it has them.
        X_new : array-like of shape (n_queries, n_features), default=None
            New rows, which the estimator's `transform` embeds.
        values_new : array-like of shape (n_queries,), default=None
            Color of each new row.
        components : tuple of two or three int, default=(0, 1)
            Columns of the embedding to draw.
        ax : matplotlib Axes, default=None
            Axes to draw on, made with `projection="3d"` for three columns; None makes
            new ones.
        name : str, default=None
            Title; None takes the name of the estimator's class.
        colorbar : bool, default=True
            Whether a color scale stands beside values that are numbers.
        new_kwargs : dict, default=None
            Passed to `matplotlib.axes.Axes.scatter` for new rows.
        **kwargs : dict
            Passed to `matplotlib.axes.Axes.scatter`.

        Returns
        -------
        display : EmbeddingDisplay
            Drawn.

        Raises
        ------
        TypeError
            If the estimator has no embedding, or none for new rows.
        ValueError
            If there is no such column, or shapes do not fit.
        """
        check_is_fitted(estimator)
        title = type(estimator).__name__
        if not hasattr(estimator, "embedding_"):
            raise TypeError(
                f"{title} has no `embedding_`; from_embedding draws any coordinates."
            )
        embedding_new = None
        if X_new is not None:
            if not hasattr(estimator, "transform"):
                raise TypeError(
                    f"{title} has no `transform` to embed X_new with; leave X_new out."
                )
            embedding_new = estimator.transform(X_new)
        if values is None:
            values = getattr(estimator, "labels_", None)
        return cls.from_embedding(
            estimator.embedding_,
            values=values,
            embedding_new=embedding_new,
            values_new=values_new,
            components=components,
            ax=ax,
            name=title if name is None else name,
            colorbar=colorbar,
            new_kwargs=new_kwargs,
            **kwargs,
        )

    @classmethod
    def from_embedding(
        cls,
        embedding,
        *,
        values=None,
        embedding_new=None,
        values_new=None,
        components=(0, 1),
        ax=None,
        name=None,
        colorbar=True,
        new_kwargs=None,
        **kwargs,
    ):
        """Draw coordinates.

        Parameters
        ----------
        embedding : array-like of shape (n_samples, n_components)
            Coordinates.
        values : array-like of shape (n_samples,), default=None
            Color of each row, see `EmbeddingDisplay`.
        embedding_new : array-like of shape (n_queries, n_components), default=None
            Coordinates of new rows.
        values_new : array-like of shape (n_queries,), default=None
            Color of each new row.
        components : tuple of two or three int, default=(0, 1)
            Columns to draw.
        ax : matplotlib Axes, default=None
            Axes to draw on, made with `projection="3d"` for three columns; None makes
            new ones.
        name : str, default=None
            Title.
        colorbar : bool, default=True
            Whether a color scale stands beside values that are numbers.
        new_kwargs : dict, default=None
            Passed to `matplotlib.axes.Axes.scatter` for new rows.
        **kwargs : dict
            Passed to `matplotlib.axes.Axes.scatter`.

        Returns
        -------
        display : EmbeddingDisplay
            Drawn.

        Raises
        ------
        ValueError
            If there is no such column, or shapes do not fit.
        """
        places = _columns(embedding, components)
        new = None if embedding_new is None else _columns(embedding_new, components)
        display = cls(
            embedding=places,
            values=check_values(values, len(places)),
            embedding_new=new,
            values_new=check_values(
                values_new, 0 if new is None else len(new), "values_new"
            ),
            labels=tuple(f"column {component}" for component in components),
        )
        return display.plot(
            ax, name=name, colorbar=colorbar, new_kwargs=new_kwargs, **kwargs
        )

    def plot(self, ax=None, *, name=None, colorbar=True, new_kwargs=None, **kwargs):
        """Draw the rows.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on, made with `projection="3d"` for three columns; None makes
            new ones.
        name : str, default=None
            Title.
        colorbar : bool, default=True
            Whether a color scale stands beside values that are numbers.
        new_kwargs : dict, default=None
            Passed to `matplotlib.axes.Axes.scatter` for new rows, over the defaults
            and `kwargs`.
        **kwargs : dict
            Passed to `matplotlib.axes.Axes.scatter`, over the defaults.

        Returns
        -------
        self : EmbeddingDisplay
            With the artists as attributes.

        Raises
        ------
        ValueError
            If three columns are to be drawn on axes in the plane.
        """
        plt = import_optional(
            "matplotlib.pyplot", extra="plot", purpose=type(self).__name__
        )
        in_space = self.embedding.shape[1] == 3
        if ax is None:
            _, ax = plt.subplots(subplot_kw={"projection": "3d"} if in_space else None)
        elif in_space != hasattr(ax, "get_zlim"):
            raise ValueError(
                f"{self.embedding.shape[1]} columns need axes of as many dimensions: "
                'make them with projection="3d" for three, and without for two.'
            )
        old = {"s": 14, "edgecolors": "none", **kwargs}
        groups, values, options = [self.embedding], [self.values], [old]
        if self.embedding_new is not None:
            outlined = {"marker": "^", "s": 28, "edgecolors": "k", "linewidths": 0.5}
            groups.append(self.embedding_new)
            values.append(self.values_new)
            options.append({**outlined, **kwargs, **(new_kwargs or {})})
        scatters, self.legend_, self.colorbar_ = draw_points(
            ax, groups, values, options, colorbar=colorbar
        )
        self.scatter_ = scatters[0]
        self.scatter_new_ = scatters[1] if len(scatters) > 1 else None
        _label_axes(ax, self.labels)
        if name is not None:
            ax.set_title(name)
        self.ax_ = ax
        self.figure_ = ax.figure
        return self


def _columns(embedding: Any, components: Any) -> np.ndarray:
    embedding = check_array(to_numpy(embedding), dtype=[np.float64, np.float32])
    if len(components) not in (2, 3):
        raise ValueError(
            f"components={components!r} must name two or three columns to draw."
        )
    if not all(-embedding.shape[1] <= c < embedding.shape[1] for c in components):
        raise ValueError(
            f"components={components!r} names columns that an embedding of shape "
            f"{embedding.shape} does not have; fit with a larger n_components."
        )
    return embedding[:, list(components)]


def _label_axes(ax: Any, labels: Any) -> None:
    setters = (ax.set_xlabel, ax.set_ylabel, getattr(ax, "set_zlabel", None))
    for setter, label in zip(setters, labels or (), strict=False):
        setter(label)
