"""Random vectors for traces, and what can be learned of an operator from a few."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from sklearn_manifold_reg._arrays import (
    asarray_like,
    column_norms,
    namespace_of,
)
from sklearn_manifold_reg.linalg._null_space import (
    DenseNullSpace,
    NullSpace,
    as_null_space,
)
from sklearn_manifold_reg.linalg._operators import Operator, ScaledSum, as_operator

# Columns that go through a recurrence together: products gain little from more, and
# blocks of small graphs stay within the bound below.
_PANEL_COLUMNS = 16
_PANEL_SIZE = 1 << 21


@dataclass(frozen=True, eq=False)
class Probes:
    """Columns z with mean of `z z'` equal to the identity.

    Attributes
    ----------
    n_probes : int
        Number of columns.
    exact : bool
        Whether they are the scaled unit vectors, whose mean is no estimate.
    reference : array
        Array whose library, device and dtype they have.
    signs : ndarray of int8, shape (n, n_probes)
        Random signs; without columns if the probes are unit vectors.
    """

    n_probes: int
    exact: bool
    reference: Any
    signs: np.ndarray

    def panels(self) -> Iterator[Any]:
        """Give the columns, some at a time.

        Yields
        ------
        panel : array of shape (n, n_columns)
            New block.
        """
        n = self.signs.shape[0]
        width = max(_PANEL_COLUMNS, _PANEL_SIZE // max(n, 1))
        for start in range(0, self.n_probes, width):
            stop = min(self.n_probes, start + width)
            if self.exact:
                panel = np.sqrt(n) * np.eye(n, stop - start, -start)
            else:
                panel = self.signs[:, start:stop].astype(np.float64)
            yield like(panel, self.reference)


def draw_probes(
    operator: Operator, n_probes: int, random_state: Any, *, exact: bool = True
) -> Probes:
    """Draw vectors of random signs.

    Parameters
    ----------
    operator : Operator of shape (n, n)
        Operator they are for.
    n_probes : int
        Number of vectors.
    random_state : int, RandomState instance or None
        Seed.
    exact : bool, default=True
        Whether the unit vectors are taken instead if `n_probes` is n or more.

    Returns
    -------
    probes : Probes
        In the library and dtype of the operator.

    Raises
    ------
    ValueError
        If `n_probes` is below 2, which leaves no standard error.
    """
    n = operator.shape[0]
    exact = exact and n_probes >= n
    if n_probes < 2 and not exact:
        raise ValueError(f"n_probes must be at least 2, got {n_probes}.")
    n_probes = n if exact else n_probes
    rng = check_random_state(random_state)
    bits = rng.randint(0, 2, size=(n, 0 if exact else n_probes), dtype=np.int8)
    return Probes(n_probes, exact, reference_of(operator), 2 * bits - 1)


def like(block: np.ndarray, reference: Any) -> Any:
    """Move a real host block to the library, device and dtype of an array.

    Parameters
    ----------
    block : ndarray
        Block in float64.
    reference : array
        Array of a floating or complex dtype.

    Returns
    -------
    block : array
        The same values.
    """
    if isinstance(reference, np.ndarray):
        return block.astype(np.result_type(reference.dtype, np.float32))
    xp = namespace_of(reference)
    return xp.astype(asarray_like(block, reference), reference.dtype)


def reference_of(operator: Operator) -> Any:
    """Find an array of the library, device and dtype of an operator.

    Parameters
    ----------
    operator : Operator
        Any operator.

    Returns
    -------
    reference : array
        NumPy's if the operator is known by its products only.
    """
    while True:
        if isinstance(operator, ScaledSum):
            dtype, operator = operator.dtype, operator.operators[0]
            reference = reference_of(operator)
            xp = namespace_of(reference)
            return xp.astype(reference, dtype, copy=False)
        inner = getattr(operator, "operator", None)
        if not isinstance(inner, Operator):
            break
        operator = inner
    try:
        return operator.diagonal()
    except NotImplementedError:
        try:
            return np.empty(0, dtype=operator.dtype)
        except TypeError:
            return np.empty(0)


def as_symmetric(operator: Any) -> Operator:
    """Take a matrix as an operator and check that it is symmetric.

    Parameters
    ----------
    operator : Operator, sparse array or array of shape (n, n)
        Symmetric, or complex Hermitian.

    Returns
    -------
    operator : Operator
        The operator.

    Raises
    ------
    ValueError
        If it is not square or not symmetric, as one product with two random vectors
        shows.
    """
    operator = as_operator(operator)
    n = operator.shape[0]
    if operator.shape[1] != n:
        raise ValueError(f"`operator` must be square, got shape {operator.shape}.")
    if n == 0:
        raise ValueError("`operator` has no rows.")
    start = np.random.default_rng(0).standard_normal((n, 2)) / np.sqrt(n)
    B = like(start, reference_of(operator))
    xp = namespace_of(B)
    AB = operator.matmat(B)
    if not bool(xp.all(xp.isfinite(AB))):
        raise ValueError("`operator` contains NaN or infinity.")
    left = complex(xp.sum(B[:, 0] * AB[:, 1]))
    right = complex(xp.sum(B[:, 1] * AB[:, 0])).conjugate()
    slack = 1e4 * float(xp.finfo(B.dtype).eps) * float(np.max(column_norms(AB)))
    if abs(left - right) > slack:
        raise ValueError(
            "`operator` is not symmetric (complex ones: Hermitian). Take the symmetric "
            "form, such as laplacian(..., normalization='symmetric')."
        )
    return operator


def projection(null_space: Any, reference: Any, order: np.ndarray | None = None) -> Any:
    """Prepare the projection orthogonal to a null space.

    Parameters
    ----------
    null_space : NullSpace, DenseNullSpace, array of columns or None
        Null space.
    reference : array
        Array whose library, device and dtype blocks will have.
    order : ndarray of shape (n,) or None, default=None
        Old node at each place of the blocks.

    Returns
    -------
    project : callable or None
        Function of blocks of shape (n, n_outputs); None if there is nothing to remove.
    """
    space = as_null_space(null_space)
    if space is None:
        return None
    if isinstance(space, DenseNullSpace):
        vectors = space.vectors if order is None else space.vectors[order]
        return DenseNullSpace(vectors).project
    if not space.n_components:
        return None
    if order is not None:
        weights = None if space.weights is None else np.asarray(space.weights)[order]
        space = NullSpace(np.asarray(space.labels)[order], weights)
    rows, columns = space.basis(reference)
    if isinstance(reference, np.ndarray):
        rows, columns = rows.astype(reference.dtype), columns.astype(reference.dtype)

    def project(B: Any) -> Any:
        return B - columns.matmat(rows.matmat(B))

    return project


def null_dimension(null_space: Any) -> int:
    """Count the vectors of a null space.

    Parameters
    ----------
    null_space : NullSpace, DenseNullSpace, array of columns or None
        Null space.

    Returns
    -------
    dimension : int
        Zero for None.
    """
    space = as_null_space(null_space)
    if space is None:
        return 0
    if isinstance(space, NullSpace):
        return space.n_components
    return int(space.vectors.shape[1])


def mean_and_error(samples: np.ndarray, exact: bool) -> tuple[Any, Any]:
    """Average samples and give the standard error.

    Parameters
    ----------
    samples : ndarray of shape (..., n_probes)
        One value for each probe.
    exact : bool
        Whether the probes are the unit vectors.

    Returns
    -------
    mean, error : float or ndarray
        Averages over the last axis; errors are 0 if exact.
    """
    mean = samples.mean(axis=-1)
    if exact:
        return mean, np.zeros_like(mean)
    return mean, samples.std(axis=-1, ddof=1) / np.sqrt(samples.shape[-1])
