"""Kernel form of the Laplacian-regularized regressor, against solving its system.

Peers: `scipy.linalg.solve` of the same n-by-n system, kernel matrix, graph and product
with the Laplacian given for nothing; and scikit-learn's KernelRidge on all n rows,
which builds its kernel matrix but knows no graph. Ours is the whole fit but for the
graph, which is given: kernel matrix, system and solution. Quality is the largest
difference from scipy's coefficients, relative to the largest of them.
"""

import argparse

import numpy as np
from _timing import paired_seconds, print_table
from scipy.linalg import solve
from sklearn.datasets import make_swiss_roll
from sklearn.frozen import FrozenEstimator
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import rbf_kernel

from sklearn_manifold_reg.graph import NeighborsGraph, laplacian
from sklearn_manifold_reg.semi_supervised import LaplacianRegularizedRegressor

GAMMA, ALPHA, GRAPH_ALPHA = 0.05, 1e-3, 0.1


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="1000 rows")
    n = 1000 if parser.parse_args().quick else 5000
    X, t = make_swiss_roll(n, random_state=0)
    truth = np.sin(t)
    labeled = np.random.default_rng(0).permutation(n) < n // 10
    y = np.where(labeled, truth, np.nan)

    graph = FrozenEstimator(NeighborsGraph().fit(X))
    ours = LaplacianRegularizedRegressor(
        graph,
        kernel="rbf",
        gamma=GAMMA,
        alpha=ALPHA,
        graph_alpha=GRAPH_ALPHA,
        power=1,
        fit_intercept=False,
    )
    K = rbf_kernel(X, gamma=GAMMA)
    share = labeled / labeled.sum()
    L = laplacian(graph.affinity_, normalization=None).to_csr().to_scipy()
    system = share[:, None] * K + (GRAPH_ALPHA / n) * (L @ K) + ALPHA * np.eye(n)
    right = share * truth
    ridge = KernelRidge(alpha=1.0, kernel="rbf", gamma=GAMMA)

    seconds = paired_seconds(
        [
            lambda: ours.fit(X, y),
            lambda: solve(system, right),
            lambda: ridge.fit(X, truth),
        ]
    )
    exact = solve(system, right)
    error = float(np.abs(ours.dual_coef_ - exact).max() / np.abs(exact).max())
    rows = [
        (name, own, seconds[0], seconds[0] / own, error if number == 0 else "-")
        for number, (name, own) in enumerate(
            zip(("scipy.linalg.solve", "KernelRidge"), seconds[1:], strict=True)
        )
    ]
    print_table(
        ("peer", "peer seconds", "our seconds", "ours / peer", "difference"), rows
    )


if __name__ == "__main__":
    main()
