"""How the defaults of the Laplacian-regularized estimators were chosen.

Means over draws of labels: accuracy on unlabeled rows of classifiers over
`graph_alpha` and `power`, and R² on unlabeled rows of regressors over `graph_alpha`,
`power` and kernels; both over `alpha` on swiss rolls of growing size. The graph is
`NeighborsGraph()` for all.
"""

import argparse

import numpy as np
from _timing import print_table, shared_data
from sklearn.datasets import load_diabetes, load_digits, make_swiss_roll
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import r2_score
from sklearn.preprocessing import StandardScaler

from sklearn_manifold_reg.graph import NeighborsGraph
from sklearn_manifold_reg.semi_supervised import (
    LaplacianRegularizedClassifier,
    LaplacianRegularizedRegressor,
)


def classification_sets():
    digits = load_digits()
    yield "digits", digits.data, digits.target
    coil = shared_data("coil20")
    yield "coil20", coil["X"].reshape(1440, -1) / 255.0, coil["y"]
    usps = shared_data("usps")
    yield "usps", usps["X"].astype(np.float32) / float(usps["scale"]), usps["y"]


def regression_sets():
    X, y = load_diabetes(return_X_y=True)
    yield "diabetes", StandardScaler().fit_transform(X), y
    coil = shared_data("coil20")
    angle = np.deg2rad(5.0 * np.arange(72))
    one = coil["X"][coil["y"] == coil["y"][0]].reshape(72, -1) / 255.0
    yield "coil20 pose, one object", one, np.cos(angle)
    several = coil["X"].reshape(1440, -1) / 255.0
    yield "coil20 pose, all", several, np.tile(np.cos(angle), 20)
    wind = shared_data("wind_sphere_reference")
    latitude, longitude = np.meshgrid(
        np.deg2rad(wind["latitude"]), np.deg2rad(wind["longitude"]), indexing="ij"
    )
    points = np.stack(
        [
            np.cos(latitude) * np.cos(longitude),
            np.cos(latitude) * np.sin(longitude),
            np.sin(latitude),
        ],
        axis=-1,
    ).reshape(-1, 3)
    speed = np.hypot(wind["u"], wind["v"]).reshape(-1).astype(float)
    inner = np.abs(points[:, 2]) < 0.999
    yield "wind speed", points[inner][::2], speed[inner][::2]


def study_classifier(n_draws):
    rows = []
    for name, X, truth in classification_sets():
        graph = FrozenEstimator(NeighborsGraph().fit(X))
        for power in (1, 2):
            for graph_alpha in (1e-2, 1.0, 1e2, 1e3, 1e4, 1e6):
                model = LaplacianRegularizedClassifier(
                    graph, graph_alpha=graph_alpha, power=power
                )
                cells = []
                for n_labels in (1, 5, 10):
                    hits = []
                    for seed in range(n_draws):
                        draw = np.random.default_rng(seed)
                        y = np.full(len(truth), -1)
                        for c in np.unique(truth):
                            mine = np.flatnonzero(truth == c)
                            y[draw.choice(mine, n_labels, replace=False)] = c
                        said = model.fit(X, y).transduction_
                        hits.append(np.mean(said[y < 0] == truth[y < 0]))
                    cells.append(float(np.mean(hits)))
                rows.append((name, power, graph_alpha, *cells))
    print_table(("data", "power", "graph_alpha", "1", "5", "10 labels a class"), rows)


def study_regressor(n_draws):
    settings = [
        {"power": power, "graph_alpha": graph_alpha}
        for power in (1, 2, 3)
        for graph_alpha in (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
    ]
    settings += [
        {"kernel": "rbf", "graph_alpha": graph_alpha, "fit_intercept": True}
        for graph_alpha in (0.0, 1e-2, 1.0)
    ]
    rows = []
    for name, X, y in regression_sets():
        graph = FrozenEstimator(NeighborsGraph().fit(X))
        for setting in settings:
            if len(X) > 3000 and setting.get("kernel"):
                continue
            cells = []
            for fraction in (0.02, 0.05, 0.2):
                scores = []
                for seed in range(n_draws):
                    draw = np.random.default_rng(seed)
                    count = max(3, round(fraction * len(y)))
                    known = draw.permutation(len(y)) < count
                    model = LaplacianRegularizedRegressor(graph, **setting)
                    model.fit(X, np.where(known, (y - y.mean()) / y.std(), np.nan))
                    truth = (y[~known] - y.mean()) / y.std()
                    scores.append(r2_score(truth, model.transduction_[~known]))
                cells.append(float(np.mean(scores)))
            label = ", ".join(f"{k}={v}" for k, v in setting.items())
            rows.append((name, label, *cells))
    print_table(("data", "setting", "2 %", "5 %", "20 %"), rows)


def study_alpha(sizes):
    rows = []
    for n in sizes:
        X, position = make_swiss_roll(n, random_state=0)
        value = np.sin(0.6 * position)
        band = np.digitize(position, np.quantile(position, [0.25, 0.5, 0.75]))
        graph = FrozenEstimator(NeighborsGraph().fit(X))
        known = np.random.default_rng(0).permutation(n) < max(4, n // 500)
        few = np.random.default_rng(0).permutation(n) < 20
        for power in (1, 2):
            for alpha in (1e-3, 1e-5, 1e-8, "auto"):
                own = {"alpha": alpha, "power": power}
                regressor = LaplacianRegularizedRegressor(graph, **own)
                regressor.fit(X, np.where(known, value, np.nan))
                classifier = LaplacianRegularizedClassifier(graph, **own)
                classifier.fit(X, np.where(few, band, -1))
                rows.append(
                    (
                        n,
                        power,
                        alpha,
                        r2_score(value[~known], regressor.transduction_[~known]),
                        float(np.mean((classifier.transduction_ == band)[~few])),
                    )
                )
    print_table(
        ("rows of the roll", "power", "alpha", "R², 0.2 % labeled",
         "accuracy, 20 labels, 4 classes"),
        rows,
    )  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer draws")
    quick = parser.parse_args().quick
    n_draws = 2 if quick else 5
    study_alpha((2_000, 20_000) if quick else (2_000, 20_000, 200_000))
    study_regressor(n_draws)
    study_classifier(n_draws)


if __name__ == "__main__":
    main()
