"""Accuracy at few labels on real data: every method on the same graph.

    python benchmarks/bench_accuracy.py [--quick] [--draws 10] [--only usps,...]
        [--out accuracy.md]

Prints Markdown tables: classification without and with known class sizes, rows held
out against rows transduced, and regression at 2, 5 and 20 % of labels.
"""

import argparse
import contextlib
import io
import os
import tempfile
import time
import warnings
from collections import defaultdict
from functools import partial

os.environ.setdefault("MPLBACKEND", "Agg")

import numpy as np
from _timing import shared_data
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import LabelPropagation, LabelSpreading

from sklearn_manifold_reg.graph import NeighborsGraph
from sklearn_manifold_reg.model_selection import TransductiveSearchCV
from sklearn_manifold_reg.semi_supervised import (
    LabelDiffusionClassifier,
    LabelDiffusionRegressor,
    LaplacianRegularizedClassifier,
    LaplacianRegularizedRegressor,
)

LABELS_PER_CLASS = (1, 5, 10)
LABELED_SHARES = (0.02, 0.05, 0.2)


# ---------------------------------------------------------------------------- data


def classification_sets():
    digits, truth = load_digits(return_X_y=True)
    yield "digits", digits, truth, NeighborsGraph()
    z = shared_data("usps")
    yield "usps", z["X"] / float(z["scale"]), z["y"].astype(int), NeighborsGraph()
    z = shared_data("coil20")
    X = z["X"].reshape(len(z["X"]), -1) / 255.0
    yield "coil20", X, z["y"].astype(int), NeighborsGraph()
    z = shared_data("cornell_text")
    X = sparse.csr_array(
        (z["X_data"].astype(float), z["X_indices"], z["X_indptr"]),
        shape=tuple(z["X_shape"]),
    )
    graph = NeighborsGraph(metric="cosine")
    yield "cornell_text", X, z["y"].astype(int), graph
    W, truth = largest_component_of_cora()
    yield "cora", W, truth, "precomputed"


def largest_component_of_cora():
    z = shared_data("cora")
    i, j = z["edges"].T
    n = int(z["n_nodes"])
    W = sparse.coo_array((np.ones(len(i)), (i, j)), shape=(n, n)).tocsr()
    W = W + W.T
    _, component = sparse.csgraph.connected_components(W)
    kept = np.flatnonzero(component == np.bincount(component).argmax())
    return sparse.csr_array(W[kept][:, kept]), z["y"].astype(int)[kept]


def draw_labels(truth, per_class, seed):
    """Choose labeled rows; a class of two or more keeps an unlabeled one."""
    rng = np.random.RandomState(seed)
    chosen = []
    for c in np.unique(truth):
        rows = np.flatnonzero(truth == c)
        count = min(per_class, max(1, len(rows) - 1))
        chosen.append(rng.choice(rows, count, replace=False))
    return np.concatenate(chosen)


def regression_sets():
    X, y = load_diabetes(return_X_y=True)
    yield "diabetes", X, y
    z = shared_data("coil20")
    angle = np.deg2rad(5.0 * (np.arange(len(z["X"])) % 72))
    X = z["X"].reshape(len(z["X"]), -1) / 255.0
    yield "coil20 pose", X, np.column_stack([np.cos(angle), np.sin(angle)])
    z = shared_data("wind_sphere_reference")
    latitude, longitude = np.meshgrid(
        np.deg2rad(z["latitude"]), np.deg2rad(z["longitude"]), indexing="ij"
    )
    X = np.stack(
        [
            np.cos(latitude) * np.cos(longitude),
            np.cos(latitude) * np.sin(longitude),
            np.sin(latitude),
        ],
        axis=-1,
    ).reshape(-1, 3)
    speed = np.hypot(z["u"], z["v"]).ravel().astype(float)
    # The poles stand in the grid once for every longitude.
    rows = np.flatnonzero(np.abs(X[:, 2]) < 1 - 1e-9)
    rows = np.sort(np.random.RandomState(0).choice(rows, 2000, replace=False))
    yield "wind speed", X[rows], speed[rows]


# --------------------------------------------------------------------------- methods


def scikit_learn(cls, W, y, **params):
    n = W.shape[0]
    model = cls(kernel=lambda *_: W, **params)
    return model.fit(np.arange(float(n))[:, None], y).transduction_


def graphlearning(name, W, y, **params):
    import graphlearning as gl

    rows = np.flatnonzero(y >= 0)
    # It numbers classes from 0 and may print.
    classes, codes = np.unique(y[rows], return_inverse=True)
    with contextlib.redirect_stdout(io.StringIO()):
        model = getattr(gl.ssl, name)(W, **params)
        return classes[model.fit_predict(rows, codes)]


