"""Maps of the shares of materials in an image."""

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_manifold_reg.plotting._materials import (
    check_matrix,
    check_names,
    check_truth,
    match_maps,
    scale_rows,
)
from sklearn_manifold_reg.utils._optional import import_optional


class AbundanceMapsDisplay:
    """A map for each material, above the true one and the error.

    Make one by `from_estimator` or `from_abundances`, which also draw it. Maps and true
    maps share one color scale, errors another that is even about zero.

    Parameters
    ----------
    abundances : ndarray of shape (n_pixels, n_components)
        Shares of the materials, pixels row by row, in the order of `truth` where that
        is given.
    shape : tuple of two int
        Rows and columns of the image.
    names : list of str, default=None
        Names of the materials; None numbers them.
    truth : ndarray of shape (n_pixels, n_components), default=None
        True shares.

    Attributes
    ----------
    images_ : ndarray of shape (n_panel_rows, n_components)
        Matplotlib AxesImage of each panel; the rows are the maps, the true maps and the
        errors, as far as they are drawn.
    colorbar_ : matplotlib Colorbar or None
        Color scale of maps and true maps.
    error_colorbar_ : matplotlib Colorbar or None
        Color scale of the errors.
    axes_ : ndarray of shape (n_panel_rows, n_components)
        Matplotlib Axes of each panel.
    figure_ : matplotlib Figure
        Figure of the axes.

    See Also
    --------
    EndmembersDisplay : Spectra of the materials.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from sklearn.decomposition import NMF
    >>> from sklearn_manifold_reg.datasets import make_mixed_scene
    >>> from sklearn_manifold_reg.plotting import AbundanceMapsDisplay
    >>> scene = make_mixed_scene((20, 20), 3, random_state=0)
    >>> model = NMF(3, init="nndsvda", max_iter=500, tol=1e-2).fit(scene.data)
    >>> display = AbundanceMapsDisplay.from_estimator(
    ...     model,
    ...     scene.data,
    ...     scene.shape,
    ...     truth=scene.abundances,
    ...     normalize=True,
    ...     error=True,
    ... )
    >>> display.images_.shape
    (3, 3)
    """

    def __init__(self, *, abundances, shape, names=None, truth=None):
        self.abundances = abundances
        self.shape = shape
        self.names = names
        self.truth = truth

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        shape,
        *,
        names=None,
        truth=None,
        normalize=False,
        error=False,
        axes=None,
        name=None,
        colorbar=True,
        error_kwargs=None,
        **kwargs,
    ):
        """Draw what a fitted estimator's `transform` gives for the pixels of an image.

        Parameters
        ----------
        estimator : estimator with `transform`
            Fitted.
        X : array-like of shape (n_pixels, n_bands)
            Pixels of the image, row by row.
        shape : tuple of two int
            Rows and columns of the image.
        names : array-like of str, default=None
            Names of the materials, in the order of `truth` where that is given.
        truth : array-like of shape (n_pixels, n_components), default=None
            True shares, each map of which is matched with one of the estimator so that
            the sum of squared errors is least.
        normalize : bool, default=False
            Whether each pixel is divided by its sum; one of sum 0 stays as it is.
        error : bool, default=False
            Whether a row of panels shows the maps minus the true maps.
        axes : array-like of matplotlib Axes, default=None
            Shape (n_panel_rows, n_components), or (n_components,) for one row of
            panels; None makes new ones.
        name : str, default=None
            Title; None takes the name of the estimator's class.
        colorbar : bool, default=True
            Whether color scales stand beside the panels.
        error_kwargs : dict, default=None
            Passed to `matplotlib.axes.Axes.imshow` for the errors.
        **kwargs : dict
            Passed to `matplotlib.axes.Axes.imshow` for maps and true maps.

        Returns
        -------
        display : AbundanceMapsDisplay
            Drawn.

        Raises
        ------
        TypeError
            If the estimator has no `transform`.
        ValueError
            If shapes do not fit, or errors are asked for without a truth.
        """
        check_is_fitted(estimator)
        title = type(estimator).__name__
        if not hasattr(estimator, "transform"):
            raise TypeError(
                f"{title} has no `transform`; from_abundances draws any maps."
            )
        return cls.from_abundances(
            estimator.transform(X),
            shape,
            names=names,
            truth=truth,
            normalize=normalize,
            error=error,
            axes=axes,
            name=title if name is None else name,
            colorbar=colorbar,
            error_kwargs=error_kwargs,
            **kwargs,
        )

    @classmethod
    def from_abundances(
        cls,
        abundances,
        shape,
        *,
        names=None,
        truth=None,
        normalize=False,
        error=False,
        axes=None,
        name=None,
        colorbar=True,
        error_kwargs=None,
        **kwargs,
    ):
        """Draw maps.

        Parameters
        ----------
        abundances : array-like of shape (n_pixels, n_components)
            Shares of the materials, pixels row by row.
        shape : tuple of two int
            Rows and columns of the image.
        names : array-like of str, default=None
            Names of the materials, in the order of `truth` where that is given.
        truth : array-like of shape (n_pixels, n_components), default=None
            True shares, each map of which is matched with one of `abundances` so that
            the sum of squared errors is least.
        normalize : bool, default=False
            Whether each pixel of `abundances` is divided by its sum; one of sum 0 stays
            as it is.
        error : bool, default=False
            Whether a row of panels shows the maps minus the true maps.
        axes : array-like of matplotlib Axes, default=None
            Shape (n_panel_rows, n_components), or (n_components,) for one row of
            panels; None makes new ones.
        name : str, default=None
            Title.
        colorbar : bool, default=True
            Whether color scales stand beside the panels.
        error_kwargs : dict, default=None
            Passed to `matplotlib.axes.Axes.imshow` for the errors.
        **kwargs : dict
            Passed to `matplotlib.axes.Axes.imshow` for maps and true maps.

        Returns
        -------
        display : AbundanceMapsDisplay
            Drawn.

        Raises
        ------
        ValueError
            If shapes do not fit, or errors are asked for without a truth.
        """
        abundances = check_matrix(abundances, "abundances")
        n_rows, n_columns = shape
        if n_rows * n_columns != len(abundances):
            raise ValueError(
                f"shape={tuple(shape)} has {n_rows * n_columns} pixels, but there are "
                f"{len(abundances)} rows of abundances."
            )
        if normalize:
            abundances = scale_rows(abundances, abundances.sum(axis=1))
        if truth is not None:
            truth = check_truth(truth, abundances.shape, "abundances")
            abundances = abundances[:, match_maps(abundances, truth)]
        display = cls(
            abundances=abundances,
            shape=(n_rows, n_columns),
            names=check_names(names, abundances.shape[1]),
            truth=truth,
        )
        return display.plot(
            axes,
            name=name,
            error=error,
            colorbar=colorbar,
            error_kwargs=error_kwargs,
            **kwargs,
        )

    def plot(
        self,
        axes=None,
        *,
        name=None,
        error=False,
        colorbar=True,
        error_kwargs=None,
        **kwargs,
    ):
        """Draw the maps.

        Parameters
        ----------
        axes : array-like of matplotlib Axes, default=None
            Shape (n_panel_rows, n_components), or (n_components,) for one row of
            panels; None makes new ones.
        name : str, default=None
            Title.
        error : bool, default=False
            Whether a row of panels shows the maps minus the true maps.
        colorbar : bool, default=True
            Whether color scales stand beside the panels.
        error_kwargs : dict, default=None
            Passed to `matplotlib.axes.Axes.imshow` for the errors, over the defaults.
        **kwargs : dict
            Passed to `matplotlib.axes.Axes.imshow` for maps and true maps, over the
            defaults.

        Returns
        -------
        self : AbundanceMapsDisplay
            With the artists as attributes.

        Raises
        ------
        ValueError
            If errors are asked for without a truth, or the axes are too many or few.
        """
        plt = import_optional(
            "matplotlib.pyplot", extra="plot", purpose=type(self).__name__
        )
        if error and self.truth is None:
            raise ValueError("error=True needs truth to compare the maps with.")
        rows = {"found": self.abundances}
        if self.truth is not None:
            rows["truth"] = self.truth
        maps = np.concatenate(list(rows.values()))
        shared = {"vmin": min(maps.min(), 0.0), "vmax": maps.max()}
        options = [{**({} if "norm" in kwargs else shared), **kwargs}] * len(rows)
        if error:
            rows["error"] = self.abundances - self.truth
            options.append(_error_options(rows["error"], error_kwargs or {}))

        grid = (len(rows), self.abundances.shape[1])
        axes = _make_axes(plt, grid, self.shape) if axes is None else np.array(axes)
        if axes.size != grid[0] * grid[1]:
            raise ValueError(
                f"axes must have shape {grid}, a row for each of {', '.join(rows)}, "
                f"got {axes.shape}."
            )
        self.axes_ = axes.reshape(grid)
        self.images_ = np.empty(grid, dtype=object)
        for i, maps in enumerate(rows.values()):
            for k, column in enumerate(maps.T):
                ax = self.axes_[i, k]
                self.images_[i, k] = ax.imshow(column.reshape(self.shape), **options[i])
                ax.set(xticks=[], yticks=[])
        for ax, label in zip(
            self.axes_[0], check_names(self.names, grid[1]), strict=True
        ):
            ax.set_title(label)
        if len(rows) > 1:
            for ax, label in zip(self.axes_[:, 0], rows, strict=True):
                ax.set_ylabel(label)

        self.figure_ = self.axes_[0, 0].figure
        self.colorbar_ = self.error_colorbar_ = None
        if colorbar:
            n_shared = len(rows) - error
            self.colorbar_ = self.figure_.colorbar(
                self.images_[0, 0], ax=self.axes_[:n_shared].ravel().tolist()
            )
            if error:
                self.error_colorbar_ = self.figure_.colorbar(
                    self.images_[-1, 0], ax=self.axes_[-1].tolist()
                )
        if name is not None:
            self.figure_.suptitle(name)
        return self


def _error_options(errors: np.ndarray, chosen: dict) -> dict:
    """Colors that are even about zero."""
    largest = np.abs(errors).max()
    limits = {} if "norm" in chosen else {"vmin": -largest, "vmax": largest}
    return {"cmap": "RdBu_r", **limits, **chosen}


def _make_axes(plt: Any, grid: tuple[int, int], shape: tuple[int, int]) -> np.ndarray:
    """Panels two inches wide, as high as the image asks for within reason."""
    height = 2 * min(max(shape[0] / shape[1], 0.5), 2)
    _, axes = plt.subplots(
        *grid,
        figsize=(2 * grid[1] + 1, height * grid[0] + 0.7),
        squeeze=False,
        layout="constrained",
    )
    return axes
