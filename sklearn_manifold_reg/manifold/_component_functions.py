"""Eigenfunctions of eigenvalue 0: what tells the pieces of a graph apart."""

from dataclasses import replace
from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import asarray_like, namespace_of, to_numpy
from sklearn_manifold_reg.graph import GraphOperator, LaplacianEigenpairs

# Entries are equal up to what solvers leave in float32.
_EQUAL = 1 - 1e-4


def order_null_functions(pairs: LaplacianEigenpairs) -> LaplacianEigenpairs:
    """Choose the eigenfunctions of eigenvalue 0: the constant, then contrasts.

    Any basis of functions that are constant on each component would do. This one has
    the constant 1 first; function number k then sets the k-th heaviest component
    apart from all lighter ones, and is zero on heavier ones. The weight of a component
    is its sum of degrees, or its number of nodes for `normalization=None`.

    Parameters
    ----------
    pairs : LaplacianEigenpairs
        With one indicator of a component for each eigenvalue 0.

    Returns
    -------
    pairs : LaplacianEigenpairs
        In the dtype of the weights; `functions` have mean square 1 by node masses. An
        isolated node counts as one of mean degree.
    """
    V = pairs.vectors
    xp = namespace_of(V)
    shares = node_shares(pairs.operator)
    n_null = min(pairs.operator.n_components, V.shape[1])
    labels = pairs.operator.component_labels
    contrasts = _contrasts(np.bincount(labels, weights=shares), n_null)[labels]
    roots = asarray_like(np.sqrt(shares), V)[:, None]
    functions = xp.concat([asarray_like(contrasts, V), V[:, n_null:] / roots], axis=1)
    functions = functions * _signs(functions)
    values = xp.concat([xp.zeros_like(pairs.values[:n_null]), pairs.values[n_null:]])
    dtype = pairs.operator.dtype
    return replace(
        pairs,
        values=xp.astype(values, dtype),
        vectors=xp.astype(functions * roots, dtype),
        functions=xp.astype(functions, dtype),
    )


def node_shares(operator: GraphOperator) -> np.ndarray:
    """Share of each node in the inner product of functions.

    Parameters
    ----------
    operator : GraphOperator
        Laplacian.

    Returns
    -------
    shares : ndarray of shape (n,)
        Equal for `normalization=None`, else in proportion to degrees, an isolated node
        having the mean degree; on the host, with sum 1.
    """
    masses = np.ones(operator.shape[0])
    if operator.normalization is not None:
        degrees = to_numpy(operator.degrees).astype(np.float64)
        linked = degrees > 0
        if linked.any():
            masses = np.where(linked, degrees, degrees[linked].mean())
    return masses / masses.sum()


def _signs(functions: Any) -> Any:
    """Signs that make the largest entry of each column positive, the first of equals.

    On symmetric graphs many entries are the largest, and rounding would choose.
    """
    xp = namespace_of(functions)
    sizes = xp.abs(functions)
    largest = xp.max(sizes, axis=0, keepdims=True)
    first = xp.argmax(xp.astype(sizes >= _EQUAL * largest, xp.int8), axis=0)
    peaks = xp.take_along_axis(functions, first[None, :], axis=0)
    return xp.where(peaks < 0, -xp.ones_like(peaks), xp.ones_like(peaks))


def _contrasts(shares: np.ndarray, n_functions: int) -> np.ndarray:
    """Values on the components, a column a function; `shares` have sum 1."""
    heaviest_first = np.argsort(-shares, kind="stable")
    # Sums from the light end: none is lost beside the heaviest.
    tails = np.cumsum(shares[heaviest_first][::-1])[::-1]
    values = np.zeros((len(shares), n_functions))
    values[:, :1] = 1
    for k in range(n_functions - 1):
        own, rest = shares[heaviest_first[k]], tails[k + 1]
        pair = np.array([np.sqrt(rest / own), -np.sqrt(own / rest)])
        pair /= np.sqrt(own + rest)
        values[heaviest_first[k], k + 1] = pair[0]
        values[heaviest_first[k + 1 :], k + 1] = pair[1]
    return values
