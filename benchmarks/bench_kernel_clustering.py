"""Seconds to cluster by a kernel, beside NumPy, SciPy and scikit-learn.

    python benchmarks/bench_kernel_clustering.py [--quick] [--wide]

10 clusters of rows with 10 linear features, as a kernel matrix: n = 1000 and 5000 in
float64, with `--wide` also n = 20,000 in float32. Kernel k-means makes ten runs from
greedy k-means++ starts: `KernelKMeans` with both algorithms, Lloyd's iteration as one
would write it in NumPy (a product with indicator columns for each run and sweep), and
`KMeans` on the features, which knows more than the kernel tells. Quality is the sum of
squared distances to the centers over the least of the column; memory is what was
allocated beside the kernel, over the size of the kernel. `KernelWard` and its peers
build the same tree; the peers start from features. Ratios are seconds of the peer over
those of the first line.
"""

import argparse
import tracemalloc
from functools import partial

import numpy as np
from _timing import paired_seconds, print_table
from scipy.cluster.hierarchy import linkage
from sklearn.cluster import AgglomerativeClustering, KMeans, kmeans_plusplus
from sklearn.datasets import load_digits, make_blobs
from sklearn.metrics.pairwise import rbf_kernel

from sklearn_manifold_reg import warm_up
from sklearn_manifold_reg.cluster import KernelKMeans, KernelWard

K_CLUSTERS = 10
N_INIT = 10


def rows(n, dtype):
    X, _ = make_blobs(n, 10, centers=K_CLUSTERS, cluster_std=4.0, random_state=0)
    return (X - X.mean(axis=0)).astype(dtype)


def numpy_kernel_kmeans(K, k, starts, max_iter=100):
    """Run Lloyd's iteration from given labels; give the least objective."""
    diagonal = np.diagonal(K)
    n, best = len(K), np.inf
    for start in starts:
        labels = start
        for _ in range(max_iter):
            members = np.zeros((n, k), dtype=K.dtype)
            members[np.arange(n), labels] = 1
            members /= np.maximum(members.sum(axis=0), 1)
            S = K @ members
            D = (S * members).sum(axis=0) - 2 * S
            previous, labels = labels, D.argmin(axis=1)
            if np.array_equal(previous, labels):
                break
        objective = np.sum(diagonal + D[np.arange(n), labels], dtype=np.float64)
        best = min(best, float(objective))
    return best


def spread_starts(X, k, seed):
    """Draw labels of the nearest of k-means++ rows; not timed."""
    starts = []
    for run in range(N_INIT):
        centers, _ = kmeans_plusplus(X, k, random_state=seed + run)
        starts.append((np.sum(centers**2, axis=1) - 2 * X @ centers.T).argmin(axis=1))
    return starts


def peak_over_kernel(function, K):
    tracemalloc.start()
    function()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / K.nbytes


def kernel_kmeans(n, dtype, repeats):
    X = rows(n, dtype)
    K = X @ X.T
    starts = spread_starts(X, K_CLUSTERS, 0)
    common = {"n_init": N_INIT, "random_state": 0}
    ours = {
        "ours": KernelKMeans(K_CLUSTERS, **common),
        "ours, lloyd": KernelKMeans(K_CLUSTERS, algorithm="lloyd", **common),
        "ours, 1 thread": KernelKMeans(K_CLUSTERS, n_jobs=1, **common),
    }
    functions = {
        name: (lambda m=model: m.fit(K).inertia_) for name, model in ours.items()
    }
    # At n = 20,000 ten runs take minutes.
    numpy_starts = starts if n <= 5000 else starts[:1]
    functions[f"NumPy, {len(numpy_starts)} runs"] = lambda: numpy_kernel_kmeans(
        K, K_CLUSTERS, numpy_starts
    )
    peer = KMeans(K_CLUSTERS, **common)
    functions["scikit-learn KMeans, features"] = lambda: peer.fit(X).inertia_
    values = {}

    def keep(name, function):
        values[name] = function()

    seconds = paired_seconds(
        [partial(keep, name, function) for name, function in functions.items()],
        repeats,
        warmup=0,
    )
    least = min(values.values())
    table = [
        [
            name,
            time,
            time / seconds[0],
            f"{values[name] / least:.7f}",
            peak_over_kernel(functions[name], K) if name in ours else "",
        ]
        for name, time in zip(functions, seconds, strict=True)
    ]
    header = [f"k-means, n={n} {np.dtype(dtype)}", "seconds", "it/ours", "J/least"]
    print_table([*header, "memory/K"], table)


