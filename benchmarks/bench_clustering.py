"""Seconds to cluster a graph, beside scikit-learn, scikit-network and graphlearning.

    python benchmarks/bench_clustering.py [--quick] [--features] [--landmarks]
        [--limit SECONDS]

70,000 images in 10 classes, see `bench_label_diffusion.py`. All methods get the same
graph, in float64, and give 10 clusters; quality is the agreement with the classes
(adjusted Rand index, normalized mutual information) and the normalized cut. Peers run
in processes of their own, ended after the limit; only the call that clusters is timed,
and compiled code is loaded before. `--features` adds the whole way from features to
labels in a fresh process, imports included; `--landmarks` clusters 1,000,000 rows of
three features.
"""

import argparse
import multiprocessing
import os
import queue
import tempfile
import time
import warnings
from contextlib import chdir, redirect_stdout
from functools import partial
from io import StringIO
from statistics import median

os.environ.setdefault("MPLBACKEND", "Agg")

import numpy as np
from _timing import fresh_process_seconds, print_table
from bench_label_diffusion import warped_digits
from scipy import sparse
from sklearn.cluster import KMeans
from sklearn.cluster import SpectralClustering as ScikitLearnSpectral
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from sklearn_manifold_reg import warm_up
from sklearn_manifold_reg.cluster import SpectralClustering
from sklearn_manifold_reg.graph import NeighborsGraph, normalized_cut


def ours(W, k, seed, **params):
    model = SpectralClustering(k, "precomputed", random_state=seed, **params)
    return model.fit(W).labels_


def scikit_learn(W, k, seed, **params):
    model = ScikitLearnSpectral(k, affinity="precomputed", random_state=seed, **params)
    return model.fit(W).labels_


def scikit_network(W, k, seed):
    from sknetwork.embedding import Spectral

    Z = Spectral(k).fit_transform(W)
    return KMeans(k, n_init=10, random_state=seed).fit_predict(Z)


def graphlearning(W, k, seed):
    import graphlearning as gl

    # It draws from NumPy's global state.
    np.random.seed(seed)  # noqa: NPY002
    with redirect_stdout(StringIO()):
        return gl.clustering.spectral(W, k, method="NgJordanWeiss").fit_predict()


METHODS = {
    "ours": ours,
    "ours, discretize": partial(ours, assign_labels="discretize"),
    "ours, cluster_qr": partial(ours, assign_labels="cluster_qr"),
    "ours, refine": partial(ours, refine=True),
    "ours, shi_malik": partial(ours, embedding="shi_malik"),
    "scikit-learn arpack": partial(scikit_learn, eigen_solver="arpack"),
    "scikit-learn lobpcg": partial(scikit_learn, eigen_solver="lobpcg"),
    "scikit-learn amg": partial(scikit_learn, eigen_solver="amg"),
    "scikit-network and KMeans": scikit_network,
    "graphlearning": graphlearning,
}


def measure(name, W, k, repeats):
    """Median seconds, and the labels of the last repeat."""
    warnings.simplefilter("ignore")
    times = []
    # graphlearning writes into the current folder.
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        for seed in range(repeats):
            start = time.perf_counter()
            try:
                labels = METHODS[name](W, k, seed)
            except ImportError as error:
                return str(error)
            times.append(time.perf_counter() - start)
    return median(times), labels


def work(results, *args):
    results.put(measure(*args))


def run(name, W, k, repeats, limit):
    """Time one method, a peer in a process of its own."""
    if name.startswith("ours"):
        return measure(name, W, k, repeats)
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    args = (results, name, W, k, repeats)
    process = context.Process(target=work, args=args)
    process.start()
    try:
        return results.get(timeout=limit)
    except queue.Empty:
        return f"not done in {limit:g} s"
    finally:
        process.terminate()
        process.join()


def same_graph(X, truth, repeats, limit):
    k = len(np.unique(truth))
    W = NeighborsGraph().fit(X).affinity_
    W = sparse.csr_matrix(W.astype(np.float64))
    print(f"{W.shape[0]} rows, {W.nnz} entries, {k} clusters\n")
    found = {name: run(name, W, k, repeats, limit) for name in METHODS}
    rows = []
    for name, result in found.items():
        if isinstance(result, str):
            rows.append([name, result, "", "", "", ""])
            continue
        seconds, labels = result
        rows.append(
            [
                name,
                seconds,
                found["ours"][0] / seconds,
                adjusted_rand_score(truth, labels),
                normalized_mutual_info_score(truth, labels),
                normalized_cut(W, labels),
            ]
        )
    print_table(["who", "seconds", "ours/it", "ARI", "NMI", "normalized cut"], rows)


def from_features(X, truth):
    code = """
import numpy as np
from sklearn_manifold_reg.cluster import SpectralClustering
X = np.load({path!r})
labels = SpectralClustering(10, random_state=0).fit(X).labels_
np.save({out!r}, labels)
"""
    with tempfile.TemporaryDirectory() as folder:
        path, out = f"{folder}/X.npy", f"{folder}/labels.npy"
        np.save(path, X)
        seconds = fresh_process_seconds(code.format(path=path, out=out), 3)
        agreement = normalized_mutual_info_score(truth, np.load(out))
    header = ["features to labels, fresh process", "seconds", "NMI"]
    print()
    print_table(header, [["ours", seconds, agreement]])


def many_rows(n):
    rng = np.random.default_rng(0)
    centers = 4 * rng.normal(size=(10, 3))
    truth = rng.integers(10, size=n)
    X = centers[truth] + rng.normal(size=(n, 3))
    rows = []
    for name, model in (
        ("ours, 1000 landmarks", SpectralClustering(10, method="landmark")),
        ("scikit-learn KMeans", KMeans(10, n_init=10)),
    ):
        model.set_params(random_state=0)
        start = time.perf_counter()
        labels = model.fit(X).labels_
        seconds = time.perf_counter() - start
        rows.append([name, seconds, adjusted_rand_score(truth, labels)])
    print_table([f"{n} rows of 3 features", "seconds", "ARI"], rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="5,000 rows, one repeat")
    parser.add_argument("--features", action="store_true", help="from features too")
    parser.add_argument("--landmarks", action="store_true", help="1,000,000 rows too")
    parser.add_argument("--limit", type=float, default=120, help="seconds for a peer")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    warm_up()
    X, truth = warped_digits(5_000 if args.quick else 70_000)
    same_graph(X, truth, 1 if args.quick else 3, args.limit)
    if args.features:
        from_features(X, truth)
    if args.landmarks:
        many_rows(1_000_000)


if __name__ == "__main__":
    main()