def ours(W, y, **params):
    return LabelDiffusionClassifier("precomputed", **params).fit(W, y).transduction_


def ours_regularized(W, y, **params):
    model = LaplacianRegularizedClassifier("precomputed", **params)
    return model.fit(W, y).transduction_


def plain_methods(connected):
    """Methods that know labels and graph only."""
    yield "scikit-learn LabelSpreading", partial(scikit_learn, LabelSpreading)
    yield (
        "scikit-learn LabelSpreading, alpha=0.99",
        partial(scikit_learn, LabelSpreading, alpha=0.99, max_iter=1000),
    )
    yield (
        "scikit-learn LabelPropagation",
        partial(scikit_learn, LabelPropagation, max_iter=3000),
    )
    yield "graphlearning laplace", partial(graphlearning, "laplace")
    yield (
        "graphlearning laplace, mean shift",
        partial(graphlearning, "laplace", mean_shift=True),
    )
    for name in ("poisson", "wnll"):
        yield (
            f"graphlearning laplace, {name} reweighting",
            partial(graphlearning, "laplace", reweighting=name),
        )
    yield "graphlearning randomwalk", partial(graphlearning, "randomwalk")
    # Does not end where the graph is disconnected: its system has no solution then.
    if connected:
        yield "graphlearning poisson", partial(graphlearning, "poisson")
    for name in DIFFUSIONS:
        yield f"ours {name}", partial(ours, method=name)
    yield (
        "ours poisson, balance=False",
        partial(ours, method="poisson", balance=False),
    )
    yield (
        "ours local_global, graph_alpha=1",
        partial(ours, method="local_global", graph_alpha=1.0),
    )
    yield (
        "ours harmonic, centered",
        partial(ours, method="harmonic", class_priors="centered"),
    )
    yield "ours LaplacianRegularizedClassifier", ours_regularized


DIFFUSIONS = (
    "harmonic",
    "local_global",
    "weighted",
    "nonlocal",
    "poisson",
    "poisson_mbo",
    "self_training",
)


def methods_with_sizes(connected, sizes, quick):
    """Methods that are told the true class sizes."""
    if connected:
        yield (
            "graphlearning poisson",
            partial(graphlearning, "poisson", class_priors=sizes),
        )
        if not quick:
            yield (
                "graphlearning poisson_mbo",
                partial(graphlearning, "poisson_mbo", class_priors=sizes),
            )
    if not quick:
        yield (
            "graphlearning volume_mbo",
            partial(graphlearning, "volume_mbo", class_priors=sizes),
        )
    for name in DIFFUSIONS:
        yield f"ours {name}", partial(ours, method=name, class_priors=sizes)
    yield (
        "ours poisson, balance=False",
        partial(ours, method="poisson", balance=False, class_priors=sizes),
    )
    yield (
        "ours LaplacianRegularizedClassifier",
        partial(ours_regularized, class_priors=sizes),
    )


# ---------------------------------------------------------------------------- tables


class Report:
    """Collects Markdown and prints it as it comes."""

    def __init__(self, path):
        self.path = path
        self.lines = []

    def write(self, text=""):
        print(text, flush=True)
        self.lines.append(text)
        if self.path:
            with open(self.path, "w") as file:
                file.write("\n".join(self.lines) + "\n")

    def table(self, header, rows):
        self.write("| " + " | ".join(header) + " |")
        self.write("|" + "---|" * len(header))
        for row in rows:
            self.write("| " + " | ".join(row) + " |")
        self.write()


def mean_and_error(values):
    values = np.asarray(values)
    if values.size < 2:
        return f"{values.mean():.3f}"
    return f"{values.mean():.3f} ± {values.std(ddof=1) / values.size**0.5:.3f}"


def affinity(X, graph):
    if isinstance(graph, str):
        return sparse.csr_matrix(X)
    return sparse.csr_matrix(clone(graph).fit(X).affinity_)


