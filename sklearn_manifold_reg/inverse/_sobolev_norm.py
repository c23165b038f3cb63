"""Sobolev norms of images, and of signals on graphs."""

from numbers import Real
from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import namespace_of
from sklearn_manifold_reg.inverse._image_operator import check_image_shape
from sklearn_manifold_reg.linalg import apply_function
from sklearn_manifold_reg.optim import SobolevMisfit


def sobolev_weights(image_shape, s, *, length_scale=10.0, homogeneous=False):
    """Weigh frequencies: `(1 + length_scale² |xi|²)^s`, or `|xi|^(2 s)`.

    xi is the angular frequency of a Fourier coefficient, in radians a pixel.

    Parameters
    ----------
    image_shape : tuple of (int, int)
        Height and width.
    s : float
        Order. Positive ones weigh fine detail more than coarse, negative ones less.
    length_scale : float, default=10.0
        Length in pixels up to which detail counts as fine.
    homogeneous : bool, default=False
        Whether to take `|xi|^(2 s)`, which knows no length. The mean then weighs
        nothing, except for s = 0.

    Returns
    -------
    weights : ndarray of shape (height, width)
        In the order of `numpy.fft.fft2`.

    Raises
    ------
    ValueError
        If `s` is not finite, `length_scale` not positive or `image_shape` not two
        positive integers.

    Examples
    --------
    >>> from sklearn_manifold_reg.inverse import sobolev_weights
    >>> sobolev_weights((1, 4), -1.0, length_scale=1.0).round(2)
    array([[1.  , 0.29, 0.09, 0.29]])
    """
    height, width = check_image_shape(image_shape)
    _check_order(s, length_scale)
    rows, columns = (2 * np.pi * np.fft.fftfreq(side) for side in (height, width))
    squared = np.add.outer(rows**2, columns**2)
    if not homogeneous:
        return (1 + length_scale**2 * squared) ** s
    if s == 0:
        return np.ones((height, width))
    squared[0, 0] = 1.0
    weights = squared**s
    weights[0, 0] = 0.0
    return weights


def sobolev_norm(x, s, *, length_scale=10.0, homogeneous=False, laplacian=None):
    """Measure images, or signals on a graph, in a Sobolev norm.

    |x|² = sum_xi w(xi) |F x(xi)|², with F the unitary Fourier transform and w the
    `sobolev_weights`; on a graph, |x|² = x' (I + length_scale² L)^s x.

    Parameters
    ----------
    x : array of shape (..., height, width), or (n_nodes,) or (n_nodes, n_signals)
        Images, on a torus. Signals if `laplacian` is given.
    s : float
        Order. 0 is the Euclidean norm.
    length_scale : float, default=10.0
        Length in pixels, or square root of a time on the graph, up to which detail
        counts as fine.
    homogeneous : bool, default=False
        Whether to take `|xi|^(2 s)` as weights. Not for graphs.
    laplacian : Operator, sparse array or array of shape (n_nodes, n_nodes), \
            default=None
        Graph Laplacian, which takes the place of -div grad.

    Returns
    -------
    norm : float or array of shape (...) or (n_signals,)
        Norms, not squared.

    Raises
    ------
    ValueError
        If `s` is not finite, `length_scale` not positive, `homogeneous` is asked for on
        a graph, or `x` is no image.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.inverse import sobolev_norm
    >>> checkerboard = np.indices((8, 8)).sum(axis=0) % 2 - 0.5
    >>> float(sobolev_norm(checkerboard, 0.0)), float(sobolev_norm(np.ones((8, 8)), -1))
    (4.0, 8.0)
    >>> float(round(sobolev_norm(checkerboard, -1.0), 2))
    0.09
    """
    _check_order(s, length_scale)
    xp = namespace_of(x)
    if laplacian is not None:
        if homogeneous:
            raise ValueError("homogeneous=True is defined for images, not for graphs.")
        weighted = apply_function(
            laplacian, lambda values: (1 + length_scale**2 * values) ** s, x
        ).x
        # Rounding may leave the squares of zeros below zero.
        return xp.sqrt(xp.clip(xp.sum(x * weighted, axis=0), 0.0, None))
    if x.ndim < 2:
        raise ValueError(
            f"x must hold images of shape (height, width), got shape {tuple(x.shape)}; "
            "give the laplacian if they are signals on a graph."
        )
    shape = tuple(x.shape[-2:])
    weights = sobolev_weights(
        shape, s, length_scale=length_scale, homogeneous=homogeneous
    )
    misfit = SobolevMisfit(xp.zeros_like(x), weights[:, : shape[1] // 2 + 1])
    return misfit.residual_norms(x)


def _check_order(s: Any, length_scale: Any) -> None:
    if not isinstance(s, Real) or not np.isfinite(float(s)):
        raise ValueError(f"s must be a finite number, got {s!r}.")
    if not isinstance(length_scale, Real) or not 0 < float(length_scale) < np.inf:
        raise ValueError(
            f"length_scale must be a positive finite number, got {length_scale!r}."
        )
