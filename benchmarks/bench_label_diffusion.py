"""Seconds to spread labels over a graph, beside graphlearning, scikit-learn and scipy.

    python benchmarks/bench_label_diffusion.py [--quick] [--features-to-labels]

70,000 images of 28 x 28 pixels in 10 classes, 10 labels a class: the digits of usps,
each warped at random several times. All methods get the same graph, in float64;
quality is the relative residual of the equation that is solved, and the accuracy.
`--features-to-labels` also times fresh processes that start from the features
(scikit-learn's takes most of a minute).
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
from _timing import fresh_process_seconds, paired_seconds, print_table, shared_data
from scipy import ndimage, sparse
from scipy.sparse import linalg
from sklearn.semi_supervised import LabelPropagation

from sklearn_manifold_reg.graph import NeighborsGraph
from sklearn_manifold_reg.semi_supervised import (
    LabelDiffusionClassifier,
    LaplacianRegularizedClassifier,
)

# Run in fresh processes too.
DATA = """
import numpy as np
with np.load({path!r}) as saved:
    X, truth, y = (saved[name] for name in ("X", "truth", "y"))
"""
OURS = """
from sklearn_manifold_reg.semi_supervised import LabelDiffusionClassifier
model = LabelDiffusionClassifier().fit(X, y)
right = (model.transduction_ == truth)[y < 0]
print("- accuracy of ours:", right.mean().round(3))
"""
PEER = """
from sklearn.semi_supervised import LabelSpreading
model = LabelSpreading(kernel="knn", n_neighbors=10).fit(X, y)
right = (model.transduction_ == truth)[y < 0]
print("- accuracy of LabelSpreading:", right.mean().round(3))
"""


def warped_digits(n, seed=0):
    """Digits of usps, turned, sheared, scaled and shifted, on 28 x 28 pixels."""
    usps = shared_data("usps")
    images = usps["X"].astype(np.float32) / float(usps["scale"])
    images = images.reshape(len(images), 16, 16)
    rng = np.random.default_rng(seed)
    source = rng.permutation(np.resize(np.arange(len(images)), n))
    angles = rng.normal(scale=0.12, size=n)
    shears = rng.normal(scale=0.1, size=n)
    scales = 16 / 22 * np.exp(rng.normal(scale=0.06, size=n))
    shifts = rng.normal(scale=0.4, size=(n, 2))
    X = np.empty((n, 784), np.float32)
    for i in range(n):
        c, s = np.cos(angles[i]), np.sin(angles[i])
        A = scales[i] * np.array([[c, -s], [s, c]]) @ [[1, shears[i]], [0, 1]]
        offset = 7.5 + shifts[i] - A @ [13.5, 13.5]
        warped = ndimage.affine_transform(
            images[source[i]], A, offset, (28, 28), order=1, mode="nearest"
        )
        X[i] = warped.ravel()
    return X, usps["y"][source].astype(int)


def few_labels(truth, per_class=10, seed=0):
    rng = np.random.default_rng(seed)
    y = np.full(truth.shape, -1)
    for c in np.unique(truth):
        y[rng.choice(np.flatnonzero(truth == c), per_class, replace=False)] = c
    return y


def ours(W, y, method):
    return LabelDiffusionClassifier("precomputed", method=method).fit(W, y).scores_


def ours_regularized(W, y):
    return LaplacianRegularizedClassifier("precomputed").fit(W, y).scores_


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


def scipy_cg(W, y):
    """Harmonic scores, column by column, by Jacobi-preconditioned cg."""
    free = y < 0
    L = sparse.csr_array(sparse.diags_array(W.sum(axis=1).A1) - W)
    A, B = L[free][:, free], -L[free][:, ~free]
    Y = (y[~free, None] == np.arange(y.max() + 1)).astype(float)
    inverse = sparse.diags_array(1 / A.diagonal())
    U = np.empty((len(y), Y.shape[1]))
    U[~free] = Y
    for c, b in enumerate((B @ Y).T):
        U[free, c] = linalg.cg(A, b, rtol=1e-6, M=inverse, maxiter=10_000)[0]
    return U


def given_the_graph(X, truth, y, repeats):
    # The peers compute in float64 and expect a scipy matrix.
    W = NeighborsGraph().fit(X).affinity_
    W = sparse.csr_matrix(W.astype(np.float64))
    n_components = sparse.csgraph.connected_components(W)[0]
    print(f"{len(y)} rows, {W.nnz} entries, {n_components} components\n")

    runs = {
        ("harmonic", "ours"): partial(ours, W, y, "harmonic"),
        ("harmonic", "graphlearning laplace"): partial(graphlearning, "laplace", W, y),
        ("harmonic", "scipy cg and Jacobi"): partial(scipy_cg, W, y),
        ("harmonic", "scikit-learn LabelPropagation"): partial(label_propagation, W, y),
        ("poisson", "ours"): partial(ours, W, y, "poisson"),
        ("poisson", "graphlearning poisson"): partial(graphlearning, "poisson", W, y),
        ("local_global", "ours"): partial(ours, W, y, "local_global"),
        ("poisson_mbo", "ours"): partial(ours, W, y, "poisson_mbo"),
        ("self_training", "ours"): partial(ours, W, y, "self_training"),
        ("regularized", "ours"): partial(ours_regularized, W, y),
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
        U = runs[kind, who]()
        rows.append(
            [
                kind,
                who,
                seconds[kind, who],
                seconds[kind, "ours"] / seconds[kind, who],
                float(np.mean((U.argmax(1) == truth)[y < 0])),
                f"{residual(W, y, U, kind):.1e}"
                if kind in ("harmonic", "poisson")
                else "",
            ]
        )
    print_table(["equation", "who", "seconds", "ours/it", "accuracy", "residual"], rows)


def features_to_labels(X, truth, y, folder):
    path = f"{folder}/digits.npz"
    np.savez(path, X=X, truth=truth, y=y)
    data = DATA.format(path=path)
    loading = fresh_process_seconds(data)
    own = fresh_process_seconds(data + OURS, 3) - loading
    peer = fresh_process_seconds(data + PEER) - loading
    print()
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
    X, truth = warped_digits(5_000 if args.quick else 70_000)
    y = few_labels(truth)
    # graphlearning writes into the current folder.
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        given_the_graph(X, truth, y, repeats=1 if args.quick else 3)
        if args.features_to_labels:
            features_to_labels(X, truth, y, folder)


if __name__ == "__main__":
    main()
