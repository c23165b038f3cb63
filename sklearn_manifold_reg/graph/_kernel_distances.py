"""From kernels to distances, and back."""

from typing import Any

import array_api_compat
import numpy as np


def kernel_to_distance(K: Any, *, squared: bool = True) -> Any:
    """Compute the distances that belong to a kernel.

    `D[i, j] = (K[i, i] + K[j, j] - K[i, j] - K[j, i]) / 2`, half of the squared
    distance in feature space if K is positive semi-definite. `distance_to_kernel` gives
    back a centered K up to a factor 1/2.

    Parameters
    ----------
    K : array of shape (n, n)
        Kernel, symmetric or not.
    squared : bool, default=True
        False takes the root, of zero where rounding made a value negative.

    Returns
    -------
    D : array of shape (n, n)
        Symmetric, zero on the diagonal, in the library of K.

    See Also
    --------
    distance_to_kernel : The other direction.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.graph import kernel_to_distance
    >>> kernel_to_distance(np.array([[2.0, 1.0], [1.0, 4.0]]))
    array([[0., 2.],
           [2., 0.]])
    """
    K, xp = _square("K", K)
    own = xp.linalg.diagonal(K) / 2
    D = own[:, None] + own[None, :] - (K + xp.matrix_transpose(K)) / 2
    return D if squared else xp.sqrt(xp.clip(D, 0, None))


def distance_to_kernel(D: Any) -> Any:
    """Compute the centered kernel that belongs to distances.

    `K = -1/2 H D H` with the centering `H = I - 11'/n`, as in classical
    multidimensional scaling of squared distances D.

    Parameters
    ----------
    D : array of shape (n, n)
        Distances.

    Returns
    -------
    K : array of shape (n, n)
        Kernel whose rows and columns sum to zero; positive semi-definite if roots of D
        are distances between points.

    See Also
    --------
    kernel_to_distance : The other direction.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.graph import distance_to_kernel
    >>> distance_to_kernel(np.array([[0.0, 2.0], [2.0, 0.0]]))
    array([[ 0.5, -0.5],
           [-0.5,  0.5]])
    """
    D, xp = _square("D", D)
    rows, columns = xp.mean(D, axis=1), xp.mean(D, axis=0)
    return (rows[:, None] + columns[None, :] - D - xp.mean(rows)) / 2


def _square(name: str, matrix: Any) -> tuple[Any, Any]:
    if not array_api_compat.is_array_api_obj(matrix):
        matrix = np.asarray(matrix, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"{name} is a square matrix, got shape {tuple(matrix.shape)}.")
    return matrix, array_api_compat.array_namespace(matrix)
