"""Training rows among new ones."""

import numpy as np
import pytest
from scipy import sparse

from sklearn_manifold_reg._arrays import to_numpy
from sklearn_manifold_reg.graph import (
    KernelGraph,
    NeighborsGraph,
    PrecomputedGraph,
    RadiusGraph,
    link_rows,
)

BUILDERS = {
    "self-tuning": NeighborsGraph(),
    "connectivity": NeighborsGraph(weights="connectivity"),
    "fuzzy": NeighborsGraph(weights="fuzzy"),
    "cosine": NeighborsGraph(metric="cosine", weights="cosine"),
    "radius": RadiusGraph(1.5),
    "kernel": KernelGraph(),
}


def some_rows(n=80, d=4):
    return np.random.default_rng(0).normal(size=(n, d))


@pytest.mark.filterwarnings("ignore:The graph of:UserWarning")
@pytest.mark.filterwarnings("ignore:.* rows have no other row:UserWarning")
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("name", BUILDERS)
def test_equal_rows_and_no_others_match(name, kind):
    if kind is sparse.csr_array and name == "radius":
        pytest.skip("searches dense rows only")
    X = some_rows()
    builder = BUILDERS[name].fit(kind(X))
    new = np.concatenate([X[[7, 3]], X[[5]] + 1e-7, X[[60]]])
    affinity, matches = link_rows(builder, kind(new))
    np.testing.assert_array_equal(matches, [7, 3, -1, 60])
    assert affinity.shape == (4, 80)


def test_one_of_several_equal_rows():
    X = np.concatenate([some_rows(30)] * 3)
    _, matches = link_rows(NeighborsGraph().fit(X), X)
    np.testing.assert_array_equal(X[matches], X)


def test_precomputed_graphs_keep_no_rows():
    W = sparse.csr_array(np.ones((4, 4)) - np.eye(4))
    _, matches = link_rows(PrecomputedGraph().fit(W), W[:2])
    np.testing.assert_array_equal(matches, [-1, -1])


def test_device_arrays(namespace):
    xp, device = namespace
    X = some_rows()
    new = np.concatenate([X[[7, 3]], X[[5]] + 1e-7])
    there = {"dtype": xp.float64, "device": device}
    builder = NeighborsGraph().fit(xp.asarray(X.tolist(), **there))
    _, matches = link_rows(builder, xp.asarray(new.tolist(), **there))
    np.testing.assert_array_equal(to_numpy(matches), [7, 3, -1])
