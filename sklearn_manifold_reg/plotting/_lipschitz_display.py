"""Where a function on a manifold is steep."""

from typing import Any

import numpy as np
from sklearn.utils.validation import check_array, check_is_fitted

from sklearn_manifold_reg._arrays import to_numpy
from sklearn_manifold_reg.plotting._points import check_values, draw_points
from sklearn_manifold_reg.utils._optional import import_optional

# Areas of rows with the least weight, and with one far above it, in square points.
_AREAS = (12.0, 120.0)
# Colors of the gradient, all of them visible on white.
_COLORS = "viridis_r"


class LipschitzDisplay:
    """Rows colored by the gradient of a function, their sizes by what holds it down.

    Large points are rows whose weight lambda is large: there the function would be
    steeper, were it not for them. Make one by `from_estimator`, which also draws it.

    Parameters
    ----------
    positions : ndarray of shape (n_samples, 2)
        Place of each row.
    gradient : ndarray of shape (n_samples,)
        Length of the gradient at each row.
    weights : ndarray of shape (n_samples,)
        Weights lambda, not negative.
    arrows : ndarray of shape (n_samples, 2), default=None
        A vector at each row, such as the values of a function with two outputs.

    Attributes
    ----------
    scatter_ : matplotlib PathCollection
        Rows.
    quiver_ : matplotlib Quiver or None
        Arrows.
    colorbar_ : matplotlib Colorbar or None
        Scale of the gradient.
    ax_ : matplotlib Axes
        Axes drawn on.
    figure_ : matplotlib Figure
        Figure of the axes.

    See Also
    --------
    GraphDisplay : The graph below, colored by the values of the function.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import numpy as np
    >>> from sklearn.datasets import make_moons
    >>> from sklearn_manifold_reg.plotting import LipschitzDisplay
    >>> from sklearn_manifold_reg.semi_supervised import ManifoldLipschitzClassifier
    >>> X, truth = make_moons(100, noise=0.05, random_state=0)
    >>> y = np.where(np.arange(100) < 6, truth, -1)
    >>> model = ManifoldLipschitzClassifier().fit(X, y)
    >>> display = LipschitzDisplay.from_estimator(model, X)
    >>> bool(np.isclose(display.gradient.max(), model.lipschitz_))
    True
    """

    def __init__(self, *, positions, gradient, weights, arrows=None):
        self.positions = positions
        self.gradient = gradient
        self.weights = weights
        self.arrows = arrows

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        positions=None,
        arrows=None,
        ax=None,
        name=None,
        colorbar=True,
        arrow_kwargs=None,
        **kwargs,
    ):
        """Draw the gradient of a fitted function.

        Parameters
        ----------
        estimator : ManifoldLipschitzRegressor or ManifoldLipschitzClassifier
            Fitted on `X`.
        X : array-like of shape (n_samples, n_features)
            The rows it was fitted on.
        positions : array-like of shape (n_samples, 2), default=None
            Place of each row; None takes `X`, which then has two columns.
        arrows : array-like of shape (n_samples, 2), default=None
            A vector at each row; None takes the values of a function with two
            outputs, and no arrows for others.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes new ones.
        name : str, default=None
            Title; None takes the name of the estimator's class and the Lipschitz
            constant.
        colorbar : bool, default=True
            Whether a color scale stands beside the rows.
        arrow_kwargs : dict, default=None
            Passed to `matplotlib.axes.Axes.quiver`.
        **kwargs : dict
            Passed to `matplotlib.axes.Axes.scatter`.

        Returns
        -------
        display : LipschitzDisplay
            Drawn.

        Raises
        ------
        TypeError
            If the estimator has no `gradient_` and `lambda_`.
        ValueError
            If `X` has not two columns and no `positions` are given, or if shapes
            do not fit.
        """
        check_is_fitted(estimator)
        if not (hasattr(estimator, "gradient_") and hasattr(estimator, "lambda_")):
            raise TypeError(
                f"{type(estimator).__name__} has no `gradient_` and `lambda_`; "
                "LipschitzDisplay draws ManifoldLipschitzRegressor and "
                "ManifoldLipschitzClassifier."
            )
        if positions is None and (np.ndim(X) != 2 or np.shape(X)[1] != 2):
            raise ValueError(
                f"X of shape {np.shape(X)} is no layout in the plane; pass positions= "
                "of shape (n_samples, 2), for example two principal components."
            )
        gradient = to_numpy(estimator.gradient_)
        positions = _plane(X if positions is None else positions, len(gradient))
        if arrows is None:
            values = to_numpy(estimator.transduction_)
            arrows = values if values.shape == positions.shape else None
        else:
            arrows = _plane(arrows, len(gradient), "arrows")
        if name is None:
            name = f"{type(estimator).__name__}\nLipschitz {estimator.lipschitz_:.3g}"
        display = cls(
            positions=positions,
            gradient=check_values(gradient, len(positions), "gradient"),
            weights=check_values(estimator.lambda_, len(positions), "weights"),
            arrows=arrows,
        )
        return display.plot(
            ax, name=name, colorbar=colorbar, arrow_kwargs=arrow_kwargs, **kwargs
        )

    def plot(self, ax=None, *, name=None, colorbar=True, arrow_kwargs=None, **kwargs):
        """Draw the rows, and the arrows if there are any.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes new ones.
        name : str, default=None
            Title.
        colorbar : bool, default=True
            Whether a color scale stands beside the rows.
        arrow_kwargs : dict, default=None
            Passed to `matplotlib.axes.Axes.quiver`, over the defaults.
        **kwargs : dict
            Passed to `matplotlib.axes.Axes.scatter`, over the defaults.

        Returns
        -------
        self : LipschitzDisplay
            With the artists as attributes.
        """
        purpose = type(self).__name__
        plt = import_optional("matplotlib.pyplot", extra="plot", purpose=purpose)
        if ax is None:
            _, ax = plt.subplots()
        largest = np.max(self.weights, initial=np.finfo(float).tiny)
        # Equal weights are all small.
        above = (self.weights - np.min(self.weights)) / largest
        small, large = _AREAS
        options = {
            "s": small + (large - small) * above,
            "cmap": _COLORS,
            "edgecolors": "none",
            **kwargs,
        }
        gradient = self.gradient.astype(np.float64)
        (self.scatter_,), _, self.colorbar_ = draw_points(
            ax, [self.positions], [gradient], [options], colorbar=colorbar
        )
        if self.colorbar_ is not None:
            self.colorbar_.set_label("length of the gradient")
        self.quiver_ = None
        if self.arrows is not None:
            own = {"color": "0.2", "pivot": "mid", "zorder": 3, **(arrow_kwargs or {})}
            self.quiver_ = ax.quiver(*self.positions.T, *self.arrows.T, **own)
        ax.set_aspect("equal", adjustable="datalim")
        if name is not None:
            ax.set_title(name)
        self.ax_ = ax
        self.figure_ = ax.figure
        return self


def _plane(points: Any, n_rows: int, name: str = "positions") -> np.ndarray:
    points = check_array(to_numpy(points), dtype=[np.float64, np.float32])
    if points.shape != (n_rows, 2):
        raise ValueError(
            f"{name} must have shape ({n_rows}, 2), a row for each one fitted, got "
            f"{points.shape}."
        )
    return points
