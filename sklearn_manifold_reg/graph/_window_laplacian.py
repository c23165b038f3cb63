"""The Laplacian of the pixels of an image, stored or recomputed in each product."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import CSR, device, namespace_of
from sklearn_manifold_reg.graph._image_graph import overlap, window_distances
from sklearn_manifold_reg.linalg import Operator
from sklearn_manifold_reg.utils._numba import n_threads, run_rows, use_compiled

NORMALIZATIONS = ("frobenius", "none", "symmetric")
# Weights above which they are computed again in each product: that takes twice the time
# of a product with stored ones, and storing them takes as long as fifty products.
_STORED = 2_000_000
_SERIAL_WORK = 20_000


@dataclass(frozen=True, eq=False)
class WindowLaplacian(Operator):
    """Laplacian of an image's pixels; made by `window_laplacian`.

    Attributes
    ----------
    values : array of shape (height, width)
        The image, in float64.
    radius : int
        Largest difference of rows and of columns of linked pixels.
    bandwidth : float
        Width of the likeness.
    scale : float
        Factor of all weights.
    degrees : array of shape (n_pixels,)
        Sums of the weights of each pixel, before `factors`.
    factors : array of shape (n_pixels,) or None
        Scaling of the symmetric form from both sides.
    csr : CSR of shape (n_pixels, n_pixels) or None
        Weights before `factors`, if they are stored.
    n_jobs : int or None
        Threads of products. Their value does not depend on it.
    """

    values: Any
    radius: int
    bandwidth: float
    scale: float
    degrees: Any
    factors: Any
    csr: CSR | None
    n_jobs: int | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""
        return self.degrees.shape[0], self.degrees.shape[0]

    @property
    def dtype(self) -> Any:
        """Dtype of the entries."""
        return self.degrees.dtype

    def matmat(self, B: Any) -> Any:
        """Multiply a block.

        Parameters
        ----------
        B : array of shape (n_pixels,) or (n_pixels, n_outputs)
            Images.

        Returns
        -------
        product : array of the shape of B
            L @ B.
        """
        degrees = self.degrees if B.ndim == 1 else self.degrees[:, None]
        if self.factors is None:
            if self.csr is not None:
                return self.csr.matmat(
                    B, diagonal=self.degrees, scale=-1.0, n_jobs=self.n_jobs
                )
            return degrees * B - self._sums(B, 1)
        factors = self.factors if B.ndim == 1 else self.factors[:, None]
        inner = factors * B
        return factors * (degrees * inner - self._sums(inner, 1))

    def adjoint(self) -> "WindowLaplacian":
        """Give the transpose.

        Returns
        -------
        adjoint : WindowLaplacian
            This operator, which is symmetric.
        """
        return self

    def diagonal(self) -> Any:
        """Give the main diagonal.

        Returns
        -------
        diagonal : array of shape (n_pixels,)
            The degrees; ones for the symmetric form, zeros at isolated pixels.
        """
        if self.factors is None:
            return self.degrees
        return self.factors**2 * self.degrees

    def gram_diagonal(self, weights: Any = None) -> Any:
        """Compute the diagonal of `L diag(weights) L`.

        Parameters
        ----------
        weights : array of shape (n_pixels,), default=None
            Nonnegative weights; None is ones.

        Returns
        -------
        diagonal : array of shape (n_pixels,)
            In the dtype of the operator.
        """
        if weights is None:
            weights = namespace_of(self.degrees).ones_like(self.degrees)
        own = self.diagonal() ** 2 * weights
        if self.factors is None:
            return own + self._sums(weights, 2)
        squares = self.factors**2
        return own + squares * self._sums(squares * weights, 2)

    def to_csr(self) -> CSR:
        """Assemble the matrix.

        Returns
        -------
        csr : CSR of shape (n_pixels, n_pixels)
            The weights are computed if they are not stored.
        """
        stored = self.csr
        if stored is None:
            stored = _stored_weights(
                self.values, self.radius, self.bandwidth, self.scale, self.dtype
            )
        matrix = -stored.to_scipy()
        matrix.setdiag(self.degrees)
        if self.factors is not None:
            matrix = (matrix * self.factors[:, None] * self.factors[None, :]).tocsr()
        return CSR.from_scipy(matrix)

    def _sums(self, B: Any, power: int) -> Any:
        """Sum over neighbors with weights to a power."""
        if self.csr is not None:
            csr = self.csr if power == 1 else self.csr.with_data(self.csr.data**power)
            return csr.matmat(B, n_jobs=self.n_jobs)
        sums = neighbor_sums(
            self.values, B, self.radius, power / self.bandwidth**2, self.n_jobs
        )
        xp = namespace_of(sums)
        return xp.astype(self.scale**power * sums, self.dtype, copy=False)


def window_laplacian(
    values: Any,
    shape: tuple[int, int],
    *,
    radius: int = 4,
    bandwidth: float = 0.03,
    normalization: str = "frobenius",
    stored: bool | None = None,
    n_jobs: int | None = None,
) -> WindowLaplacian:
    """Build the Laplacian of the graph that `ImageGraph` makes of an image.

    Pixels at most `radius` rows and columns apart are linked with the weight
    `exp(-(x_i - x_j)² / bandwidth²)`.

    Parameters
    ----------
    values : array of shape (n_pixels,), float32 or float64
        Gray values in row-major order.
    shape : tuple of two int
        Height and width.
    radius : int, default=4
        Largest difference of rows and of columns.
    bandwidth : float, default=0.03
        Width of the likeness, in the unit of the values.
    normalization : {"frobenius", "none", "symmetric"}, default="frobenius"
        "frobenius" divides weights by the root of the sum of their squares; "symmetric"
        is `I - D^-1/2 W D^-1/2`.
    stored : bool or None, default=None
        Whether weights are stored, 12 bytes a pair of linked pixels in float64, or
        computed again in each product. None stores up to 2 million, of NumPy arrays.
        Those of other libraries are not.
    n_jobs : int or None, default=None
        Threads. Results do not depend on it.

    Returns
    -------
    operator : WindowLaplacian
        In the dtype of the values.

    Raises
    ------
    ValueError
        If the values do not fill an image of the given shape, `bandwidth` is not
        positive, or `normalization` is unknown.

    Notes
    -----
    Weights that are not stored differ from stored ones by at most some 1e-13 of their
    value. Both take O(n_pixels (2 radius + 1)²) time a product.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.graph import window_laplacian
    >>> image = np.array([0.0, 0.0, 1.0, 1.0])
    >>> L = window_laplacian(
    ...     image, (1, 4), radius=1, bandwidth=1.0, normalization="none"
    ... )
    >>> (L @ image).round(3)
    array([ 0.   , -0.368,  0.368,  0.   ])
    """
    if normalization not in NORMALIZATIONS:
        raise ValueError(
            f"normalization={normalization!r} is unknown; choose one of "
            f"{NORMALIZATIONS}."
        )
    if values.shape[0] != shape[0] * shape[1]:
        raise ValueError(
            f"An image of shape {shape} has {shape[0] * shape[1]} pixels, but there "
            f"are {values.shape[0]} values."
        )
    if not bandwidth > 0:
        raise ValueError(f"bandwidth must be positive, got {bandwidth}.")
    xp, on_host = namespace_of(values), isinstance(values, np.ndarray)
    # Devices without float64 are served in their own precision.
    known = xp.__array_namespace_info__().dtypes(
        device=device(values), kind="real floating"
    )
    image = xp.reshape(xp.astype(values, known.get("float64", values.dtype)), shape)
    rate, size = 1 / bandwidth**2, values.shape[0]
    ones = xp.ones_like(values, dtype=image.dtype)
    scale = 1.0
    if normalization == "frobenius":
        total = float(xp.sum(neighbor_sums(image, ones, radius, 2 * rate, n_jobs)))
        scale = total**-0.5 if total > 0 else 1.0
    if stored is None:
        stored = on_host and ((2 * radius + 1) ** 2 - 1) * size <= _STORED
    csr = None
    if stored:
        csr = _stored_weights(image, radius, bandwidth, scale, values.dtype)
        degrees = csr.row_sums()
    else:
        degrees = scale * neighbor_sums(image, ones, radius, rate, n_jobs)
        degrees = xp.astype(degrees, values.dtype, copy=False)
    factors = None
    if normalization == "symmetric":
        # Squares of the factors must stay finite.
        linked = degrees > float(xp.finfo(degrees.dtype).smallest_normal) ** 0.5
        safe = xp.where(linked, degrees, xp.ones_like(degrees))
        factors = xp.where(linked, safe**-0.5, xp.zeros_like(degrees))
    return WindowLaplacian(
        image, radius, bandwidth, scale, degrees, factors, csr, n_jobs
    )


def neighbor_sums(
    values: Any,
    B: Any,
    radius: int,
    rate: float,
    n_jobs: int | None = None,
) -> Any:
    """Sum signals over the window of each pixel, weighted by the likeness of values.

    Parameters
    ----------
    values : array of shape (height, width), float64
        The image.
    B : array of shape (n_pixels,) or (n_pixels, n_outputs)
        Signals.
    radius : int
        Largest difference of rows and of columns. The pixel itself is left out.
    rate : float
        Weights are `exp(-rate (x_i - x_j)²)`.
    n_jobs : int or None, default=None
        Threads. The sums do not depend on it.

    Returns
    -------
    sums : array of the shape of B, float64
        Weighted sums.
    """
    height, width = values.shape
    xp = namespace_of(values)
    wide = xp.astype(B, values.dtype, copy=False)
    columns = xp.reshape(wide, (height * width, -1)).T
    signal = xp.reshape(columns, (-1, height, width))
    if isinstance(values, np.ndarray) and use_compiled():
        from sklearn_manifold_reg.graph._window_laplacian_numba import window_sums

        signal = np.ascontiguousarray(signal)
        out = np.empty_like(signal)
        threads = 1 if out.size < _SERIAL_WORK else n_threads(n_jobs)
        arrays = (np.require(values, requirements=["C", "A", "W"]), signal)
        sizes = (height, width, int(radius), float(rate))
        run_rows(window_sums, height, *arrays, *sizes, out, n_jobs=threads)
    else:
        out = xp.zeros_like(signal)
        for dy in range(-radius, radius + 1):
            for dx in range(-radius, radius + 1):
                here = overlap(height, -dy), overlap(width, -dx)
                there = overlap(height, dy), overlap(width, dx)
                if (dy, dx) != (0, 0):
                    gaps = values[here] - values[there]
                    weights = xp.exp(-rate * gaps * gaps)
                    place = (slice(None), *here)
                    out[place] = out[place] + weights * signal[(slice(None), *there)]
    return xp.reshape(xp.reshape(out, (-1, height * width)).T, B.shape)


def _stored_weights(
    image: np.ndarray, radius: int, bandwidth: float, scale: float, dtype: Any
) -> CSR:
    height, width = image.shape
    distances = window_distances(image.reshape(-1, 1), height, width, radius)
    weights = distances.data
    weights /= bandwidth
    weights *= -weights
    np.exp(weights, out=weights)
    weights *= scale
    distances.data = weights.astype(dtype, copy=False)
    distances.eliminate_zeros()
    return CSR.from_scipy(distances)