def quality(n_seeds):
    """Compare objectives of the two algorithms where clusters are not clear."""
    digits = load_digits().data
    digits = digits - digits.mean(axis=0)
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(1500, 50))
    symmetric = rng.normal(size=(800, 800))
    kernels = {
        "digits, linear, k=10": (digits @ digits.T, 10),
        "digits, rbf 0.001, k=30": (rbf_kernel(digits, gamma=1e-3), 30),
        "digits, rbf 0.01, k=10": (rbf_kernel(digits, gamma=1e-2), 10),
        "noise of 50 features, k=10": (noise @ noise.T, 10),
        "random symmetric, k=5": (symmetric + symmetric.T, 5),
    }
    table = []
    for name, (K, k) in kernels.items():
        row = [name]
        found = {}
        for algorithm in ("iterative", "lloyd"):
            model = KernelKMeans(k, algorithm=algorithm, n_init=N_INIT)
            found[algorithm] = [
                model.set_params(random_state=seed).fit(K).inertia_
                for seed in range(n_seeds)
            ]
        seconds = paired_seconds(
            [
                lambda a=a, k=k, K=K: KernelKMeans(
                    k, algorithm=a, n_init=N_INIT, random_state=0
                ).fit(K)
                for a in found
            ],
            n_seeds,
        )
        least = min(min(values) for values in found.values())
        for values, time in zip(found.values(), seconds, strict=True):
            excess = 100 * (np.mean(values) - least) / abs(least)
            row += [time, f"{excess:.3f} %"]
        table.append(row)
    header = ["mean excess of J, ten runs", "iterative s", "", "lloyd s", ""]
    print_table(header, table)


def kernel_ward(n, dtype, repeats):
    X = rows(n, np.float64)
    K = (X @ X.T).astype(dtype)
    ours, features = KernelWard(2), KernelWard(2, kernel="linear")
    peer = AgglomerativeClustering(2, compute_full_tree=True, compute_distances=True)
    functions = {
        "ours": lambda: ours.fit(K).children_,
        "ours, features": lambda: features.fit(X.astype(dtype)).children_,
        "SciPy linkage": lambda: linkage(X, "ward")[:, :2],
        "scikit-learn": lambda: peer.fit(X).children_,
    }
    seconds = paired_seconds(list(functions.values()), repeats)
    reference = functions["SciPy linkage"]()
    table = [
        [
            name,
            time,
            time / seconds[0],
            f"{100 * np.mean(np.all(function() == reference, axis=1)):.2f} %",
            peak_over_kernel(function, K),
        ]
        for (name, function), time in zip(functions.items(), seconds, strict=True)
    ]
    header = [f"Ward, n={n} {np.dtype(dtype)}", "seconds", "it/ours", "equal mergers"]
    print_table([*header, "memory/K"], table)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="n = 1000 only")
    parser.add_argument("--wide", action="store_true", help="n = 20,000 too")
    args = parser.parse_args()
    warm_up()
    sizes = [1000] if args.quick else [1000, 5000]
    for n in sizes:
        kernel_kmeans(n, np.float64, 5)
    if args.wide:
        kernel_kmeans(20_000, np.float32, 1)
    quality(3 if args.quick else 5)
    for n in sizes:
        kernel_ward(n, np.float64, 5)
    if not args.quick:
        kernel_ward(5000, np.float32, 5)


if __name__ == "__main__":
    main()
