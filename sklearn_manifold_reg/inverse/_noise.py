"""How much noise measurements hold."""

from typing import Any

from sklearn_manifold_reg._arrays import namespace_of

# Median of the absolute value of a standard normal variable.
_MEDIAN = 0.6744897501960817


def estimate_noise(y: Any, measurement_shape: tuple[int, ...]) -> float:
    """Estimate the norm of white noise in the measurements of one image.

    Second differences cancel what is smooth in the measurements; the median of their
    sizes does not see the few places where it is not [1]_.

    Parameters
    ----------
    y : array of shape (n_measurements,)
        Measurements.
    measurement_shape : tuple of int
        Their shape. Differences are taken along the two last axes of a length of
        three or more, or along the one there is.

    Returns
    -------
    norm : float
        Standard deviation times the root of the number of measurements; 0 for
        fewer than three.

    References
    ----------
    .. [1] D. L. Donoho, I. M. Johnstone, "Ideal spatial adaptation by wavelet
       shrinkage", Biometrika 81, 1994, doi:10.1093/biomet/81.3.425.
    """
    xp = namespace_of(y)
    differences = xp.reshape(y, measurement_shape)
    axes = [a for a, side in enumerate(measurement_shape) if side > 2][-2:]
    if not axes:
        return 0.0
    for axis in axes:
        differences = _second_difference(differences, axis)
    sizes = xp.sort(xp.reshape(xp.abs(differences), (-1,)))
    n = sizes.shape[0]
    median = (float(sizes[(n - 1) // 2]) + float(sizes[n // 2])) / 2
    return median / (_MEDIAN * 6 ** (len(axes) / 2)) * y.shape[0] ** 0.5


def noise_levels(
    X: Any,
    noise_level: float | None,
    relative_noise: float | None,
    measurement_shape: tuple[int, ...],
) -> list[float]:
    """Norm of the noise in each row of measurements, as given or estimated.

    Parameters
    ----------
    X : array of shape (n_samples, n_measurements)
        Measurements.
    noise_level : float or None
        The norm itself.
    relative_noise : float or None
        The norm over that of the row. With both None it is estimated.
    measurement_shape : tuple of int
        Shape of a row.

    Returns
    -------
    levels : list of float
        One for each row.
    """
    if noise_level is not None:
        return [float(noise_level)] * X.shape[0]
    if relative_noise is not None:
        norms = namespace_of(X).linalg.vector_norm(X, axis=1)
        return [relative_noise * float(norm) for norm in norms]
    return [estimate_noise(X[i, :], measurement_shape) for i in range(X.shape[0])]


def _second_difference(x: Any, axis: int) -> Any:
    def cut(start: int, stop: int | None) -> Any:
        place = [slice(None)] * x.ndim
        place[axis] = slice(start, stop)
        return x[tuple(place)]

    return cut(0, -2) - 2 * cut(1, -1) + cut(2, None)
