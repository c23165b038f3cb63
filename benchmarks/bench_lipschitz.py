"""Least Lipschitz functions: time, memory, certificates and accuracy.

- whole fits on 200 nodes against scipy's SLSQP on the same quadratic problem;
- one change of the weights on 5000 nodes against `numpy.linalg.solve` of the same
  system;
- 50 changes on 100,000 rows, with the memory on top of the graph;
- the gap between the bounds, step by step, against projected gradient ascent in the
  weights as published;
- Lipschitz constants and accuracies of several methods on two moons and on usps with
  five labels a class.
"""

import argparse
import tracemalloc
import warnings
from functools import partial
from time import perf_counter

import numpy as np
from _timing import median_seconds, paired_seconds, print_table, shared_data
from scipy.optimize import minimize
from sklearn.datasets import make_moons, make_swiss_roll
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator

from sklearn_manifold_reg.graph import NeighborsGraph, RadiusGraph, laplacian
from sklearn_manifold_reg.semi_supervised import (
    LaplacianRegularizedClassifier,
    LaplacianRegularizedRegressor,
    ManifoldLipschitzClassifier,
    ManifoldLipschitzRegressor,
)
from sklearn_manifold_reg.semi_supervised._local_gradients import local_gradients

UPDATES = ("normalize", "projection")


def moons(seed, n_samples=200):
    """Two moons with one label each and heat weights, as in the paper's example."""
    X, classes = make_moons(n_samples, noise=0.05, random_state=seed)
    rng = np.random.default_rng(seed)
    y = np.full(n_samples, np.nan)
    for c in (0, 1):
        y[rng.choice(np.flatnonzero(classes == c))] = 2 * c - 1
    radius = np.sqrt(0.04 * np.log(1e3))
    graph = RadiusGraph(radius, weights="heat", bandwidth=0.2)
    return X, classes, y, graph


