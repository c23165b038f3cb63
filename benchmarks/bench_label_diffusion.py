"""Seconds to spread labels over a graph, beside graphlearning and scikit-learn.

    python benchmarks/bench_label_diffusion.py [--quick] [--features-to-labels]

70,000 clustered rows of low rank in 784 dimensions, 10 classes, 10 labels a class.
All methods get the same graph; quality is the relative residual of the equation that
is solved, and the accuracy. `--features-to-labels` also times fresh processes that
start from the features (scikit-learn's takes more than a minute).
"""

import argparse
import contextlib
import io
import os
import tempfile
import warnings
from functools import partial

os.environ.setdefault("MPLBACKEND", "Agg")

import numpy as np
from _timing import fresh_process_seconds, paired_seconds, print_table
from scipy import sparse
from sklearn.frozen import FrozenEstimator
from sklearn.semi_supervised import LabelPropagation

from sklearn_manifold_reg.graph import NeighborsGraph
from sklearn_manifold_reg.semi_supervised import LabelDiffusionClassifier

DATA = """
import numpy as np

def clustered_rows(n, d=784, n_classes=10, clusters=4, rank=12, seed=0):
    rng = np.random.default_rng(seed)
    group = rng.integers(0, n_classes * clusters, n)
    X = np.empty((n, d), dtype=np.float32)
    centers = rng.normal(size=(n_classes, 1, d)) + 0.45 * rng.normal(
        size=(n_classes, clusters, d)
    )
    for g in range(n_classes * clusters):
        rows = np.flatnonzero(group == g)
        factors = rng.normal(size=(rank, d)) / rank**0.5
        X[rows] = centers[g // clusters, g % clusters] + rng.normal(
            size=(len(rows), rank)
        ) @ factors + 0.05 * rng.normal(size=(len(rows), d))
    return X, group // clusters

def few_labels(truth, per_class=10, seed=0):
    rng = np.random.default_rng(seed)
    y = np.full(truth.shape, -1)
    for c in np.unique(truth):
        y[rng.choice(np.flatnonzero(truth == c), per_class, replace=False)] = c
    return y
"""
exec(DATA)  # the same text runs in fresh processes

OURS = """
from sklearn_manifold_reg.semi_supervised import LabelDiffusionClassifier
X, truth = clustered_rows({n})
y = few_labels(truth)
print(np.mean((LabelDiffusionClassifier().fit(X, y).transduction_ == truth)[y < 0]))
"""
PEER = """
from sklearn.semi_supervised import LabelSpreading
X, truth = clustered_rows({n})
y = few_labels(truth)
model = LabelSpreading(kernel="knn", n_neighbors=10).fit(X, y)
print(np.mean((model.transduction_ == truth)[y < 0]))
"""
ONLY_DATA = "X, truth = clustered_rows({n})"


def ours(graph, X, y, method):
    model = LabelDiffusionClassifier(FrozenEstimator(graph), method=method)
    return model.fit(X, y).scores_


def graphlearning(name, W, y):
    import graphlearning as gl

    rows = np.flatnonzero(y >= 0)
    with contextlib.redirect_stdout(io.StringIO()):
        model = getattr(gl.ssl, name)(W)
        model.fit(rows, y[rows])
    return model.prob


def label_propagation(W, y):
    model = LabelPropagation(kernel=lambda *_: W, max_iter=1000)
    return model.fit(np.zeros((len(y), 1)), y).label_distributions_


def residual(W, y, U, kind):
    """Largest relative residual of a column, in float64."""
    W = W.astype(np.float64)
    U = np.asarray(U, dtype=np.float64)
    d = np.asarray(W.sum(axis=1)).ravel()
    LU = d[:, None] * U - W @ U
    Y = (y[:, None] == np.arange(U.shape[1])).astype(float)
    if kind == "harmonic":
        free = y < 0
        norms = np.linalg.norm(LU[free], axis=0)
        return (norms / np.linalg.norm((W @ Y)[free], axis=0)).max()
    B = np.where(y[:, None] >= 0, Y - Y[y >= 0].mean(axis=0), 0)
    return (np.linalg.norm(LU - B, axis=0) / np.linalg.norm(B, axis=0)).max()


def given_the_graph(n, repeats):
    X, truth = clustered_rows(n)  # noqa: F821
    y = few_labels(truth)  # noqa: F821
    graph = NeighborsGraph().fit(X)
    W = graph.affinity_
    # The peers compute in float64 and expect a scipy matrix.
    W64 = sparse.csr_matrix(W.astype(np.float64))
    n_components = sparse.csgraph.connected_components(W64)[0]
    print(f"{n} rows, {W.nnz} entries, {n_components} components\n")

    runs = {
        ("harmonic", "ours"): partial(ours, graph, X, y, "harmonic"),
        ("harmonic", "graphlearning laplace"): partial(
            graphlearning, "laplace", W64, y
        ),
        ("harmonic", "scikit-learn LabelPropagation"): partial(
            label_propagation, W64, y
        ),
        ("poisson", "ours"): partial(ours, graph, X, y, "poisson"),
        ("poisson", "graphlearning poisson"): partial(graphlearning, "poisson", W64, y),
        ("local_global", "ours"): partial(ours, graph, X, y, "local_global"),
        ("poisson_mbo", "ours"): partial(ours, graph, X, y, "poisson_mbo"),
        ("self_training", "ours"): partial(ours, graph, X, y, "self_training"),
    }
    if n_components > 1:
        # Its system has no solution there, and it does not stop.
        del runs["poisson", "graphlearning poisson"]
    slow = ("harmonic", "scikit-learn LabelPropagation")
    fast = [key for key in runs if key != slow]
    seconds = dict(
        zip(fast, paired_seconds([runs[key] for key in fast], repeats), strict=True)
    )
    seconds[slow] = paired_seconds([runs[slow]], 1, 0)[0]
    rows = []
    for kind, who in runs:
        U = runs[kind, who]() if (kind, who) != slow else None
        own = seconds[kind, "ours"]
        rows.append(
            [
                kind,
                who,
                seconds[kind, who],
                own / seconds[kind, who],
                "" if U is None else float(np.mean((U.argmax(1) == truth)[y < 0])),
                residual(W64, y, U, kind)
                if U is not None and kind in ("harmonic", "poisson")
                else "",
            ]
        )
    print_table(["equation", "who", "seconds", "ours/it", "accuracy", "residual"], rows)


def features_to_labels(n):
    data = fresh_process_seconds(DATA + ONLY_DATA.format(n=n))
    own = fresh_process_seconds(DATA + OURS.format(n=n)) - data
    peer = fresh_process_seconds(DATA + PEER.format(n=n)) - data
    print_table(
        ["features to labels, fresh process", "seconds", "ours/it"],
        [
            ["ours", own, 1.0],
            ["scikit-learn LabelSpreading(kernel='knn')", peer, own / peer],
        ],
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="5,000 rows, one repeat")
    parser.add_argument("--features-to-labels", action="store_true")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    n = 5_000 if args.quick else 70_000
    # graphlearning writes into the current folder.
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        given_the_graph(n, repeats=1 if args.quick else 3)
        if args.features_to_labels:
            features_to_labels(n)


if __name__ == "__main__":
    main()
