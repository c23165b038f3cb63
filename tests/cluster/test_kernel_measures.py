"""Published and measured quality of clusters by kernels between nodes of graphs."""

import numpy as np
import pytest
from scipy.linalg import expm, inv, pinv
from scipy.sparse.csgraph import connected_components
from sklearn.metrics import adjusted_rand_score

from sklearn_manifold_reg.cluster import KernelKMeans, KernelWard

GRID = np.linspace(0.05, 0.95, 10)


def planted(rng, n=100, inside=0.3, outside=0.1):
    """Draw a connected graph of two equal parts."""
    truth = np.arange(n) % 2
    share = np.where(truth[:, None] == truth, inside, outside)
    while True:
        A = np.triu(rng.random((n, n)) < share, 1).astype(float)
        A += A.T
        if connected_components(A, directed=False)[0] == 1:
            return A, truth


def measure(A, name, x):
    """Evaluate a kernel between nodes at a place of the grid."""
    if name.startswith("log_"):
        return np.log(measure(A, name[4:], x))
    t = x / (2 * (1 - x))
    d = A.sum(axis=1)
    eye, L, P = np.eye(len(A)), np.diag(d) - A, A / d[:, None]
    if name == "katz":
        return inv(eye - x / np.linalg.eigvalsh(A)[-1] * A)
    if name == "comm":
        return expm(t * A)
    if name == "forest":
        return inv(eye + t * L)
    if name == "heat":
        return expm(-t * L)
    if name == "normalized_heat":
        return expm(t * (A / np.sqrt(np.outer(d, d)) - eye))
    if name == "ppr":
        return inv(eye - x * P)
    if name == "modified_ppr":
        return inv(np.diag(d) - x * A)
    if name == "heat_ppr":
        return expm(t * (P - eye))
    assert name == "scct"
    root = 1 / np.sqrt(d)
    M = root[:, None] * (A - np.outer(d, d) / d.sum()) * root
    C = root[:, None] * (M @ pinv(eye - M) @ M) * root
    C = C - C.mean(axis=0)
    C = C - C.mean(axis=1, keepdims=True)
    return 1 / (1 + np.exp(-t * C / C.std()))


def best_agreement(names, estimators, n_graphs, grid=GRID, seed=0):
    """Mean agreement over graphs, and its standard error, at the best of the grid."""
    rng = np.random.default_rng(seed)
    found = np.empty((len(names), len(estimators), n_graphs, len(grid)))
    for graph in range(n_graphs):
        A, truth = planted(rng)
        for place, x in enumerate(grid):
            for row, name in enumerate(names):
                K = measure(A, name, x)
                for column, model in enumerate(estimators):
                    found[row, column, graph, place] = adjusted_rand_score(
                        truth, model.fit(K).labels_
                    )
    means = found.mean(axis=2)
    best = means.argmax(axis=-1)[..., None]
    errors = found.std(axis=2, ddof=1) / np.sqrt(n_graphs)
    means, errors = (
        np.take_along_axis(v, best, axis=-1)[..., 0] for v in (means, errors)
    )
    return means, errors


@pytest.mark.slow
@pytest.mark.statistical
def test_ward_on_planted_partitions():
    # Means over 30 other graphs, made with another implementation.
    expected = {
        "log_comm": 0.96,
        "heat_ppr": 0.95,
        "scct": 0.93,
        "log_heat": 0.92,
        "comm": 0.88,
        "log_forest": 0.85,
        "forest": 0.61,
    }
    means, errors = best_agreement(list(expected), [KernelWard(2)], 15)
    found = dict(zip(expected, means[:, 0], strict=True))
    for (name, value), error in zip(expected.items(), errors[:, 0], strict=True):
        # 0.05, or three standard errors of the difference of the means.
        allowed = max(0.05, 3 * np.sqrt(1 + 15 / 30) * error)
        assert abs(found[name] - value) <= allowed, name
    assert found["log_comm"] >= found["scct"] >= found["comm"] > found["forest"]


# Heat that has spread evenly leaves equal rows.
@pytest.mark.filterwarnings("ignore:.* clusters have rows")
@pytest.mark.slow
@pytest.mark.statistical
def test_kernel_kmeans_on_planted_partitions():
    # As above. With plain kernels nodes are nearly orthogonal and keep to any cluster,
    # so that the agreement depends on the number of starts and on the starts.
    expected = {"log_comm": 0.98, "log_forest": 0.98, "comm": 0.96, "heat": 0.89}
    stuck = {"ppr": 0.67, "katz": 0.55, "forest": 0.08}
    lloyd = KernelKMeans(2, algorithm="lloyd", random_state=0)
    once = KernelKMeans(2, algorithm="lloyd", n_init=1, random_state=0)
    moves = KernelKMeans(2, algorithm="iterative", random_state=0)
    n_graphs = 8
    means, errors = best_agreement([*expected, *stuck], [lloyd, once, moves], n_graphs)
    # Heat fails on one graph of ten, which may be missing here: its error is bounded by
    # that of a mean of zeros and ones.
    errors[3, 0] = np.sqrt(expected["heat"] * (1 - expected["heat"]) / n_graphs)
    allowed = np.maximum(0.05, 3 * np.sqrt(1 + n_graphs / 30) * errors)
    for row, (name, value) in enumerate(expected.items()):
        assert abs(means[row, 0] - value) <= allowed[row, 0], name
    for row, (name, value) in enumerate(stuck.items(), start=len(expected)):
        assert means[row, 1] - allowed[row, 1] <= value, name
        assert value <= means[row, 0] + allowed[row, 0], name
        # Single moves free them.
        assert means[row, 2] >= means[row, 0] + 0.1, name


@pytest.mark.filterwarnings("ignore:.* clusters have rows")
def test_karate_club(shared_data):
    data = shared_data("karate")
    A = np.zeros((34, 34))
    A[tuple(data["edges"].T)] = 1
    A += A.T
    truth = data["y"]

    def agreement(name, algorithm):
        model = KernelKMeans(2, algorithm=algorithm, random_state=0)
        return max(
            adjusted_rand_score(truth, model.fit(measure(A, name, x)).labels_)
            for x in np.linspace(0.05, 0.95, 19)
        )

    plain = ["normalized_heat", "ppr", "heat_ppr"]
    for name in ["katz", "comm", "forest", "heat", "modified_ppr", *plain]:
        assert agreement(f"log_{name}", "auto") >= 0.77, name
    for name in plain:
        assert agreement(name, "lloyd") == 1, name
    # Lower values of the objective, which single moves find, differ by a node.
    assert 0.85 < agreement("ppr", "auto") < 1