def roll(n_samples):
    """Swiss roll whose labels are the angle, one row in a thousand labeled."""
    X, angle = make_swiss_roll(n_samples, noise=0.05, random_state=0)
    angle = angle / angle.std()
    rng = np.random.default_rng(0)
    y = np.full(n_samples, np.nan)
    known = rng.choice(n_samples, max(20, n_samples // 1000), replace=False)
    y[known] = angle[known]
    return X, y, FrozenEstimator(NeighborsGraph(n_neighbors=10).fit(X))


def slsqp(affinity, y, epsilon):
    """Solve the whole problem by sequential quadratic programming."""
    known = ~np.isnan(y)
    targets, n = np.where(known, y, 0), len(y)

    def energies(f):
        return 0.5 * np.sum(affinity * (f[:, None] - f) ** 2, axis=1)

    def slopes(x):
        f = x[:-1]
        J = affinity * (f[:, None] - f)
        J[np.diag_indices(n)] = -np.sum(J, axis=1)
        return np.hstack([J, np.ones((n, 1))])

    def room(x):
        return epsilon - np.mean((x[:-1] - targets)[known] ** 2)

    def room_slope(x):
        own = np.where(known, x[:-1] - targets, 0)
        return np.append(-2 * own / known.sum(), 0.0)

    start = np.where(known, y, np.nanmean(y))
    ahead = np.append(np.zeros(n), 1.0)
    return minimize(
        lambda x: x[-1],
        np.append(start, energies(start).max()),
        jac=lambda _: ahead,
        constraints=[
            {
                "type": "ineq",
                "fun": lambda x: x[-1] - energies(x[:-1]),
                "jac": slopes,
            },
            {"type": "ineq", "fun": room, "jac": room_slope},
        ],
        method="SLSQP",
        options={"maxiter": 500, "ftol": 1e-8},
    )


def against_slsqp():
    rows = []
    for seed in (0, 1):
        X, _, y, graph = moons(seed)
        affinity = graph.fit(X).affinity_.toarray()
        start = perf_counter()
        found = slsqp(affinity, y, 1e-3)
        theirs = perf_counter() - start
        model = ManifoldLipschitzRegressor(
            graph, epsilon=1e-3, gradient="dirichlet", dual_update="projection"
        )
        ours = median_seconds(lambda m=model, a=X, b=y: m.fit(a, b))
        rows.append(
            [seed, theirs, ours, theirs / ours, found.fun, model.rho_, model.dual_gap_]
        )
    print("\nWhole fit, two moons, 200 rows\n")
    header = ["seed", "SLSQP s", "ours s", "ratio", "SLSQP rho", "our rho", "our gap"]
    print_table(header, rows)


def against_dense_solve():
    X, y, graph = roll(5000)
    W = graph.estimator.affinity_.toarray()
    L = np.diag(W.sum(axis=1)) - W
    known = ~np.isnan(y)
    system = L / len(y) + np.diag(known / known.sum())
    right = np.where(known, y, 0) / known.sum()
    rows = []
    for update in UPDATES:
        model = ManifoldLipschitzRegressor(
            graph, dual_update=update, max_iter=30, tol=1e-8
        )
        theirs, ours = paired_seconds(
            [partial(np.linalg.solve, system, right), partial(model.fit, X, y)]
        )
        own = ours / model.n_iter_
        rows.append([update, theirs, own, theirs / own, model.n_iter_])
    print("\nOne change of the weights, 5000 rows, 10 neighbors\n")
    print_table(["update", "numpy s", "ours s", "ratio", "changes"], rows)


def many_rows(n_samples):
    X, y, graph = roll(n_samples)
    rows = []
    for update in UPDATES:
        model = ManifoldLipschitzRegressor(
            graph, dual_update=update, max_iter=50, tol=1e-8
        )
        start = perf_counter()
        model.fit(X, y)
        seconds = perf_counter() - start
        row = [update, seconds, model.n_iter_, model.rho_, model.dual_gap_]
        tracemalloc.start()
        model.set_params(max_iter=2).fit(X, y)
        rows.append([*row, tracemalloc.get_traced_memory()[1] / 2**20])
        tracemalloc.stop()
    print(f"\nAt most 50 changes of the weights, {n_samples} rows, 10 neighbors\n")
    header = ["update", "s", "functions", "rho", "gap", "MiB on top of the graph"]
    print_table(header, rows)


def project_to_simplex(v):
    ordered = np.sort(v)[::-1]
    excess = (np.cumsum(ordered) - 1) / np.arange(1, len(v) + 1)
    return np.maximum(v - excess[np.flatnonzero(ordered > excess)[-1]], 0)


def projected_ascent(W, y, epsilon, n_steps):
    """Bounds after each step of projected ascent, with the multiplier exact."""
    known = ~np.isnan(y)
    targets, n = np.where(known, y, 0), len(y)
    S = known / known.sum()
    weights, mu, low, high, bounds = np.full(n, 1 / n), 1.0, -np.inf, np.inf, []
    variance = np.var(y[known])
    for step in range(n_steps):
        own = W * (weights[:, None] + weights) / 2
        L = np.diag(own.sum(axis=1)) - own
        for _ in range(60):
            f = np.linalg.solve(L + np.diag(mu * S), mu * S * targets)
            loss = S @ (f - targets) ** 2
            if 0.99 * epsilon <= loss <= epsilon:
                break
            origin = variance**-0.5
            mu *= ((0.995 * epsilon) ** -0.5 - origin) / (loss**-0.5 - origin)
        G = 0.5 * np.sum(W * (f[:, None] - f) ** 2, axis=1)
        low = max(low, weights @ G + mu * (loss - epsilon))
        high = min(high, G.max())
        bounds.append((high - low) / high)
        length = 5 / (n * G.max()) / np.sqrt(1 + step)
        weights = project_to_simplex(weights + length * G)
        weights = (1 - 1e-4) * weights + 1e-4 / n
    return np.array(bounds)


def gaps(n_steps=400):
    rows = []
    for seed in range(4):
        X, _, y, graph = moons(seed)
        W = graph.fit(X).affinity_.toarray()
        theirs = projected_ascent(W, y, 1e-3, n_steps)
        row = [seed, theirs[49], theirs[-1]]
        for steps in (25, 50, 100, 200):
            model = ManifoldLipschitzRegressor(
                graph,
                epsilon=1e-3,
                gradient="dirichlet",
                dual_update="projection",
                max_iter=steps,
                tol=1e-6,
            ).fit(X, y)
            row.append(model.dual_gap_)
        rows.append(row)
    print("\nRelative gap of the bounds, two moons\n")
    header = ["seed", "ascent 50", f"ascent {n_steps}"]
    print_table(header + [f"ours {s}" for s in (25, 50, 100, 200)], rows)


def lipschitz_constants_of_moons():
    rows = []
    for seed in range(4):
        X, classes, y, graph = moons(seed)
        gradients = local_gradients(
            "dirichlet", laplacian(graph.fit(X).affinity_, normalization=None), X
        )
        common = {"epsilon": 1e-3, "gradient": "dirichlet"}
        models = {
            "equal weights": ManifoldLipschitzRegressor(graph, max_iter=0, **common),
            "normalize": ManifoldLipschitzRegressor(graph, **common),
            "projection": ManifoldLipschitzRegressor(
                graph, dual_update="projection", **common
            ),
            "Laplacian regularized": LaplacianRegularizedRegressor(graph),
        }
        for name, model in models.items():
            f = model.fit(X, y).transduction_
            rho = gradients.squares(f[:, None]).max()
            known = ~np.isnan(y)
            loss = np.mean((f - y)[known] ** 2)
            accuracy = np.mean((f > 0) == classes)
            rows.append([seed, name, float(rho), float(loss), float(accuracy)])
    print("\nTwo moons, one label each: largest G, loss, accuracy\n")
    print_table(["seed", "method", "rho", "loss", "accuracy"], rows)


def lipschitz_constants_of_digits(n_draws=5):
    data = shared_data("usps")
    X, truth = data["X"] / data["scale"], data["y"].astype(int)
    graph = FrozenEstimator(NeighborsGraph().fit(X))
    L = laplacian(graph.estimator.affinity_.astype(np.float64), normalization=None)
    found = {}
    for seed in range(n_draws):
        rng = np.random.default_rng(seed)
        y = np.full(len(truth), -1)
        for digit in range(10):
            y[rng.choice(np.flatnonzero(truth == digit), 5, replace=False)] = digit
        models = {
            "LaplacianRegularizedClassifier": LaplacianRegularizedClassifier(graph),
            "the same, power=1": LaplacianRegularizedClassifier(graph, power=1),
        }
        for gradient in ("energy", "dirichlet", "max_slope"):
            for name, own in (
                ("equal weights", {"max_iter": 0}),
                ("normalize", {}),
                ("projection", {"dual_update": "projection"}),
            ):
                models[f"{gradient}, {name}"] = ManifoldLipschitzClassifier(
                    graph, gradient=gradient, **own
                )
        for name, model in models.items():
            start = perf_counter()
            model.fit(X, y)
            seconds = perf_counter() - start
            accuracy = np.mean((model.transduction_ == truth)[y == -1])
            row = [accuracy, seconds, getattr(model, "dual_gap_", np.nan)]
            for gradient in ("energy", "dirichlet", "max_slope"):
                squares = local_gradients(gradient, L, X).squares(model.scores_)
                row.append(np.sqrt(squares.max()))
            found.setdefault(name, []).append(row)
    print(f"\nusps, five labels a class, means of {n_draws} draws\n")
    header = ["method", "accuracy", "s", "gap", "energy", "dirichlet", "max_slope"]
    rows = [[k, *map(float, np.mean(v, axis=0))] for k, v in found.items()]
    print_table(header, rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--only", nargs="*", default=None)
    options = parser.parse_args()
    parts = {
        "slsqp": against_slsqp,
        "dense": against_dense_solve,
        "rows": partial(many_rows, options.rows),
        "gaps": gaps,
        "moons": lipschitz_constants_of_moons,
        "digits": lipschitz_constants_of_digits,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for name, part in parts.items():
            if options.only is None or name in options.only:
                part()


if __name__ == "__main__":
    main()
