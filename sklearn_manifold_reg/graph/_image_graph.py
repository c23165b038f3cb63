"""The graph of pixels in an image."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_manifold_reg._arrays import (
    CSR,
    asarray_like,
    csr_like,
    float_dtypes,
    is_numpy,
    namespace_of,
)
from sklearn_manifold_reg.graph._builder import GraphBuilder
from sklearn_manifold_reg.graph._neighbors import query_neighbors
from sklearn_manifold_reg.graph._symmetrize import neighbor_csr
from sklearn_manifold_reg.utils._numba import n_threads, run_rows, use_compiled
from sklearn_manifold_reg.utils._sklearn import (
    Interval,
    StrOptions,
    align_sparse_interface,
    check_same_namespace,
    validate_params_on_fit,
)

# Training pixels that a new pixel is linked to.
_N_NEIGHBORS = 8
_SERIAL_WORK = 200_000
# Entries of one block of differences on a device.
_BLOCK_ENTRIES = 16_000_000


class ImageGraph(GraphBuilder):
    """Graph that links pixels within a window by the likeness of their values.

    Pixels i and j at most `radius` rows and columns apart are linked with weight

        exp(-|x_i - x_j|² / bandwidth²) * exp(-|p_i - p_j|² / spatial_bandwidth²),

    p being positions in pixels.

    Parameters
    ----------
    shape : tuple of int or None, default=None
        Height and width of the image, (h, w) or (h, w, n_bands); X has h * w rows,
        in row-major order. None is an image of one column: a signal.
    radius : int, default=1
        Largest difference of rows and of columns: 1 links a pixel to its 8
        neighbors, 2 to 24.
    weights : {"heat", "connectivity"}, default="heat"
        The formula above, or its spatial factor alone.
    bandwidth : float or None, default=None
        Width of the likeness, in the unit of X. None is the median distance of
        linked pixels' values.
    spatial_bandwidth : float or None, default=None
        Width in pixels. None leaves the spatial factor out.

    Attributes
    ----------
    affinity_ : csr_array of shape (n_pixels, n_pixels)
        Symmetric weights, zero on the diagonal, in the dtype of X.
    bandwidth_ : float or None
        Width of the likeness.
    n_connected_components_ : int
        Number of connected components.
    component_labels_ : ndarray of shape (n_pixels,)
        Component of each pixel.
    n_features_in_ : int
        Number of bands.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of bands, if X has any.

    See Also
    --------
    NeighborsGraph : Links rows by their values wherever they lie.

    Notes
    -----
    Takes O(n_pixels * (2 radius + 1)² * n_bands) time and
    O(n_pixels * (2 radius + 1)²) memory.

    New pixels have no place in the image: they are linked to the 8 training pixels
    with the nearest values.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.graph import ImageGraph
    >>> image = np.array([[0.0, 0.0], [0.0, 5.0]])
    >>> graph = ImageGraph(shape=(2, 2), bandwidth=5.0).fit(image.reshape(-1, 1))
    >>> graph.affinity_.toarray().round(2)
    array([[0.  , 1.  , 1.  , 0.37],
           [1.  , 0.  , 1.  , 0.37],
           [1.  , 1.  , 0.  , 0.37],
           [0.37, 0.37, 0.37, 0.  ]])
    """

    _parameter_constraints: dict = {
        "shape": [tuple, list, None],
        "radius": [Interval(Integral, 1, None, closed="left")],
        "weights": [StrOptions({"heat", "connectivity"})],
        "bandwidth": [Interval(Real, 0, None, closed="neither"), None],
        "spatial_bandwidth": [Interval(Real, 0, None, closed="neither"), None],
    }

    def __init__(
        self,
        shape: Any = None,
        *,
        radius: Any = 1,
        weights: Any = "heat",
        bandwidth: Any = None,
        spatial_bandwidth: Any = None,
    ) -> None:
        self.shape = shape
        self.radius = radius
        self.weights = weights
        self.bandwidth = bandwidth
        self.spatial_bandwidth = spatial_bandwidth

    @validate_params_on_fit(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> "ImageGraph":
        """Build the graph.

        Parameters
        ----------
        X : array-like of shape (n_pixels, n_bands)
            Pixels in row-major order.
        y : None
            Ignored.

        Returns
        -------
        self : ImageGraph
            Fitted.

        Raises
        ------
        ValueError
            If the pixels do not fill an image of the given shape, or a bandwidth is
            given without "heat" weights.
        """
        X = self._validate(X, reset=True)
        height, width = self._image_shape(X)
        if self.weights != "heat" and self.bandwidth is not None:
            raise ValueError(
                f"bandwidth={self.bandwidth!r} has no meaning for "
                f"weights={self.weights!r}; it is the width of weights='heat'."
            )
        distances = window_distances(X, height, width, self.radius)
        xp = namespace_of(X)
        self.bandwidth_: float | None = None
        if self.weights == "heat":
            self.bandwidth_ = float(self.bandwidth or _median_width(distances.data))
            weights = xp.exp(-((distances.data / self.bandwidth_) ** 2))
        else:
            weights = xp.ones_like(distances.data)
        if self.spatial_bandwidth is not None:
            near = _spatial_factor(height, width, self.radius, self.spatial_bandwidth)
            weights = weights * asarray_like(near, weights)
        self._X_fit = X
        weights = xp.astype(weights, X.dtype, copy=False)
        if isinstance(distances, CSR):
            return self._store(distances.with_data(weights))
        distances.data = weights
        distances.eliminate_zeros()
        return self._store(distances)

    def transform(self, X: Any) -> Any:
        """Link new pixels to the training pixels with the nearest values.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_bands)
            Pixels.

        Returns
        -------
        affinity : sparse array or matrix of shape (n_queries, n_pixels)
            Likeness to 8 training pixels; ones for "connectivity".
        """
        check_is_fitted(self)
        X = self._validate(X, reset=False)
        check_same_namespace(X, self, attribute="_X_fit", method="transform")
        n_pixels = self._X_fit.shape[0]
        found = query_neighbors(self._X_fit, X, min(_N_NEIGHBORS, n_pixels))
        xp = namespace_of(X)
        weights = xp.ones_like(found.distances)
        if self.bandwidth_ is not None:
            weights = xp.exp(-((found.distances / self.bandwidth_) ** 2))
        affinity = neighbor_csr(found.indices, weights, n_pixels)
        return align_sparse_interface(affinity)

    def _image_shape(self, X: Any) -> tuple[int, int]:
        if self.shape is None:
            return X.shape[0], 1
        shape = tuple(self.shape)
        if len(shape) not in (2, 3) or not all(
            isinstance(side, Integral) and int(side) > 0 for side in shape
        ):
            raise ValueError(
                "shape must hold the height and the width of the image, and the "
                f"number of bands if you like, as positive integers; got {shape}."
            )
        n_pixels, n_bands = X.shape
        if shape[0] * shape[1] != n_pixels:
            raise ValueError(
                f"An image of shape {shape[:2]} has {shape[0] * shape[1]} pixels, but "
                f"X has {n_pixels} rows."
            )
        if len(shape) == 3 and shape[2] != n_bands:
            raise ValueError(
                f"shape={shape} has {shape[2]} bands, but X has {n_bands} columns."
            )
        return int(shape[0]), int(shape[1])

    def _validate(self, X: Any, *, reset: bool) -> Any:
        return validate_data(
            self,
            X,
            reset=reset,
            dtype=float_dtypes(X),
            ensure_min_samples=2 if reset else 1,
        )


def window_distances(X: Any, height: int, width: int, radius: int) -> Any:
    """Distances between the values of pixels within a window.

    Parameters
    ----------
    X : array of shape (height * width, n_bands)
        Pixels in row-major order.
    height, width : int
        Size of the image.
    radius : int
        Largest difference of rows and of columns.

    Returns
    -------
    distances : csr_array of shape (n_pixels, n_pixels), float64
        Symmetric; equal pixels keep an explicit zero. For arrays of another library
        a CSR of that, in the dtype of X.
    """
    n = height * width
    on_host = is_numpy(namespace_of(X))
    if not (on_host and use_compiled()):
        first, second = _linked_pixels(height, width, radius)
        kind = _index_dtype(len(first))
        second = second.astype(kind)
        indptr = np.searchsorted(first, np.arange(n + 1)).astype(kind)
        if on_host:
            data = np.linalg.norm(X[first].astype(np.float64) - X[second], axis=1)
            return sparse.csr_array((data, second, indptr), shape=(n, n))
        pattern = sparse.csr_array((np.ones(len(first)), second, indptr), shape=(n, n))
        return csr_like(pattern, X).with_data(_device_distances(X, first, second))

    from sklearn_manifold_reg.graph._image_graph_numba import window_rows

    rows = _reach(height, radius)
    columns = _reach(width, radius)
    counts = np.multiply.outer(rows, columns).reshape(-1) - 1
    indptr = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(counts, out=indptr[1:])
    kind = _index_dtype(int(indptr[-1]))
    indptr = indptr.astype(kind)
    indices = np.empty(indptr[-1], dtype=kind)
    data = np.empty(indptr[-1])
    threads = 1 if data.size * X.shape[1] < _SERIAL_WORK else n_threads()
    X = np.require(X, requirements=["C", "A", "W"])
    arrays = (X, height, width, radius, indptr, indices, data)
    run_rows(window_rows, n, *arrays, n_jobs=threads)
    return sparse.csr_array((data, indices, indptr), shape=(n, n))


def _linked_pixels(
    height: int, width: int, radius: int
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of pixels within a window, in the order of a CSR matrix."""
    ends: list[tuple[np.ndarray, np.ndarray]] = []
    pixels = np.arange(height * width).reshape(height, width)
    for dy in range(-radius, radius + 1):
        for dx in range(-radius, radius + 1):
            if (dy, dx) != (0, 0):
                ends.append(
                    (
                        pixels[overlap(height, -dy), overlap(width, -dx)].reshape(-1),
                        pixels[overlap(height, dy), overlap(width, dx)].reshape(-1),
                    )
                )
    first, second = (np.concatenate(side) for side in zip(*ends, strict=True))
    order = np.lexsort((second, first))
    return first[order], second[order]