def compare(report, title, methods, W, truth, n_draws, rates):
    rows, means = [], defaultdict(dict)
    for name, method in methods:
        cells, seconds, fits = [], 0.0, 0
        for rate in rates:
            scores = []
            for seed in range(n_draws):
                labeled = draw_labels(truth, rate, seed)
                y = np.full(truth.shape, -1)
                y[labeled] = truth[labeled]
                start = time.perf_counter()
                answer = method(W, y)
                seconds += time.perf_counter() - start
                fits += 1
                scores.append(np.mean((answer == truth)[y < 0]))
            cells.append(mean_and_error(scores))
            means[rate][name] = np.mean(scores)
        rows.append([name, *cells, f"{seconds / fits:.2f}"])
    report.write(f"### {title}")
    report.write()
    report.table(["method", *(f"{r} a class" for r in rates), "seconds"], rows)
    for rate in rates:
        best_ours = max((v, k) for k, v in means[rate].items() if k.startswith("ours"))
        peers = [(v, k) for k, v in means[rate].items() if not k.startswith("ours")]
        if not peers:
            continue
        verdict = "ahead of" if best_ours[0] >= max(peers)[0] else "BEHIND"
        report.write(
            f"- {rate} a class: {best_ours[1]} {best_ours[0]:.4f} {verdict} "
            f"{max(peers)[1]} {max(peers)[0]:.4f}"
        )
    report.write()


def classification(report, only, n_draws, quick):
    rates = LABELS_PER_CLASS[:2] if quick else LABELS_PER_CLASS
    for name, X, truth, graph in classification_sets():
        if only and name not in only:
            continue
        W = affinity(X, graph)
        n_components, _ = sparse.csgraph.connected_components(W)
        sizes = np.bincount(truth) / truth.size
        about = f"{name} ({truth.size} rows, {len(sizes)} classes"
        about += f", {n_components} components)" if n_components > 1 else ")"
        connected = n_components == 1
        compare(report, about, plain_methods(connected), W, truth, n_draws, rates)
        compare(
            report,
            f"{about}, told the true class sizes",
            methods_with_sizes(connected, sizes, quick),
            W,
            truth,
            min(n_draws, 5),
            rates,
        )


def held_out(report, only, n_draws, quick):
    """Transduced rows against a fifth of the rows that fit never saw."""
    rates = LABELS_PER_CLASS[:2] if quick else LABELS_PER_CLASS
    rows = []
    for name, X, truth, graph in classification_sets():
        if only and name not in only:
            continue
        # A class of one row cannot be both learned and held out.
        kept = np.flatnonzero(np.bincount(truth)[truth] > 4)
        precomputed = isinstance(graph, str)
        models = {
            f"{method}": LabelDiffusionClassifier(graph, method=method)
            for method in ("poisson", "self_training")
        }
        models["LaplacianRegularizedClassifier"] = LaplacianRegularizedClassifier(graph)
        for label, model in models.items():
            cells = []
            for rate in rates:
                old, new = [], []
                for seed in range(n_draws):
                    shuffled = np.random.RandomState(100 + seed).permutation(kept)
                    train, test = np.split(shuffled, [int(0.8 * len(shuffled))])
                    labeled = draw_labels(truth[train], rate, seed)
                    y = np.full(train.size, -1)
                    y[labeled] = truth[train][labeled]
                    X_train, X_test = X[train], X[test]
                    if precomputed:
                        X_train, X_test = X_train[:, train], X_test[:, train]
                    fitted = clone(model).fit(X_train, y)
                    right = fitted.transduction_ == truth[train]
                    old.append(np.mean(right[y < 0]))
                    new.append(np.mean(fitted.predict(X_test) == truth[test]))
                cells.append(f"{np.mean(old):.3f} / {np.mean(new):.3f}")
            rows.append([name, label, *cells])
    report.write("### Rows transduced / rows held out")
    report.write()
    report.table(["data", "method", *(f"{r} a class" for r in rates)], rows)


# ------------------------------------------------------------------------ regression


