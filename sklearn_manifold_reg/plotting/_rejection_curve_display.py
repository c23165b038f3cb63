"""Rejection curves of distances."""

from sklearn.utils.validation import check_is_fitted

from sklearn_manifold_reg._arrays import to_numpy
from sklearn_manifold_reg.graph import kernel_to_distance
from sklearn_manifold_reg.metrics import rejection_auc, rejection_curve
from sklearn_manifold_reg.utils._optional import import_optional


class RejectionCurveDisplay:
    """Share of pairs within classes that pass, over that of pairs between classes.

    Make one by `from_estimator` or `from_distances`, which also draw it. Several share
    axes by `ax=display.ax_`.

    Parameters
    ----------
    fpr : ndarray of shape (n_thresholds,)
        Shares of the pairs between classes.
    tpr : ndarray of shape (n_thresholds,)
        Shares of the pairs within a class.
    auc : float, default=None
        Area under the curve, for the legend.
    name : str, default=None
        Name of the curve, for the legend.

    Attributes
    ----------
    line_ : matplotlib Line2D
        Curve.
    chance_level_ : matplotlib Line2D or None
        Diagonal.
    ax_ : matplotlib Axes
        Axes drawn on.
    figure_ : matplotlib Figure
        Figure of the axes.

    See Also
    --------
    sklearn_manifold_reg.metrics.rejection_curve : Numbers of the curve.
    sklearn.metrics.RocCurveDisplay : The same of a binary classifier.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from scipy.sparse.csgraph import shortest_path
    >>> from sklearn_manifold_reg.datasets import make_planted_partition
    >>> from sklearn_manifold_reg.plotting import RejectionCurveDisplay
    >>> A, y = make_planted_partition(60, p_in=0.5, random_state=0)
    >>> distances = shortest_path(A, directed=False)
    >>> display = RejectionCurveDisplay.from_distances(distances, y, name="paths")
    >>> display.line_.get_label()
    'paths (AUC = 0.72)'
    """

    def __init__(self, *, fpr, tpr, auc=None, name=None):
        self.fpr = fpr
        self.tpr = tpr
        self.auc = auc
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator,
        y,
        *,
        ax=None,
        name=None,
        plot_chance_level=False,
        chance_level_kw=None,
        **kwargs,
    ):
        """Draw the rejection curve of the kernel that an estimator has fitted.

        Parameters
        ----------
        estimator : estimator with `kernel_matrix_`
            Fitted :class:`~sklearn_manifold_reg.kernel.GraphKernel`, whose kernel is
            turned into distances if it does not hold them already.
        y : array-like of shape (n,)
            Class of each row.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes new ones.
        name : str, default=None
            Name of the curve in the legend; None takes that of the estimator's class.
        plot_chance_level : bool, default=False
            Whether the diagonal is drawn, the curve of distances that know nothing of
            the classes.
        chance_level_kw : dict, default=None
            Passed to `matplotlib.axes.Axes.plot` for the diagonal.
        **kwargs : dict
            Passed to `matplotlib.axes.Axes.plot`.

        Returns
        -------
        display : RejectionCurveDisplay
            Drawn.

        Raises
        ------
        TypeError
            If the estimator has no kernel between its training rows.
        ValueError
            If `rejection_curve` refuses the distances or the classes.
        """
        check_is_fitted(estimator)
        title = type(estimator).__name__
        if not hasattr(estimator, "kernel_matrix_"):
            raise TypeError(
                f"{title} has no `kernel_matrix_`; from_distances draws the curve of "
                "any distances."
            )
        distances = estimator.kernel_matrix_
        if getattr(estimator, "output", "kernel") == "kernel":
            # Whether a root is taken changes nothing: only the order counts.
            distances = kernel_to_distance(distances)
        return cls.from_distances(
            distances,
            y,
            ax=ax,
            name=title if name is None else name,
            plot_chance_level=plot_chance_level,
            chance_level_kw=chance_level_kw,
            **kwargs,
        )

    @classmethod
    def from_distances(
        cls,
        distances,
        y,
        *,
        ax=None,
        name=None,
        plot_chance_level=False,
        chance_level_kw=None,
        **kwargs,
    ):
        """Draw the rejection curve of distances.

        Parameters
        ----------
        distances : array-like of shape (n, n)
            Symmetric distances, of which only the order counts.
        y : array-like of shape (n,)
            Class of each row.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes new ones.
        name : str, default=None
            Name of the curve in the legend.
        plot_chance_level : bool, default=False
            Whether the diagonal is drawn, the curve of distances that know nothing of
            the classes.
        chance_level_kw : dict, default=None
            Passed to `matplotlib.axes.Axes.plot` for the diagonal.
        **kwargs : dict
            Passed to `matplotlib.axes.Axes.plot`.

        Returns
        -------
        display : RejectionCurveDisplay
            Drawn.

        Raises
        ------
        ValueError
            If `rejection_curve` refuses the distances or the classes.
        """
        fpr, tpr, _ = rejection_curve(distances, y)
        display = cls(
            fpr=to_numpy(fpr),
            tpr=to_numpy(tpr),
            auc=rejection_auc(distances, y),
            name=name,
        )
        return display.plot(
            ax,
            plot_chance_level=plot_chance_level,
            chance_level_kw=chance_level_kw,
            **kwargs,
        )

    def plot(
        self,
        ax=None,
        *,
        name=None,
        plot_chance_level=False,
        chance_level_kw=None,
        **kwargs,
    ):
        """Draw the curve.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes new ones.
        name : str, default=None
            Name of the curve in the legend; None takes that of the display.
        plot_chance_level : bool, default=False
            Whether the diagonal is drawn, the curve of distances that know nothing of
            the classes.
        chance_level_kw : dict, default=None
            Passed to `matplotlib.axes.Axes.plot` for the diagonal, over the defaults.
        **kwargs : dict
            Passed to `matplotlib.axes.Axes.plot`, over the defaults.

        Returns
        -------
        self : RejectionCurveDisplay
            With the artists as attributes.
        """
        plt = import_optional(
            "matplotlib.pyplot", extra="plot", purpose=type(self).__name__
        )
        if ax is None:
            _, ax = plt.subplots()
        name = self.name if name is None else name
        area = None if self.auc is None else f"AUC = {self.auc:.2f}"
        label = f"{name} ({area})" if name and area else name or area
        (self.line_,) = ax.plot(self.fpr, self.tpr, **{"label": label, **kwargs})
        self.chance_level_ = None
        if plot_chance_level:
            diagonal = {
                "color": "k",
                "linestyle": "--",
                "label": "Chance level (AUC = 0.5)",
            }
            (self.chance_level_,) = ax.plot(
                (0, 1), (0, 1), **{**diagonal, **(chance_level_kw or {})}
            )
        ax.set(
            xlabel="pairs between classes that pass",
            ylabel="pairs within classes that pass",
            xlim=(-0.01, 1.01),
            ylim=(-0.01, 1.01),
            aspect="equal",
        )
        if ax.get_legend_handles_labels()[0]:
            ax.legend(loc="lower right")
        self.ax_ = ax
        self.figure_ = ax.figure
        return self
