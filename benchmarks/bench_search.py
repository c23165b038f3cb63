"""A grid of label-only settings: TransductiveSearchCV against GridSearchCV.

Both cross-validate the same 24 settings in 5 folds on usps. GridSearchCV, with
LabeledSplit, builds a graph for each of its 120 fits; TransductiveSearchCV builds one.
Quality is the accuracy of each one's best model on all unlabeled rows.
"""

import argparse
import time

import numpy as np
from _timing import print_table, shared_data
from sklearn.model_selection import GridSearchCV

from sklearn_manifold_reg.model_selection import LabeledSplit, TransductiveSearchCV
from sklearn_manifold_reg.semi_supervised import LaplacianRegularizedClassifier

GRID = {
    "alpha": [1e-6, 1e-4, 1e-2, 1.0],
    "graph_alpha": [1e-2, 1e0, 1e2, 1e3, 1e4, 1e5],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rows and settings")
    quick = parser.parse_args().quick
    usps = shared_data("usps")
    X = usps["X"].astype(np.float32) / float(usps["scale"])
    truth = usps["y"].astype(int)
    grid = GRID
    if quick:
        X, truth, grid = X[:2000], truth[:2000], {"graph_alpha": [1.0, 1e3]}
    rng = np.random.default_rng(0)
    y = np.full(len(truth), -1)
    for digit in range(10):
        chosen = rng.choice(np.flatnonzero(truth == digit), 20, replace=False)
        y[chosen] = digit
    hidden = y < 0

    model = LaplacianRegularizedClassifier()
    model.fit(X[:500], np.where(np.arange(500) < 100, truth[:500], -1))  # compiles
    rows = []
    seconds = []
    for name, search in {
        "TransductiveSearchCV": TransductiveSearchCV(model, grid, cv=5, refit=False),
        "GridSearchCV + LabeledSplit": GridSearchCV(
            model, grid, cv=LabeledSplit(5), refit=False
        ),
    }.items():
        start = time.perf_counter()
        search.fit(X, y)
        seconds.append(time.perf_counter() - start)
        best = LaplacianRegularizedClassifier(**search.best_params_).fit(X, y)
        accuracy = float(np.mean(best.transduction_[hidden] == truth[hidden]))
        rows.append((name, seconds[-1], seconds[0] / seconds[-1], accuracy))
    print_table(("search", "seconds", "ours / this", "accuracy"), rows)


if __name__ == "__main__":
    main()