def tuned_peers(n_labeled, n_features):
    folds = KFold(min(5, n_labeled), shuffle=True, random_state=0)
    scale = 1.0 / n_features
    neighbors = [k for k in (1, 3, 5, 10, 20) if k <= n_labeled * 3 // 5]
    yield (
        "KernelRidge",
        GridSearchCV(
            make_pipeline(StandardScaler(), KernelRidge(kernel="rbf")),
            {
                "kernelridge__alpha": np.logspace(-4, 1, 6),
                "kernelridge__gamma": scale * np.logspace(-2, 1, 7),
            },
            cv=folds,
            scoring="neg_mean_squared_error",
        ),
    )
    yield (
        "KNeighborsRegressor",
        GridSearchCV(
            make_pipeline(StandardScaler(), KNeighborsRegressor()),
            {
                "kneighborsregressor__n_neighbors": neighbors,
                "kneighborsregressor__weights": ["uniform", "distance"],
            },
            cv=folds,
            scoring="neg_mean_squared_error",
        ),
    )
    kernel = ConstantKernel() * RBF(n_features**0.5, (1e-1, 1e3)) + WhiteKernel()
    yield (
        "GaussianProcessRegressor",
        make_pipeline(
            StandardScaler(), GaussianProcessRegressor(kernel, normalize_y=True)
        ),
    )


def our_regressors(n_labeled, n_features):
    for method in ("harmonic", "weighted", "nonlocal", "poisson"):
        yield f"ours {method}", LabelDiffusionRegressor(method=method)
    yield "ours LaplacianRegularizedRegressor", LaplacianRegularizedRegressor()
    # Tuned by the same folds as the peers.
    folds = KFold(min(5, n_labeled), shuffle=True, random_state=0)
    on_graph = {
        "alpha": np.logspace(-6, 0, 7),
        "graph_alpha": np.logspace(-3, 1, 5),
    }
    with_kernel = {
        "kernel": ["rbf"],
        "gamma": [1 / n_features, 3 / n_features],
        "alpha": [1e-5],
        "graph_alpha": [0.01, 0.1, 1.0],
        "power": [1, 2],
    }
    yield (
        "ours LaplacianRegularizedRegressor, tuned on the graph alone",
        TransductiveSearchCV(
            LaplacianRegularizedRegressor(),
            on_graph,
            cv=folds,
            scoring="neg_mean_squared_error",
        ),
    )
    name = "laplacianregularizedregressor__"
    yield (
        "ours LaplacianRegularizedRegressor, tuned with and without a kernel",
        TransductiveSearchCV(
            make_pipeline(StandardScaler(), LaplacianRegularizedRegressor()),
            [
                {name + key: values for key, values in grid.items()}
                for grid in (on_graph, with_kernel)
            ],
            cv=folds,
            scoring="neg_mean_squared_error",
        ),
    )


def regression(report, only, n_draws, quick):
    shares = LABELED_SHARES[1:2] if quick else LABELED_SHARES
    for name, X, y in regression_sets():
        if only and name not in only:
            continue
        results = defaultdict(lambda: defaultdict(list))
        for share in shares:
            for seed in range(n_draws):
                rng = np.random.RandomState(seed)
                train, test = np.split(rng.permutation(len(y)), [int(0.8 * len(y))])
                n_labeled = max(5, round(share * len(train)))
                labeled, rest = train[:n_labeled], train[n_labeled:]
                partial_y = np.full_like(y[train], np.nan)
                partial_y[:n_labeled] = y[labeled]
                for label, model in tuned_peers(n_labeled, X.shape[1]):
                    model.fit(X[labeled], y[labeled])
                    results[label][share].append(
                        (
                            r2_score(y[rest], model.predict(X[rest])),
                            r2_score(y[test], model.predict(X[test])),
                        )
                    )
                for label, model in our_regressors(n_labeled, X.shape[1]):
                    model.fit(X[train], partial_y)
                    results[label][share].append(
                        (
                            r2_score(y[rest], transduced(model)[n_labeled:]),
                            r2_score(y[test], model.predict(X[test])),
                        )
                    )
        report.write(f"### {name} ({len(y)} rows): R² transduced / held out")
        report.write()
        rows = []
        for label, by_share in results.items():
            cells = []
            for share in shares:
                old, new = np.array(by_share[share]).T
                cells.append(f"{mean_and_error(old)} / {new.mean():.3f}")
            rows.append([label, *cells])
        report.table(["method", *(f"{s:.0%} labeled" for s in shares)], rows)


def transduced(model):
    model = getattr(model, "best_estimator_", model)
    return (model[-1] if isinstance(model, Pipeline) else model).transduction_


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer draws and rates")
    parser.add_argument("--draws", type=int, default=None)
    parser.add_argument("--only", default="", help="data sets, by commas")
    parser.add_argument(
        "--parts", default="classification,held_out,regression", help="by commas"
    )
    parser.add_argument("--out", default=None, help="Markdown file to write")
    args = parser.parse_args()
    # graphlearning writes into the current folder.
    out = os.path.abspath(args.out) if args.out else None
    n_draws = args.draws or (2 if args.quick else 10)
    only = [name for name in args.only.split(",") if name]
    report = Report(out)
    # Peers that stop early, tiny folds and unreached rows are expected here.
    for category in (ConvergenceWarning, UserWarning, RuntimeWarning):
        warnings.simplefilter("ignore", category)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for part in args.parts.split(","):
            run = {
                "classification": classification,
                "held_out": held_out,
                "regression": regression,
            }[part]
            run(report, only, n_draws, args.quick)


if __name__ == "__main__":
    main()
