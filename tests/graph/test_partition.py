"""Normalized cut, modularity, entropy: dense definitions, bounds, failures."""

import numpy as np
import pytest
from scipy import sparse

from sklearn_manifold_reg.graph import (
    attribute_entropy,
    laplacian,
    modularity,
    normalized_cut,
)


def random_graph(n=60, seed=0):
    W = sparse.random_array((n, n), density=0.1, rng=np.random.default_rng(seed))
    return sparse.csr_array(W + W.T)


def test_definitions():
    W = random_graph()
    labels = np.random.default_rng(1).choice(["a", "b", "c"], size=60)
    A = W.toarray()
    cut = sum(
        A[np.ix_(labels == c, labels != c)].sum() / A[labels == c].sum() for c in "abc"
    )
    assert normalized_cut(W, labels) == pytest.approx(cut)
    d, total = A.sum(axis=1), A.sum()
    B = A - np.outer(d, d) / total
    same = labels[:, None] == labels[None, :]
    assert modularity(W, labels) == pytest.approx((B * same).sum() / total)


def test_the_relaxation_bounds_every_partition():
    W = random_graph()
    values = np.linalg.eigvalsh(laplacian(W).to_csr().to_scipy().toarray())
    rng = np.random.default_rng(2)
    for k in (2, 5):
        for _ in range(20):
            labels = np.concatenate([np.arange(k), rng.integers(k, size=60 - k)])
            assert normalized_cut(W, labels) >= values[:k].sum()


def test_labels_of_another_length():
    with pytest.raises(ValueError, match="one entry a node"):
        modularity(random_graph(), np.zeros(3))


def test_entropy_of_attributes():
    labels = np.repeat(["u", "v"], [4, 2])
    attributes = [["a", 0.5], ["b", None], ["a", 0.5], ["b", 1.5], ["a", 1.5], ["a", 9]]
    # Cluster u: one bit and the split 2:1; v: none and one bit.
    third = np.log2(3) - 2 / 3
    expected = 4 / 6 * (1 + third) + 2 / 6 * 1
    assert attribute_entropy(attributes, labels) == pytest.approx(expected)
    assert attribute_entropy(["a", "a", "b"], [1, 1, 0]) == 0.0
    with pytest.raises(ValueError, match="attributes has 3 rows, X has 2"):
        attribute_entropy(["a", "a", "b"], [1, 0])
