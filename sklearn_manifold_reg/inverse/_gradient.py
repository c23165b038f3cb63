"""Forward differences of images."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from sklearn_manifold_reg._arrays import CSR, namespace_of
from sklearn_manifold_reg.inverse._image_operator import (
    ImageOperator,
    check_choice,
    check_dtype,
    check_image_shape,
)


@dataclass(frozen=True, eq=False, init=False)
class GradientOperator(ImageOperator):
    """Forward differences along rows and columns of an image.

    (G u)[0, y, x] = u[y + 1, x] - u[y, x] and (G u)[1, y, x] = u[y, x + 1] - u[y, x].

    Attributes
    ----------
    image_shape : tuple of (int, int)
        Height and width.
    measurement_shape : tuple of (int, int, int)
        (2, height, width): differences down the rows, then along the columns.
    boundary : {"periodic", "neumann"}, default="periodic"
        What follows the last row and column: the first, or itself, so that the
        difference is zero.
    entry_dtype : dtype, default=float64
        Dtype of products with integers; the argument is called `dtype`.

    See Also
    --------
    sklearn_manifold_reg.graph.laplacian : Differences along the edges of any graph.

    Notes
    -----
    G' G is the Laplacian of the grid graph, whose rows and columns close to cycles if
    periodic. `GradientOperator` takes arrays of any array library.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.inverse import GradientOperator
    >>> gradient = GradientOperator((2, 3), boundary="neumann")
    >>> u = np.array([[0.0, 1.0, 3.0], [1.0, 1.0, 1.0]])
    >>> (gradient @ u.reshape(-1)).reshape(gradient.measurement_shape)
    array([[[ 1.,  0., -2.],
            [ 0.,  0.,  0.]],
           [[ 1.,  2.,  0.],
            [ 0.,  0.,  0.]]])
    """

    image_shape: tuple[int, int]
    measurement_shape: tuple[int, ...]
    boundary: str
    entry_dtype: Any

    def __init__(
        self,
        image_shape: tuple[int, int],
        *,
        boundary: str = "periodic",
        dtype: Any = np.float64,
    ) -> None:
        check_choice("boundary", boundary, ("periodic", "neumann"))
        sides = check_image_shape(image_shape)
        object.__setattr__(self, "image_shape", sides)
        object.__setattr__(self, "measurement_shape", (2, *sides))
        object.__setattr__(self, "boundary", boundary)
        object.__setattr__(self, "entry_dtype", check_dtype(dtype))

    def _map(self, images: Any) -> Any:
        xp = namespace_of(images)
        parts = []
        for axis in (0, 1):
            part = xp.roll(images, -1, axis=axis) - images
            parts.append(self._cut(part, axis))
        return xp.stack(parts)

    def _map_back(self, measurements: Any) -> Any:
        xp = namespace_of(measurements)
        total = None
        for axis in (0, 1):
            part = self._cut(measurements[axis, ...], axis)
            part = xp.roll(part, 1, axis=axis) - part
            total = part if total is None else total + part
        return total

    def _cut(self, part: Any, axis: int) -> Any:
        """Zero the differences that leave the image."""
        if self.boundary == "periodic":
            return part
        xp = namespace_of(part)
        kept = part[:-1, ...] if axis == 0 else part[:, :-1, ...]
        last = part[-1:, ...] if axis == 0 else part[:, -1:, ...]
        return xp.concat([kept, xp.zeros_like(last)], axis=axis)

    def to_csr(self) -> CSR:
        """Assemble the matrix on the host.

        Returns
        -------
        csr : CSR
            With two entries a row at most.
        """
        height, width = self.image_shape
        rows = sparse.kron(self._differences(height), sparse.eye_array(width))
        columns = sparse.kron(sparse.eye_array(height), self._differences(width))
        return self._host_matrix(sparse.vstack([rows, columns], format="csr"))

    def _differences(self, n: int) -> sparse.csr_array:
        following = (np.arange(n) + 1) % n
        shift = sparse.csr_array((np.ones(n), (np.arange(n), following)), shape=(n, n))
        matrix = sparse.csr_array(shift - sparse.eye_array(n))
        if self.boundary == "neumann":
            inside = sparse.diags_array((np.arange(n) < n - 1).astype(float))
            matrix = sparse.csr_array(inside @ matrix)
        matrix.eliminate_zeros()
        return matrix
