"""Points colored by a number or a class."""

from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import to_numpy

# Matplotlib's "petroff10": ten colors that color-blind readers tell apart.
CLASS_COLORS = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
)
UNKNOWN_COLOR = "#d9d9d9"


def check_values(values: Any, n_points: int, name: str = "values") -> np.ndarray | None:
    """Take values of points to the host.

    Parameters
    ----------
    values : array-like of shape (n_points,) or None
        Numbers or classes.
    n_points : int
        Number of points.
    name : str, default="values"
        Name of the parameter.

    Returns
    -------
    values : ndarray of shape (n_points,) or None
        The same.

    Raises
    ------
    ValueError
        If the shape is another.
    """
    if values is None:
        return None
    values = np.asarray(to_numpy(values))
    if values.shape != (n_points,):
        raise ValueError(
            f"{name} must have shape ({n_points},), one a point, got {values.shape}."
        )
    return values


def draw_points(
    ax: Any,
    groups: list[np.ndarray],
    values: list[np.ndarray | None],
    options: list[dict],
    *,
    colorbar: bool,
) -> tuple[list[Any], Any, Any]:
    """Draw groups of points with one coloring.

    Parameters
    ----------
    ax : matplotlib Axes
        In the plane or in space.
    groups : list of ndarray of shape (n_points, n_dimensions)
        Points.
    values : list of ndarray of shape (n_points,) or None
        Floating-point numbers give one color scale, NaN being gray; others are
        classes, -1 being gray unless -1 and 1 are all there is.
    options : list of dict
        For `scatter`, one a group; a color in the first overrides `values`.
    colorbar : bool
        Whether a color scale stands beside numbers.

    Returns
    -------
    scatters : list of matplotlib PathCollection
        One a group.
    legend : matplotlib Legend or None
        Of classes.
    colorbar : matplotlib Colorbar or None
        Of numbers.
    """
    if _has_color(options[0]) or all(v is None for v in values):
        colored: list[dict] = [{"color": CLASS_COLORS[0]}] * len(groups)
        return _scatter(ax, groups, colored, options), None, None
    filled = [
        np.full(len(points), np.nan) if own is None else own
        for points, own in zip(groups, values, strict=True)
    ]
    known = np.concatenate([v for v in values if v is not None])
    if known.dtype.kind == "f":
        # Matplotlib would give each group a range of its own.
        limits = {} if "norm" in options[0] else _limits(known)
        shared = {"plotnonfinite": True, **limits}
        colored = [{"c": v, **shared} for v in filled]
        scatters = _scatter(ax, groups, colored, options)
        for scatter in scatters:
            scatter.set_cmap(scatter.get_cmap().with_extremes(bad=UNKNOWN_COLOR))
        bar = ax.figure.colorbar(scatters[0], ax=ax) if colorbar else None
        return scatters, None, bar
    classes = _classes(known)
    palette = [CLASS_COLORS[k % len(CLASS_COLORS)] for k in range(len(classes))]
    color_of = dict(zip(classes, palette, strict=True))
    colored = [
        {"c": np.array([color_of.get(label, UNKNOWN_COLOR) for label in v.tolist()])}
        for v in filled
    ]
    scatters = _scatter(ax, groups, colored, options)
    nowhere: list[list] = [[]] * groups[0].shape[1]
    handles = [
        ax.scatter(*nowhere, c=color, label=str(label))
        for label, color in color_of.items()
    ]
    return scatters, ax.legend(handles=handles), None


def _has_color(options: dict) -> bool:
    return "c" in options or "color" in options


def _scatter(
    ax: Any, groups: list[np.ndarray], colored: list[dict], options: list[dict]
) -> list[Any]:
    return [
        ax.scatter(*points.T, **{**({} if _has_color(own) else coloring), **own})
        for points, coloring, own in zip(groups, colored, options, strict=True)
    ]


def _limits(values: np.ndarray) -> dict:
    """One range of numbers for all groups."""
    finite = values[np.isfinite(values)]
    return {"vmin": finite.min(), "vmax": finite.max()} if finite.size else {}


def _classes(values: np.ndarray) -> list:
    """Distinct classes, without the mark of unlabeled rows."""
    found = set(values.tolist())
    if found != {-1, 1}:
        found -= {-1}
    return sorted(found)
