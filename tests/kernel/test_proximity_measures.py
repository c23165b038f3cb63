"""Published and measured quality of kernels as proximity measures of nodes."""

from itertools import pairwise

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from sklearn_manifold_reg.cluster import KernelWard
from sklearn_manifold_reg.datasets import make_planted_partition
from sklearn_manifold_reg.graph import (
    NODE_KERNELS,
    NodeKernels,
    kernel_path,
    kernel_to_distance,
)
from sklearn_manifold_reg.metrics import copeland_score, rejection_auc

# Published parameters, and areas under rejection curves that a direct implementation of
# the formulas finds: means of 50 graphs of two classes of 50 nodes, 0.3 and 0.1.
AREAS = {
    "katz": (0.80, 0.806),
    "log_katz": (0.76, 0.713),
    "communicability": (0.36, 0.844),
    "log_communicability": (0.54, 0.970),
    "forest": (0.98, 0.542),
    "log_forest": (0.40, 0.732),
    "heat": (0.74, 0.912),
    "log_heat": (0.46, 0.678),
    "sigmoid_commute": (0.50, 0.779),
    "sigmoid_corrected_commute": (0.74, 0.932),
    "rsp": (0.98, 0.715),
    "free_energy": (0.92, 0.707),
    "sp_ct": (0.04, 0.595),
}


def planted(seed, **options):
    """Draw a graph whose order of nodes says nothing of its classes."""
    rng = np.random.RandomState(seed)
    A, y = make_planted_partition(100, 2, random_state=rng, **options)
    order = rng.permutation(len(y))
    return NodeKernels(A[order][:, order]), y[order]


def agreements(names, grid, n_graphs, **options):
    """Agreement of Ward's clusters with the classes, (n_graphs, names, grid)."""
    ward, found = KernelWard(2, n_jobs=1), []
    for seed in range(n_graphs):
        kernels, y = planted(seed, **options)
        paths = [kernel_path(kernels, name, grid, copy=False) for name in names]
        found.append(
            [[adjusted_rand_score(y, ward.fit(K).labels_) for K in p] for p in paths]
        )
    return np.array(found)


@pytest.mark.statistical
def test_areas_under_rejection_curves():
    n_graphs, areas = 30, []
    for seed in range(n_graphs):
        kernels, y = planted(seed)
        found = []
        for name, (x, _) in AREAS.items():
            K = kernels.compute(name, x)
            D = kernel_to_distance(K, squared=not NODE_KERNELS[name].rooted)
            found.append(rejection_auc(D, y))
        areas.append(found)
    areas = np.array(areas)
    expected = np.array([area for _, area in AREAS.values()])
    # Means of as many graphs and of 50 differ by this; the latter have three digits.
    errors = areas.std(axis=0, ddof=1) * np.sqrt(1 / n_graphs + 1 / 50)
    gaps = np.abs(areas.mean(axis=0) - expected)
    assert np.all(gaps <= 4 * errors + 5e-4), dict(zip(AREAS, gaps, strict=True))


@pytest.mark.slow
@pytest.mark.statistical
def test_logarithms_win_at_parameters_chosen_on_other_graphs():
    order = ["log_communicability", "sigmoid_corrected_commute", "communicability"]
    names = [*order, "log_forest", "forest", "log_heat", "heat"]
    scores = agreements(names, np.linspace(0.1, 0.9, 9), 40, p_out=0.15)
    training, new = scores[:20], scores[20:]
    best = training.mean(axis=0).argmax(axis=1)
    chosen = new[:, np.arange(len(names)), best]
    by_name = dict(zip(names, chosen.T, strict=True))
    pairs = [*pairwise(order), ("communicability", "forest")]
    pairs += [(f"log_{f}", f) for f in ("communicability", "forest", "heat")]
    for better, worse in pairs:
        gap = by_name[better] - by_name[worse]
        error = gap.std(ddof=1) / np.sqrt(len(gap))
        assert gap.mean() > 2 * error, (better, worse)
    duels = copeland_score(chosen)
    assert duels.argmax() == 0
    assert np.argmin(duels) == names.index("forest")
