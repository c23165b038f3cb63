"""Eigenvalues of a graph Laplacian and the gaps between them."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_manifold_reg._arrays import to_numpy
from sklearn_manifold_reg.plotting._points import CLASS_COLORS
from sklearn_manifold_reg.utils._optional import import_optional


class SpectrumDisplay:
    """Eigenvalues in ascending order, with their largest gap marked.

    A graph of k clear clusters has k eigenvalues near 0 and a gap after them: the
    number of eigenvalues below the largest gap is a guess at the number of clusters.
    Make a display by `from_estimator` or `from_eigenvalues`, which also draw it.

    Parameters
    ----------
    eigenvalues : ndarray of shape (n_values,)
        Ascending.
    first : int, default=0
        Number of eigenvalues left out before these, which count as well.
    grid : ndarray of shape (n_grid,), default=None
        Eigenvalues at which a spectral density is known.
    density : ndarray of shape (n_grid,), default=None
        Spectral density there.

    Attributes
    ----------
    gaps_ : ndarray of shape (n_values - 1,)
        Differences of neighboring eigenvalues.
    n_below_gap_ : int or None
        Number of eigenvalues below the largest gap, those left out counted; the gap
        after eigenvalue 0 alone, which every connected graph has, is not looked at.
        None where there are no two eigenvalues to compare.
    line_ : matplotlib Line2D
        Eigenvalues.
    gap_ : matplotlib PolyCollection or None
        Band over the largest gap.
    density_ : matplotlib Line2D or None
        Curve of the density.
    ax_ : matplotlib Axes
        Axes drawn on.
    ax_density_ : matplotlib Axes or None
        Axes of the density, which share the scale of eigenvalues.
    figure_ : matplotlib Figure
        Figure of the axes.

    See Also
    --------
    EmbeddingDisplay : The eigenvectors as coordinates.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import numpy as np
    >>> from sklearn.datasets import make_blobs
    >>> from sklearn_manifold_reg.graph import KernelGraph
    >>> from sklearn_manifold_reg.manifold import SpectralEmbedding
    >>> from sklearn_manifold_reg.plotting import SpectrumDisplay
    >>> X, _ = make_blobs(90, centers=[[0, 0], [0, 6], [6, 0]], random_state=0)
    >>> model = SpectralEmbedding(6, KernelGraph(gamma=0.2)).fit(X)
    >>> SpectrumDisplay.from_estimator(model).n_below_gap_
    3
    """

    def __init__(self, *, eigenvalues, first=0, grid=None, density=None):
        self.eigenvalues = eigenvalues
        self.first = first
        self.grid = grid
        self.density = density

    @classmethod
    def from_estimator(
        cls,
        estimator,
        *,
        density=None,
        ax=None,
        name=None,
        gap_kwargs=None,
        density_kwargs=None,
        **kwargs,
    ):
        """Draw the eigenvalues of a fitted estimator.

        Parameters
        ----------
        estimator : estimator with `eigenvalues_`
            Fitted. Its `n_dropped_`, where it has one, is the number of eigenvalues
            that it left out.
        density : object with `grid` and `density`, default=None
            Spectral density of the same operator.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes new ones.
        name : str, default=None
            Title; None takes the name of the estimator's class.
        gap_kwargs : dict, default=None
            Passed to `matplotlib.axes.Axes.fill_between`.
        density_kwargs : dict, default=None
            Passed to `matplotlib.axes.Axes.plot` for the density.
        **kwargs : dict
            Passed to `matplotlib.axes.Axes.plot`.

        Returns
        -------
        display : SpectrumDisplay
            Drawn.

        Raises
        ------
        TypeError
            If the estimator has no eigenvalues, or `density` not both attributes.
        """
        check_is_fitted(estimator)
        title = type(estimator).__name__
        if not hasattr(estimator, "eigenvalues_"):
            raise TypeError(
                f"{title} has no `eigenvalues_`; from_eigenvalues draws any numbers."
            )
        return cls.from_eigenvalues(
            estimator.eigenvalues_,
            first=getattr(estimator, "n_dropped_", 0),
            density=density,
            ax=ax,
            name=title if name is None else name,
            gap_kwargs=gap_kwargs,
            density_kwargs=density_kwargs,
            **kwargs,
        )

    @classmethod
    def from_eigenvalues(
        cls,
        eigenvalues,
        *,
        first=0,
        density=None,
        ax=None,
        name=None,
        gap_kwargs=None,
        density_kwargs=None,
        **kwargs,
    ):
        """Draw eigenvalues.

        Parameters
        ----------
        eigenvalues : array-like of shape (n_values,)
            Lowest eigenvalues, ascending.
        first : int, default=0
            Number of eigenvalues left out before these.
        density : object with `grid` and `density`, default=None
            Spectral density of the same operator.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes new ones.
        name : str, default=None
            Title.
        gap_kwargs : dict, default=None
            Passed to `matplotlib.axes.Axes.fill_between`.
        density_kwargs : dict, default=None
            Passed to `matplotlib.axes.Axes.plot` for the density.
        **kwargs : dict
            Passed to `matplotlib.axes.Axes.plot`.

        Returns
        -------
        display : SpectrumDisplay
            Drawn.

        Raises
        ------
        TypeError
            If `density` has not both attributes.
        ValueError
            If eigenvalues are not one ascending, finite row of numbers.
        """
        values = np.asarray(to_numpy(eigenvalues), dtype=np.float64)
        if values.ndim != 1 or values.size == 0 or not np.all(np.isfinite(values)):
            raise ValueError(
                "eigenvalues must be finite numbers of shape (n_values,), got shape "
                f"{values.shape}."
            )
        # What solvers leave of equal values may be out of order.
        if np.any(np.diff(values) < -1e-6 * np.abs(values).max()):
            raise ValueError("eigenvalues must ascend; sort them first.")
        grid = curve = None
        if density is not None:
            if not (hasattr(density, "grid") and hasattr(density, "density")):
                raise TypeError(
                    "density must have the attributes `grid` and `density`, got "
                    f"{type(density).__name__}."
                )
            grid, curve = to_numpy(density.grid), to_numpy(density.density)
        display = cls(eigenvalues=values, first=first, grid=grid, density=curve)
        return display.plot(
            ax,
            name=name,
            gap_kwargs=gap_kwargs,
            density_kwargs=density_kwargs,
            **kwargs,
        )

    def plot(
        self, ax=None, *, name=None, gap_kwargs=None, density_kwargs=None, **kwargs
    ):
        """Draw the eigenvalues.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes new ones.
        name : str, default=None
            Title.
        gap_kwargs : dict, default=None
            Passed to `matplotlib.axes.Axes.fill_between`, over the defaults.
        density_kwargs : dict, default=None
            Passed to `matplotlib.axes.Axes.plot` for the density, over the defaults.
        **kwargs : dict
            Passed to `matplotlib.axes.Axes.plot`, over the defaults.

        Returns
        -------
        self : SpectrumDisplay
            With the artists as attributes.
        """
        plt = import_optional(
            "matplotlib.pyplot", extra="plot", purpose=type(self).__name__
        )
        if ax is None:
            _, ax = plt.subplots()
        numbers = self.first + np.arange(len(self.eigenvalues)) + 1
        options = {"marker": "o", "linestyle": "none", "color": CLASS_COLORS[0]}
        (self.line_,) = ax.plot(numbers, self.eigenvalues, **{**options, **kwargs})
        self.gaps_ = np.diff(self.eigenvalues)
        self.n_below_gap_ = self.gap_ = None
        searched = max(0, 1 - self.first)
        if len(self.gaps_) > searched:
            place = searched + int(np.argmax(self.gaps_[searched:]))
            self.n_below_gap_ = int(numbers[place])
            label = f"gap after {self.n_below_gap_}"
            band = {"color": CLASS_COLORS[1], "alpha": 0.4, "label": label}
            self.gap_ = ax.fill_between(
                numbers[[0, -1]],
                *self.eigenvalues[place : place + 2],
                **{**band, **(gap_kwargs or {})},
            )
            ax.legend(loc="lower right")
        self.density_ = self.ax_density_ = None
        if self.density is not None:
            self.ax_density_ = ax.twiny()
            curve = {"color": CLASS_COLORS[4], "linewidth": 1.0}
            (self.density_,) = self.ax_density_.plot(
                self.density, self.grid, **{**curve, **(density_kwargs or {})}
            )
            self.ax_density_.set_xlabel("spectral density")
        ax.set(xlabel="number", ylabel="eigenvalue")
        if name is not None:
            ax.set_title(name)
        self.ax_ = ax
        self.figure_ = ax.figure
        return self
