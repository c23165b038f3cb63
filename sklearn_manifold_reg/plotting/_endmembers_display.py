"""Spectra of materials."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_manifold_reg._arrays import to_numpy
from sklearn_manifold_reg.plotting._materials import (
    check_matrix,
    check_names,
    check_truth,
    match_spectra,
    scale_rows,
)
from sklearn_manifold_reg.plotting._points import CLASS_COLORS
from sklearn_manifold_reg.utils._optional import import_optional


class EndmembersDisplay:
    """Spectra over their wavelengths, the true ones dashed.

    Make one by `from_estimator` or `from_components`, which also draw it.

    Parameters
    ----------
    components : ndarray of shape (n_components, n_bands)
        Spectra, in the order of `truth` where that is given.
    wavelengths : ndarray of shape (n_bands,), default=None
        Place of each band; None numbers the bands from 0.
    names : list of str, default=None
        Names of the materials; None numbers them.
    truth : ndarray of shape (n_components, n_bands), default=None
        True spectra.
    angles : ndarray of shape (n_components,), default=None
        Angles between spectra and true spectra in radians, for the legend.

    Attributes
    ----------
    lines_ : list of matplotlib Line2D
        Spectra.
    truth_lines_ : list of matplotlib Line2D
        True spectra; empty without `truth`.
    legend_ : matplotlib Legend
        Names of the materials.
    ax_ : matplotlib Axes
        Axes drawn on.
    figure_ : matplotlib Figure
        Figure of the axes.

    See Also
    --------
    AbundanceMapsDisplay : Where the materials are.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from sklearn_manifold_reg.datasets import make_mixed_scene
    >>> from sklearn_manifold_reg.plotting import EndmembersDisplay
    >>> scene = make_mixed_scene((20, 20), 2, random_state=0)
    >>> pixels = scene.data[scene.abundances.argmax(axis=0)]
    >>> display = EndmembersDisplay.from_components(
    ...     pixels[::-1],
    ...     wavelengths=scene.wavelengths,
    ...     names=["soil", "water"],
    ...     truth=scene.endmembers,
    ... )
    >>> [line.get_label() for line in display.lines_]
    ['soil (0.00 rad)', 'water (0.00 rad)']
    """

    def __init__(
        self, *, components, wavelengths=None, names=None, truth=None, angles=None
    ):
        self.components = components
        self.wavelengths = wavelengths
        self.names = names
        self.truth = truth
        self.angles = angles

    @classmethod
    def from_estimator(
        cls,
        estimator,
        *,
        wavelengths=None,
        names=None,
        truth=None,
        normalize=False,
        ax=None,
        name=None,
        truth_kwargs=None,
        **kwargs,
    ):
        """Draw the components of a fitted estimator.

        Parameters
        ----------
        estimator : estimator with `components_`
            Fitted.
        wavelengths : array-like of shape (n_bands,), default=None
            Place of each band; None numbers the bands from 0.
        names : array-like of str, default=None
            Names of the materials, in the order of `truth` where that is given.
        truth : array-like of shape (n_components, n_bands), default=None
            True spectra, each of which is matched with one component so that the sum
            of angles is least.
        normalize : bool, default=False
            Whether each spectrum is divided by its Euclidean norm, as for a truth that
            tells the shape only.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes new ones.
        name : str, default=None
            Title; None takes the name of the estimator's class.
        truth_kwargs : dict, default=None
            Passed to `matplotlib.axes.Axes.plot` for true spectra.
        **kwargs : dict
            Passed to `matplotlib.axes.Axes.plot`.

        Returns
        -------
        display : EndmembersDisplay
            Drawn.

        Raises
        ------
        TypeError
            If the estimator has no components.
        ValueError
            If shapes do not fit.
        """
        check_is_fitted(estimator)
        title = type(estimator).__name__
        if not hasattr(estimator, "components_"):
            raise TypeError(
                f"{title} has no `components_`; from_components draws any spectra."
            )
        return cls.from_components(
            estimator.components_,
            wavelengths=wavelengths,
            names=names,
            truth=truth,
            normalize=normalize,
            ax=ax,
            name=title if name is None else name,
            truth_kwargs=truth_kwargs,
            **kwargs,
        )

    @classmethod
    def from_components(
        cls,
        components,
        *,
        wavelengths=None,
        names=None,
        truth=None,
        normalize=False,
        ax=None,
        name=None,
        truth_kwargs=None,
        **kwargs,
    ):
        """Draw spectra.

        Parameters
        ----------
        components : array-like of shape (n_components, n_bands)
            Spectra.
        wavelengths : array-like of shape (n_bands,), default=None
            Place of each band; None numbers the bands from 0.
        names : array-like of str, default=None
            Names of the materials, in the order of `truth` where that is given.
        truth : array-like of shape (n_components, n_bands), default=None
            True spectra, each of which is matched with one component so that the sum
            of angles is least.
        normalize : bool, default=False
            Whether each spectrum is divided by its Euclidean norm, as for a truth that
            tells the shape only.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes new ones.
        name : str, default=None
            Title.
        truth_kwargs : dict, default=None
            Passed to `matplotlib.axes.Axes.plot` for true spectra.
        **kwargs : dict
            Passed to `matplotlib.axes.Axes.plot`.

        Returns
        -------
        display : EndmembersDisplay
            Drawn.

        Raises
        ------
        ValueError
            If shapes do not fit.
        """
        components = check_matrix(components, "components")
        n_components, n_bands = components.shape
        if wavelengths is not None:
            wavelengths = np.asarray(to_numpy(wavelengths))
            if wavelengths.shape != (n_bands,):
                raise ValueError(
                    f"wavelengths must have shape ({n_bands},), one a band, got "
                    f"{wavelengths.shape}."
                )
        angles = None
        if truth is not None:
            truth = check_truth(truth, components.shape, "components")
            order, angles = match_spectra(components, truth)
            components = components[order]
        if normalize:
            components = _unit_rows(components)
            truth = None if truth is None else _unit_rows(truth)
        display = cls(
            components=components,
            wavelengths=wavelengths,
            names=check_names(names, n_components),
            truth=truth,
            angles=angles,
        )
        return display.plot(ax, name=name, truth_kwargs=truth_kwargs, **kwargs)

    def plot(self, ax=None, *, name=None, truth_kwargs=None, **kwargs):
        """Draw the spectra.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes new ones.
        name : str, default=None
            Title.
        truth_kwargs : dict, default=None
            Passed to `matplotlib.axes.Axes.plot` for true spectra, over the defaults.
        **kwargs : dict
            Passed to `matplotlib.axes.Axes.plot`, over the defaults.

        Returns
        -------
        self : EndmembersDisplay
            With the artists as attributes.
        """
        plt = import_optional(
            "matplotlib.pyplot", extra="plot", purpose=type(self).__name__
        )
        if ax is None:
            _, ax = plt.subplots()
        n_components, n_bands = self.components.shape
        known = self.wavelengths is not None
        places = self.wavelengths if known else np.arange(n_bands)
        labels = check_names(self.names, n_components)
        if self.angles is not None:
            labels = [
                f"{label} ({angle:.2f} rad)"
                for label, angle in zip(labels, self.angles, strict=True)
            ]
        self.lines_, self.truth_lines_ = [], []
        for k in range(n_components):
            options = {"color": CLASS_COLORS[k % len(CLASS_COLORS)], "label": labels[k]}
            (line,) = ax.plot(places, self.components[k], **{**options, **kwargs})
            self.lines_.append(line)
            if self.truth is None:
                continue
            # One entry of the legend says what dashes are.
            dashed = {
                "color": line.get_color(),
                "linestyle": "--",
                "label": "truth" if k == n_components - 1 else None,
            }
            (line,) = ax.plot(
                places, self.truth[k], **{**dashed, **(truth_kwargs or {})}
            )
            self.truth_lines_.append(line)
        ax.set(xlabel="wavelength" if known else "band", ylabel="value")
        self.legend_ = ax.legend()
        if name is not None:
            ax.set_title(name)
        self.ax_ = ax
        self.figure_ = ax.figure
        return self


def _unit_rows(spectra: np.ndarray) -> np.ndarray:
    return scale_rows(spectra, np.linalg.norm(spectra, axis=1))
