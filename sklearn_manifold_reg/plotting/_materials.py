"""Materials found, put in the order of the true ones."""

from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.utils.validation import check_array

from sklearn_manifold_reg._arrays import to_numpy
from sklearn_manifold_reg.metrics import match_components, spectral_angle


def check_matrix(values: Any, name: str) -> np.ndarray:
    """Take a matrix of finite numbers to the host, in double precision.

    Parameters
    ----------
    values : array-like of shape (n_rows, n_columns)
        Numbers.
    name : str
        Name of the parameter.

    Returns
    -------
    values : ndarray of shape (n_rows, n_columns), float64
        The same.

    Raises
    ------
    ValueError
        If the numbers are no matrix, or not finite.
    """
    return check_array(to_numpy(values), dtype=np.float64, input_name=name)


def check_truth(truth: Any, shape: tuple[int, ...], found: str) -> np.ndarray:
    """Take the truth to the host, which must have the shape of what was found.

    Parameters
    ----------
    truth : array-like of shape (n_rows, n_columns)
        Numbers.
    shape : tuple of int
        Shape of what was found.
    found : str
        Name of what was found.

    Returns
    -------
    truth : ndarray of shape (n_rows, n_columns), float64
        The same.

    Raises
    ------
    ValueError
        If the shape is another.
    """
    truth = check_matrix(truth, "truth")
    if truth.shape != shape:
        raise ValueError(
            f"truth must have the shape {shape} of the {found}, got {truth.shape}."
        )
    return truth


def check_names(names: Any, n_materials: int) -> list[str]:
    """Take names of the materials, or number them.

    Parameters
    ----------
    names : array-like of str or None
        Names.
    n_materials : int
        Number of materials.

    Returns
    -------
    names : list of str
        One a material.

    Raises
    ------
    ValueError
        If there are more or fewer.
    """
    if names is None:
        return [f"material {k}" for k in range(n_materials)]
    names = [str(name) for name in names]
    if len(names) != n_materials:
        raise ValueError(
            f"names must have {n_materials} entries, one a material, got {len(names)}."
        )
    return names


def scale_rows(values: np.ndarray, norms: np.ndarray) -> np.ndarray:
    """Divide rows by their norms, and leave those of norm 0 as they are.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)
        Rows.
    norms : ndarray of shape (n_rows,)
        Norm of each.

    Returns
    -------
    values : ndarray of shape (n_rows, n_columns)
        New rows.
    """
    return values / np.where(norms == 0, 1.0, norms)[:, None]


def match_spectra(
    components: np.ndarray, truth: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Match each true spectrum with one that was found, by the least sum of angles.

    Parameters
    ----------
    components : ndarray of shape (n_components, n_bands)
        Spectra that were found.
    truth : ndarray of shape (n_components, n_bands)
        True spectra.

    Returns
    -------
    order : ndarray of shape (n_components,)
        Row of `components` that belongs to each row of `truth`.
    angles : ndarray of shape (n_components,)
        Angle of each pair in radians.
    """
    order = match_components(truth, components)
    angles = spectral_angle(truth, components)
    return order, angles[np.arange(len(order)), order]


def match_maps(abundances: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Match each true map with one that was found, by the least sum of squares.

    Parameters
    ----------
    abundances : ndarray of shape (n_pixels, n_components)
        Maps that were found.
    truth : ndarray of shape (n_pixels, n_components)
        True maps.

    Returns
    -------
    order : ndarray of shape (n_components,)
        Column of `abundances` that belongs to each column of `truth`.
    """
    # The sum of squares of a difference, without those that no matching changes.
    return linear_sum_assignment(-(truth.T @ abundances))[1]
