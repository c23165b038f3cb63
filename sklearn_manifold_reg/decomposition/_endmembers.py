"""Endmembers: pixels of which all others are mixtures."""

import math
import warnings
from numbers import Integral, Real
from types import ModuleType
from typing import Any

from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array, check_random_state

from sklearn_manifold_reg._arrays import asarray_like, float_dtypes, namespace_of
from sklearn_manifold_reg.decomposition._products import row_products
from sklearn_manifold_reg.utils._sklearn import Interval, validate_params

# Multiples of the rounding error, relative to the largest, that count as zero.
_ROUNDING = 50
# Growth of the volume that is worth an exchange.
_GROWTH = 1e-9

_COUNT = [Interval(Integral, 1, None, closed="left")]


@validate_params(
    {
        "n_components": _COUNT,
        "snr": [Interval(Real, None, None, closed="neither"), None],
        "projected": ["boolean"],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def vertex_component_analysis(
    X, n_components, *, snr=None, projected=False, random_state=None
):
    """Find endmembers as extreme pixels along random directions.

    Pixels are reduced to `n_components` coordinates in which mixtures fill a simplex.
    Then, `n_components` times, a random direction orthogonal to the endmembers found
    so far is drawn, and the pixel that reaches farthest along it is taken [1]_.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Pixels, one a row.
    n_components : int
        Number of endmembers; at most the number of pixels and of features.
    snr : float or None, default=None
        Ratio of signal to noise in decibels. None estimates it from the part of the
        power outside `n_components` principal directions. Above
        15 + 10 log10(n_components) pixels are projected on singular directions and
        scaled to one hyperplane, which takes out brightness; below, on principal
        directions, which resists noise.
    projected : bool, default=False
        Whether endmembers are returned as projected on those directions, with less
        noise, rather than as the pixels themselves.
    random_state : int, RandomState instance or None, default=None
        Seed of the directions.

    Returns
    -------
    endmembers : array of shape (n_components, n_features)
        Spectra, in the order found.
    indices : array of shape (n_components,)
        Their rows in `X`.

    Raises
    ------
    ValueError
        If X holds NaN or infinity, or fewer pixels, features or independent pixels
        than `n_components`.

    See Also
    --------
    successive_projection : Without randomness.
    n_findr : By volume.
    LinearUnmixer : Endmembers and abundances.

    Notes
    -----
    Exact if pixels are noise-free mixtures and each endmember is a pixel; then the
    directions change the order only. Directions are drawn from a normal distribution,
    which prefers none, those of [1]_ from a cube.

    Takes time O(n_samples * n_features² + n_samples * n_components²). Arrays of another
    library stay on their device under scikit-learn's `array_api_dispatch`.

    References
    ----------
    .. [1] J. M. P. Nascimento, J. M. Bioucas-Dias, "Vertex component analysis: a fast
       algorithm to unmix hyperspectral data", IEEE Transactions on Geoscience and
       Remote Sensing 43, 2005, doi:10.1109/TGRS.2005.844293.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.decomposition import vertex_component_analysis
    >>> endmembers = np.array([[1.0, 0.2, 0.1], [0.1, 0.8, 0.3]])
    >>> shares = np.array([[0.5, 0.5], [1.0, 0.0], [0.3, 0.7], [0.0, 1.0]])
    >>> _, indices = vertex_component_analysis(shares @ endmembers, 2, random_state=0)
    >>> sorted(indices.tolist())
    [1, 3]
    """
    X, xp = _check_pixels(X, n_components)
    mean = xp.mean(X, axis=0, keepdims=True)
    moment = X.T @ X / X.shape[0]
    covariance = moment - mean.T @ mean
    if snr is None:
        snr = _estimate_snr(xp, moment, covariance, n_components)
    scaled = n_components == 1 or snr > 15 + 10 * math.log10(n_components)
    if scaled:
        basis, origin = leading_vectors(xp, moment, n_components), xp.zeros_like(mean)
    else:
        basis, origin = leading_vectors(xp, covariance, n_components - 1), mean
    # Not of a centered copy: X is the one large array.
    Z = X @ basis - origin @ basis
    if not scaled:
        norm = xp.sqrt(xp.max(xp.sum(Z * Z, axis=1)))
        Z = xp.concat([Z, xp.ones_like(X[:, :1]) * norm], axis=1)
    elif n_components > 1:
        Z = _on_hyperplane(xp, Z)
    indices = _extreme_rows(xp, Z, n_components, check_random_state(random_state))
    indices = _as_indices(xp, indices, X)
    endmembers = xp.take(X, indices, axis=0)
    if projected:
        endmembers = (endmembers - origin) @ basis @ basis.T + origin
    return endmembers, indices


@validate_params({"n_components": _COUNT}, prefer_skip_nested_validation=True)
def successive_projection(X, n_components):
    """Find endmembers by taking the longest row and projecting it out, repeatedly.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Pixels, one a row.
    n_components : int
        Number of endmembers; at most the number of pixels and of features.

    Returns
    -------
    endmembers : array of shape (n_components, n_features)
        Rows of `X`, in the order found.
    indices : array of shape (n_components,)
        Their rows in `X`; of equally long ones the first.

    Raises
    ------
    ValueError
        If X holds NaN or infinity, or fewer pixels, features or linearly independent
        pixels than `n_components`.

    See Also
    --------
    vertex_component_analysis : In fewer dimensions, hence with less noise.
    n_findr : By volume.

    Notes
    -----
    Finds the endmembers of noise-free mixtures if they are linearly independent pixels
    and shares sum to at most one; noise moves them by an amount bounded in [1]_. Takes
    time O(n_samples * n_features * n_components), and memory for one number a row.

    Arrays of another library stay on their device under scikit-learn's
    `array_api_dispatch`.

    References
    ----------
    .. [1] N. Gillis, S. A. Vavasis, "Fast and robust recursive algorithms for separable
       nonnegative matrix factorization", IEEE Transactions on Pattern Analysis and
       Machine Intelligence 36, 2014, doi:10.1109/TPAMI.2013.226.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.decomposition import successive_projection
    >>> endmembers = np.array([[1.0, 0.2, 0.1], [0.1, 0.8, 0.3]])
    >>> shares = np.array([[0.5, 0.5], [1.0, 0.0], [0.3, 0.7], [0.0, 1.0]])
    >>> endmembers, indices = successive_projection(shares @ endmembers, 2)
    >>> indices
    array([1, 3])
    """
    X, xp = _check_pixels(X, n_components)
    squares = row_products(X, X)
    threshold = _ROUNDING * xp.finfo(X.dtype).eps * float(xp.max(squares))
    found: list[int] = []
    directions: list[Any] = []
    for _ in range(n_components):
        i = int(xp.argmax(squares))
        if not float(squares[i]) > threshold:
            _raise_dependent(len(found), n_components, "linearly")
        direction = X[i, :]
        # Twice, since once leaves what rounding put back.
        for earlier in [*directions, *directions]:
            direction = direction - xp.sum(direction * earlier) * earlier
        direction = direction / xp.sqrt(xp.sum(direction * direction))
        squares = squares - (X @ direction) ** 2
        found.append(i)
        directions.append(direction)
    indices = _as_indices(xp, found, X)
    return xp.take(X, indices, axis=0), indices


@validate_params(
    {
        "n_components": _COUNT,
        "max_iter": [Interval(Integral, 1, None, closed="left"), None],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def n_findr(X, n_components, *, max_iter=None, random_state=None):
    """Find endmembers as the pixels that span the simplex of largest volume.

    In `n_components - 1` principal coordinates Z, the volume of pixels `indices` is
    proportional to `|det([1, Z[indices]])|`. Single pixels are exchanged as long as
    that enlarges it [1]_.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Pixels, one a row.
    n_components : int
        Number of endmembers; at most the number of pixels and of features.
    max_iter : int or None, default=None
        Largest number of passes over the endmembers; None takes `3 * n_components`.
    random_state : int, RandomState instance or None, default=None
        Seed of the pixel that the first simplex is grown from.

    Returns
    -------
    endmembers : array of shape (n_components, n_features)
        Rows of `X`.
    indices : array of shape (n_components,)
        Their rows in `X`.

    Raises
    ------
    ValueError
        If X holds NaN or infinity, or fewer pixels, features or affinely independent
        pixels than `n_components`.

    Warns
    -----
    ConvergenceWarning
        If the volume still grows after `max_iter` passes.

    See Also
    --------
    vertex_component_analysis : Without exchanges.

    Notes
    -----
    The first simplex is grown: from a random pixel, each time the pixel farthest from
    those taken is added. No single exchange enlarges the last one; exchanges of several
    might. Replacing a vertex by each pixel changes the determinant by a factor linear
    in the pixel, so that a pass takes time O(n_samples * n_components²).

    Arrays of another library stay on their device under scikit-learn's
    `array_api_dispatch`.

    References
    ----------
    .. [1] M. E. Winter, "N-FINDR: an algorithm for fast autonomous spectral end-member
       determination in hyperspectral data", Imaging Spectrometry V, SPIE 3753, 1999,
       doi:10.1117/12.366289.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.decomposition import n_findr
    >>> endmembers = np.array([[1.0, 0.2, 0.1], [0.1, 0.8, 0.3]])
    >>> shares = np.array([[0.5, 0.5], [1.0, 0.0], [0.3, 0.7], [0.0, 1.0]])
    >>> _, indices = n_findr(shares @ endmembers, 2, random_state=0)
    >>> sorted(indices.tolist())
    [1, 3]
    """
    X, xp = _check_pixels(X, n_components)
    centered = X - xp.mean(X, axis=0, keepdims=True)
    basis = leading_vectors(xp, centered.T @ centered, n_components - 1)
    Z = centered @ basis
    first = check_random_state(random_state).randint(X.shape[0])
    found = _grow_simplex(xp, Z, n_components, first)
    rows = xp.concat([xp.ones_like(X[:, :1]), Z], axis=1)
    if max_iter is None:
        max_iter = 3 * n_components
    for _ in range(max_iter):
        exchanged = False
        for k in range(n_components):
            vertices = xp.take(rows, _as_indices(xp, found, X), axis=0)
            # Column k of the inverse holds cofactors over the determinant.
            factors = xp.abs(rows @ xp.linalg.inv(vertices)[:, k])
            i = int(xp.argmax(factors))
            if float(factors[i]) > 1 + max(_GROWTH, _ROUNDING * xp.finfo(X.dtype).eps):
                found[k] = i
                exchanged = True
        if not exchanged:
            break
    else:
        warnings.warn(
            f"The volume of N-FINDR's simplex still grew in the last of {max_iter} "
            "passes; raise max_iter.",
            ConvergenceWarning,
            stacklevel=2,
        )
    indices = _as_indices(xp, found, X)
    return xp.take(X, indices, axis=0), indices


def _check_pixels(X: Any, n_components: int) -> tuple[Any, ModuleType]:
    X = check_array(X, dtype=float_dtypes(X))
    for size, name in zip(X.shape, ("pixels", "features"), strict=True):
        if n_components > size:
            raise ValueError(
                f"n_components={n_components} is more than the {size} {name} of X; "
                f"take at most {min(X.shape)}."
            )
    return X, namespace_of(X)


def _estimate_snr(
    xp: ModuleType, moment: Any, covariance: Any, n_components: int
) -> float:
    """Decibels of signal in the leading directions over the noise in the others."""
    n_features = moment.shape[0]
    values = xp.linalg.eigvalsh(covariance)
    rest = float(xp.sum(values[: n_features - n_components]))
    power = float(xp.sum(xp.linalg.diagonal(moment)))
    if rest <= _ROUNDING * float(xp.finfo(moment.dtype).eps) * power:
        return math.inf
    signal = power - rest - n_components / n_features * power
    return 10 * math.log10(signal / rest) if signal > 0 else -math.inf


def leading_vectors(xp: ModuleType, moment: Any, n_directions: int) -> Any:
    """Compute eigenvectors of the largest eigenvalues, with settled signs.

    Parameters
    ----------
    xp : module
        Namespace of `moment`.
    moment : array of shape (p, p)
        Symmetric matrix.
    n_directions : int
        Number of eigenvectors.

    Returns
    -------
    vectors : array of shape (p, n_directions)
        Orthonormal columns, that of the largest eigenvalue first.
    """
    _, vectors = xp.linalg.eigh(moment)
    vectors = xp.flip(vectors, axis=1)[:, :n_directions]
    # Libraries choose signs differently, and random directions refer to them.
    turned = xp.sum(vectors**3, axis=0) < 0
    return xp.where(turned[None, :], -vectors, vectors)


def _on_hyperplane(xp: ModuleType, Z: Any) -> Any:
    """Scale rows to inner product 1 with their mean; rows without light are 0."""
    heights = Z @ xp.mean(Z, axis=0)
    lit = heights > xp.finfo(Z.dtype).eps * xp.max(heights)
    scales = xp.where(lit, heights, xp.ones_like(heights))[:, None]
    return xp.where(lit[:, None], Z / scales, xp.zeros_like(Z))


def _extreme_rows(xp: ModuleType, Z: Any, n_components: int, rng: Any) -> list[int]:
    """Rows farthest along random directions orthogonal to the ones before."""
    threshold = _ROUNDING * float(xp.finfo(Z.dtype).eps * xp.max(xp.abs(Z)))
    found: list[int] = []
    # The first direction has no part along the last coordinate, which hardly varies.
    taken = xp.eye(n_components, dtype=Z.dtype, device=Z.device)[:, -1:]
    if n_components == 1:
        taken = taken[:, :0]
    for _ in range(n_components):
        direction = asarray_like(rng.standard_normal(n_components), Z)
        if taken.shape[1]:
            Q, _ = xp.linalg.qr(taken)
            direction = direction - Q @ (Q.T @ direction)
        direction = direction / xp.sqrt(xp.sum(direction * direction))
        reach = xp.abs(Z @ direction)
        i = int(xp.argmax(reach))
        if not float(reach[i]) > threshold:
            _raise_dependent(len(found), n_components, "affinely")
        row = Z[i, :][:, None]
        taken = xp.concat([taken, row], axis=1) if found else row
        found.append(i)
    return found


def _grow_simplex(xp: ModuleType, Z: Any, n_components: int, first: int) -> list[int]:
    """Vertices, each the row farthest from the flat through those before."""
    found = [first]
    rest = Z - Z[first, :]
    squares = xp.sum(rest * rest, axis=1)
    threshold = _ROUNDING * float(xp.finfo(Z.dtype).eps * xp.max(squares))
    while len(found) < n_components:
        i = int(xp.argmax(squares))
        if not float(squares[i]) > threshold:
            _raise_dependent(len(found), n_components, "affinely")
        direction = rest[i, :] / xp.sqrt(squares[i])
        rest = rest - (rest @ direction)[:, None] * direction
        squares = xp.sum(rest * rest, axis=1)
        found.append(i)
    return found


def _as_indices(xp: ModuleType, found: list[int], X: Any) -> Any:
    return asarray_like(xp.asarray(found), X)


def _raise_dependent(n_found: int, n_components: int, how: str) -> None:
    if n_found == 0:
        raise ValueError("X holds zeros only, so that there are no endmembers in it.")
    raise ValueError(
        f"X holds {n_found} {how} independent pixels up to rounding, fewer than "
        f"n_components={n_components}; ask for at most {n_found} endmembers."
    )