def _device_distances(X: Any, first: np.ndarray, second: np.ndarray) -> Any:
    """Distances between rows of pairs, some pairs at a time."""
    xp = namespace_of(X)
    step = max(1, _BLOCK_ENTRIES // X.shape[1])
    parts = []
    for start in range(0, len(first), step):
        some = (asarray_like(end[start : start + step], X) for end in (first, second))
        one, other = (xp.take(X, ends, axis=0) for ends in some)
        parts.append(xp.linalg.vector_norm(one - other, axis=1))
    return xp.concat(parts) if parts else X[:0, 0]


def _index_dtype(n_entries: int) -> Any:
    return np.int32 if n_entries < np.iinfo(np.int32).max else np.int64


def _reach(side: int, radius: int) -> np.ndarray:
    """Pixels of the window along one side, for each place."""
    places = np.arange(side)
    return np.minimum(places + radius, side - 1) - np.maximum(places - radius, 0) + 1


def overlap(side: int, shift: int) -> slice:
    """Places along one side that stay inside when moved back by a shift.

    Parameters
    ----------
    side : int
        Number of places.
    shift : int
        Of either sign.

    Returns
    -------
    places : slice
        Those of `overlap(side, -shift)`, moved by the shift.
    """
    return slice(max(shift, 0), max(0, side + min(shift, 0)))


def _median_width(distances: Any) -> float:
    """Median of the positive ones; 1 if there are none."""
    xp = namespace_of(distances)
    if is_numpy(xp):
        positive = distances[distances > 0]
        return float(np.median(positive)) if positive.size else 1.0
    distances = xp.sort(distances)
    n_positive = int(xp.sum(xp.astype(distances > 0, xp.int64)))
    if not n_positive:
        return 1.0
    first = distances.shape[0] - n_positive
    middle = (first + (n_positive - 1) // 2, first + n_positive // 2)
    return sum(float(distances[place]) for place in middle) / 2


def _spatial_factor(
    height: int, width: int, radius: int, spatial_bandwidth: float
) -> np.ndarray:
    first, second = _linked_pixels(height, width, radius)
    dy = first // width - second // width
    dx = first % width - second % width
    return np.exp(-(dy * dy + dx * dx) / spatial_bandwidth**2)
