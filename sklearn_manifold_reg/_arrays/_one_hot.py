"""Indicator columns, for libraries that cannot write to chosen places."""

from typing import Any

from sklearn_manifold_reg._arrays._namespace import device, namespace_of


def one_hot(codes: Any, n_classes: int, reference: Any) -> Any:
    """Make indicator columns of codes; a negative code gives a row of zeros.

    Parameters
    ----------
    codes : array of int, shape (n_samples,)
        Class or cluster of each row, on the device of `reference`.
    n_classes : int
        Number of columns.
    reference : array
        Array whose dtype is taken.

    Returns
    -------
    Y : array of shape (n_samples, n_classes)
        Zeros and ones.
    """
    xp = namespace_of(reference)
    columns = xp.arange(n_classes, dtype=codes.dtype, device=device(reference))
    return xp.astype(codes[:, None] == columns[None, :], reference.dtype)
