"""Reconstructed images beside the true one."""

from math import prod

import numpy as np
from sklearn.utils.validation import check_array, check_is_fitted

from sklearn_manifold_reg.metrics import (
    peak_signal_to_noise_ratio,
    structural_similarity,
)
from sklearn_manifold_reg.utils._optional import import_optional

# Sides below which structure is not compared: the window of the index.
_SMALLEST = 7


class ReconstructionDisplay:
    """The true image, its measurements, reconstructions and their errors.

    Made by `from_estimator`, `from_estimators` or `from_images`, which also draw it.
    Images share one color scale, errors another that is even about zero.

    Parameters
    ----------
    images : dict of str to ndarray of shape (height, width)
        Reconstructions by name.
    truth : ndarray of shape (height, width), default=None
        True image.
    data : ndarray of two dimensions, default=None
        Measurements.

    Attributes
    ----------
    images_ : dict of str to matplotlib AxesImage
        Panels of the images, by name; "truth" and "data" where there are any.
    errors_ : dict of str to matplotlib AxesImage
        Panels of the errors.
    colorbar_ : matplotlib Colorbar or None
        Color scale of the images.
    error_colorbar_ : matplotlib Colorbar or None
        Color scale of the errors.
    axes_ : ndarray of shape (n_panel_rows, n_panels)
        Matplotlib Axes.
    figure_ : matplotlib Figure
        Figure of the axes.

    See Also
    --------
    sklearn_manifold_reg.inverse.GraphLaplacianReconstructor : What it draws.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import numpy as np
    >>> from sklearn_manifold_reg.inverse import TikhonovReconstructor
    >>> from sklearn_manifold_reg.plotting import ReconstructionDisplay
    >>> truth = np.zeros((16, 16))
    >>> truth[4:10, 5:12] = 1.0
    >>> X = truth.reshape(1, -1)
    >>> X = X + 0.1 * np.random.default_rng(0).standard_normal(X.shape)
    >>> model = TikhonovReconstructor(noise_level=1.6).fit(X)
    >>> display = ReconstructionDisplay.from_estimator(model, X[0], truth=truth)
    >>> list(display.images_)
    ['truth', 'data', 'TikhonovReconstructor']
    """

    def __init__(self, *, images, truth=None, data=None):
        self.images = images
        self.truth = truth
        self.data = data

    @classmethod
    def from_estimator(cls, estimator, y, *, truth=None, **kwargs):
        """Draw what a fitted reconstructor gives for the measurements of one image.

        Parameters
        ----------
        estimator : reconstructor
            Fitted.
        y : array-like of shape (n_measurements,)
            Measurements.
        truth : array-like of n_pixels values, default=None
            True image.
        **kwargs : dict
            Passed to `plot`.

        Returns
        -------
        display : ReconstructionDisplay
            Drawn.
        """
        return cls.from_estimators([estimator], y, truth=truth, **kwargs)

    @classmethod
    def from_estimators(cls, estimators, y, *, truth=None, **kwargs):
        """Draw what several fitted reconstructors give for the same measurements.

        Parameters
        ----------
        estimators : list of reconstructors, or dict of str to reconstructor
            Fitted; a dictionary names them.
        y : array-like of shape (n_measurements,)
            Measurements.
        truth : array-like of n_pixels values, default=None
            True image.
        **kwargs : dict
            Passed to `plot`.

        Returns
        -------
        display : ReconstructionDisplay
            Drawn.
        """
        if not isinstance(estimators, dict):
            estimators = {type(e).__name__: e for e in estimators}
        X = check_array(y, ensure_2d=False).reshape(1, -1)
        images = {}
        for name, estimator in estimators.items():
            check_is_fitted(estimator)
            images[name] = estimator.predict(X)[0].reshape(estimator.image_shape_)
        fitted = next(iter(estimators.values()))
        shape = getattr(fitted.operator_, "measurement_shape", None)
        if shape is None and X.shape[1] == prod(fitted.image_shape_):
            shape = fitted.image_shape_
        data = None if shape is None or len(shape) != 2 else X[0].reshape(shape)
        return cls.from_images(images, truth=truth, data=data, **kwargs)

    @classmethod
    def from_images(cls, images, *, truth=None, data=None, **kwargs):
        """Draw images.

        Parameters
        ----------
        images : dict of str to array-like of shape (height, width)
            Reconstructions by name.
        truth : array-like of height * width values, default=None
            True image.
        data : array-like of two dimensions, default=None
            Measurements.
        **kwargs : dict
            Passed to `plot`.

        Returns
        -------
        display : ReconstructionDisplay
            Drawn.

        Raises
        ------
        ValueError
            If images differ in shape, or hold NaN or infinity.
        """
        images = {name: check_array(image) for name, image in images.items()}
        shapes = {image.shape for image in images.values()}
        if len(shapes) != 1:
            raise ValueError(f"Images must have one shape, got {sorted(shapes)}.")
        shape = shapes.pop()
        if truth is not None:
            truth = check_array(truth, ensure_2d=False)
            if truth.size != prod(shape):
                raise ValueError(
                    f"truth has {truth.size} pixels, but images have shape {shape}."
                )
            truth = truth.reshape(shape)
        display = cls(images=images, truth=truth, data=data)
        return display.plot(**kwargs)

    def plot(self, axes=None, *, error=None, colorbar=True, name=None, **kwargs):
        """Draw the images.

        Parameters
        ----------
        axes : array-like of matplotlib Axes, default=None
            One for each panel, row by row; None makes new ones.
        error : bool, default=None
            Whether a second row shows reconstructions minus truth. None does so where
            the truth is known.
        colorbar : bool, default=True
            Whether color scales stand beside the panels.
        name : str, default=None
            Title.
        **kwargs : dict
            Passed to `matplotlib.axes.Axes.imshow` for the images.

        Returns
        -------
        self : ReconstructionDisplay
            With the artists as attributes.

        Raises
        ------
        ValueError
            If errors are asked for without a truth, or axes are too many or too few.
        """
        plt = import_optional(
            "matplotlib.pyplot", extra="plot", purpose=type(self).__name__
        )
        if error is None:
            error = self.truth is not None
        if error and self.truth is None:
            raise ValueError("error=True needs truth to compare the images with.")
        top = {**self._beside(), **self.images}
        grid = (1 + error, len(top))
        if axes is None:
            size = (2.2 * grid[1] + 1, 2.3 * grid[0] + 0.4)
            _, axes = plt.subplots(
                *grid, figsize=size, squeeze=False, layout="constrained"
            )
        axes = np.array(axes)
        if axes.size != prod(grid):
            raise ValueError(
                f"axes must have shape {grid}, a row of images"
                f"{' and one of errors' if error else ''}, got {axes.shape}."
            )
        self.axes_ = axes.reshape(grid)
        self.figure_ = self.axes_[0, 0].figure
        shown = [image for label, image in top.items() if label != "data"]
        limits = {} if "norm" in kwargs else _limits(shown)
        options = {"cmap": "gray", **limits, **kwargs}
        self.images_: dict = {}
        self.errors_: dict = {}
        for ax, (label, image) in zip(self.axes_[0], top.items(), strict=True):
            # Measurements have a scale of their own.
            own = {"cmap": "gray", "aspect": "auto"} if label == "data" else options
            self.images_[label] = ax.imshow(image, **own)
            ax.set_title(self._title(label), fontsize="small")
        for ax in self.axes_.ravel():
            ax.set(xticks=[], yticks=[])
        if error:
            self._plot_errors(len(top) - len(self.images))
        self.colorbar_ = self.error_colorbar_ = None
        if colorbar:
            last = list(self.images)[-1]
            self.colorbar_ = self.figure_.colorbar(
                self.images_[last], ax=self.axes_[0].tolist()
            )
            if error:
                self.error_colorbar_ = self.figure_.colorbar(
                    self.errors_[last], ax=self.axes_[1].tolist()
                )
        if name is not None:
            self.figure_.suptitle(name)
        return self

    def _beside(self):
        known = {"truth": self.truth, "data": self.data}
        return {label: image for label, image in known.items() if image is not None}

    def _plot_errors(self, first):
        errors = {label: image - self.truth for label, image in self.images.items()}
        largest = max(np.abs(image).max() for image in errors.values())
        for ax in self.axes_[1, :first]:
            ax.set_axis_off()
        for ax, (label, image) in zip(
            self.axes_[1, first:], errors.items(), strict=True
        ):
            self.errors_[label] = ax.imshow(
                image, cmap="RdBu_r", vmin=-largest, vmax=largest
            )
        self.axes_[1, first].set_ylabel("error")

    def _title(self, label):
        """Name of an image, with its scores."""
        if label not in self.images or self.truth is None or not np.ptp(self.truth):
            return label
        image = self.images[label]
        title = f"{label}\n{peak_signal_to_noise_ratio(self.truth, image):.1f} dB"
        if min(image.shape) >= _SMALLEST:
            title += f", SSIM {structural_similarity(self.truth, image):.2f}"
        return title


def _limits(images):
    return {
        "vmin": min(image.min() for image in images),
        "vmax": max(image.max() for image in images),
    }
