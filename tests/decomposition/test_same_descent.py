"""Descent on other libraries: the iterates of the compiled solver, up to rounding."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator

from sklearn_manifold_reg._arrays import to_numpy
from sklearn_manifold_reg.decomposition import SSNMF, GraphRegularizedNMF
from sklearn_manifold_reg.decomposition._equal_rows import equal_rows
from sklearn_manifold_reg.graph import ImageGraph, NeighborsGraph
from sklearn_manifold_reg.utils._numba import compiled_kernels

SHAPE, N, P, K = (9, 8), 72, 12, 4


def pixels(seed=0):
    rng = np.random.default_rng(seed)
    A = rng.dirichlet(np.full(K, 0.4), N)
    return A @ rng.random((K, P)) ** 2 + 0.02 * rng.random((N, P))


X = pixels()
SETTINGS = {
    "default": {},
    "step by step": {"accelerate": False},
    "soft": {"sum_to_one": "soft", "scaling": "none"},
    "simplex": {"sum_to_one": "simplex", "scaling": "none", "alpha": 0.0},
    "simplex on the sphere": {
        "sum_to_one": "simplex",
        "alpha": 0.0,
        "graph_alpha": 0.3,
    },
    "plain": {"alpha": 0.0, "graph_alpha": 0.0, "scaling": "none"},
    "heavy graph": {"graph_alpha": 50.0},
}


def fitted(X, name, **parameters):
    defaults = {"graph": NeighborsGraph(n_neighbors=6), "init": "vca", "tol": 0.0}
    settings = {**defaults, **SETTINGS[name], "max_iter": 15, "random_state": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return SSNMF(K, **settings | parameters).fit(X)


def assert_same(model, reference):
    history = reference.objective_history_
    assert_allclose(to_numpy(model.objective_history_), history, rtol=1e-8)
    for attribute in ("abundances_", "components_"):
        there = to_numpy(getattr(model, attribute))
        assert_allclose(there, getattr(reference, attribute), atol=1e-6)


@pytest.mark.parametrize("name", SETTINGS)
def test_iterates_are_those_of_compiled_code(name, namespace):
    xp, device = namespace
    host = fitted(X, name)
    model = fitted(xp.asarray(X, device=device), name)
    assert_same(model, host)
    here = xp.asarray(X, device=device)
    for array in (model.abundances_, model.components_, model.component_indices_):
        assert type(array) is type(here)
        assert array.device == here.device
    new = pixels(seed=1)
    both = np.concatenate([new, X[::-1]])
    W = model.transform(xp.asarray(both, device=device))
    assert W.device == here.device
    assert_allclose(to_numpy(W), host.transform(both), atol=1e-6)
    assert_array_equal(to_numpy(W)[N:], to_numpy(model.abundances_)[::-1])
    back = model.inverse_transform(W)
    assert_allclose(to_numpy(back), to_numpy(W) @ to_numpy(model.components_))


@pytest.mark.parametrize("name", SETTINGS)
def test_iterates_are_those_of_the_reference(name):
    host = fitted(X, name)
    with compiled_kernels(False):
        assert_same(fitted(X, name), host)


@pytest.mark.parametrize("init", ["spa", "nfindr", "kmeans", "nndsvd", X[:K]])
def test_starts_are_the_same(init, namespace):
    xp, device = namespace
    there = xp.asarray(X, device=device)
    given = init if isinstance(init, str) else xp.asarray(init, device=device)
    assert_same(fitted(there, "default", init=given), fitted(X, "default", init=init))


def test_pixels_of_an_image(namespace):
    """The graph is built on the device; one fitted on the host does too."""
    xp, device = namespace
    there = xp.asarray(X, device=device)
    reference = fitted(X, "default", graph=ImageGraph(SHAPE))
    for graph in (ImageGraph(SHAPE), FrozenEstimator(ImageGraph(SHAPE).fit(X))):
        assert_same(fitted(there, "default", graph=graph), reference)


def test_graph_regularized(namespace):
    xp, device = namespace
    model = GraphRegularizedNMF(3, NeighborsGraph(n_neighbors=5), random_state=0)
    model.set_params(init="spa", graph_alpha=1.0, tol=1e-3)
    codes = model.fit_transform(xp.asarray(X, device=device))
    assert_allclose(to_numpy(codes), model.fit_transform(X), atol=1e-6)


def test_single_precision(namespace):
    xp, device = namespace
    single = fitted(xp.asarray(X, dtype=xp.float32, device=device), "default")
    assert single.abundances_.dtype == xp.float32
    assert single.components_.dtype == xp.float32
    new = xp.asarray(pixels(1), dtype=xp.float32, device=device)
    assert single.transform(new).dtype == xp.float32
    assert_allclose(single.objective_, fitted(X, "default").objective_, rtol=1e-3)


def test_endmembers_that_no_row_uses_find_the_same_place(namespace):
    xp, device = namespace
    start = X[:K].copy()
    start[1] = 0
    host = fitted(X, "default", init=start)
    assert to_numpy(host.abundances_).max(axis=0).min() > 0.05
    assert_same(fitted(xp.asarray(X, device=device), "default", init=start), host)


def test_equal_rows_are_the_first_of_their_kind(namespace):
    xp, device = namespace
    rng = np.random.default_rng(0)
    table = rng.integers(3, size=(40, 3)).astype(float)
    # Rows that rounding of sums cannot tell apart.
    table[7:9] = [[1.0, 1e-17, 1.0], [1.0, 0.0, 1.0]]
    queries = np.concatenate([table, table + 0.5])
    same = (queries[:, None, :] == table[None, :, :]).all(axis=2)
    expected = np.where(same.any(axis=1), same.argmax(axis=1), -1)
    there = [xp.asarray(part, device=device) for part in (queries, table)]
    assert_array_equal(to_numpy(equal_rows(*there)), expected)


def test_other_library_than_in_fit_is_refused(namespace):
    xp, device = namespace
    model = fitted(X, "default")
    with pytest.raises(ValueError, match="must use the same namespace"):
        model.transform(xp.asarray(X, device=device))
