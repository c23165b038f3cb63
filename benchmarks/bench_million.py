"""A million rows: graph and graph-only fit with ten outputs, in a fresh process.

Prints seconds and the peak of resident memory, input included.
"""

import argparse
import resource
import time

import numpy as np
from _timing import print_table
from sklearn.datasets import make_swiss_roll
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import r2_score

from sklearn_manifold_reg.graph import NeighborsGraph
from sklearn_manifold_reg.semi_supervised import LaplacianRegularizedRegressor


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="100,000 rows")
    n = 100_000 if parser.parse_args().quick else 1_000_000
    X, position = make_swiss_roll(n, random_state=0)
    X = X.astype(np.float32)
    waves = np.arange(1, 11) / 10
    truth = np.sin(position[:, None] * waves).astype(np.float32)
    y = np.full_like(truth, np.nan)
    labeled = np.random.default_rng(0).choice(n, n // 100, replace=False)
    y[labeled] = truth[labeled]
    hidden = np.isnan(y[:, 0])

    rows = []
    start = time.perf_counter()
    builder = NeighborsGraph().fit(X)
    rows.append(("graph", time.perf_counter() - start, peak(), ""))
    for power in (1, 2):
        model = LaplacianRegularizedRegressor(FrozenEstimator(builder), power=power)
        start = time.perf_counter()
        model.fit(X, y)
        seconds = time.perf_counter() - start
        score = r2_score(truth[hidden], model.transduction_[hidden])
        quality = f"R² {score:.4f}, {model.n_iter_} steps"
        rows.append((f"fit, power={power}", seconds, peak(), quality))
    print_table(("stage", "seconds", "peak GiB", "quality"), rows)


if __name__ == "__main__":
    main()
