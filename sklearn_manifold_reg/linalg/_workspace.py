"""Buffers that live as long as one solve."""

from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import namespace_of


class Workspace:
    """Named buffers, handed out again while shape and dtype stay.

    The first touch of fresh memory costs more than a product with a sparse matrix.
    """

    def __init__(self) -> None:
        self._buffers: dict[str, Any] = {}

    def empty(self, name: str, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        """Give a buffer with any content, for NumPy.

        Parameters
        ----------
        name : str
            Purpose of the buffer.
        shape : tuple of int
            Shape wanted.
        dtype : dtype
            Dtype wanted.

        Returns
        -------
        buffer : ndarray
            C-contiguous.
        """
        buffer = self._buffers.get(name)
        if buffer is None or buffer.shape != shape or buffer.dtype != dtype:
            self._buffers[name] = buffer = np.empty(shape, dtype=dtype)
        return buffer

    def copy(self, name: str, block: Any, dtype: Any) -> Any:
        """Copy a block, into a buffer where it is NumPy's.

        Parameters
        ----------
        name : str
            Purpose of the buffer.
        block : array
            What to copy.
        dtype : dtype
            Dtype wanted.

        Returns
        -------
        copy : array
            The same values.
        """
        if isinstance(block, np.ndarray):
            buffer = self.empty(name, block.shape, dtype)
            buffer[...] = block
            return buffer
        return namespace_of(block).astype(block, dtype, copy=True)

    def zeros(self, name: str, block: Any) -> Any:
        """Give zeros of the shape and dtype of a block.

        Parameters
        ----------
        name : str
            Purpose of the buffer.
        block : array
            Whose shape, dtype and library are taken.

        Returns
        -------
        zeros : array
            In a buffer where it is NumPy's.
        """
        if isinstance(block, np.ndarray):
            buffer = self.empty(name, block.shape, block.dtype)
            buffer[...] = 0
            return buffer
        return namespace_of(block).zeros_like(block)
