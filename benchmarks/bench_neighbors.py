"""Neighbor search against scikit-learn, scipy, pynndescent and faiss.

Each row gives a search's median time, ours over it, and its recall on a sample of
rows. hnswlib, which has no wheel for this Python, is left out; faiss's HNSW stands
for it. Fresh processes pay imports, compilation and the search.

    python benchmarks/bench_neighbors.py [--quick] [--only NAME] [--k 10 15]
"""

import argparse

import faiss
import numpy as np
from _timing import fresh_process_seconds, paired_seconds, print_table, shared_data
from scipy.spatial import cKDTree
from sklearn.datasets import make_swiss_roll
from sklearn.neighbors import NearestNeighbors

from sklearn_manifold_reg.graph._neighbors import nearest_neighbors, query_neighbors

N_SAMPLE = 500


def swiss_roll(n=200_000):
    return make_swiss_roll(n, random_state=0)[0]


def mixture(n=50_000, d=64, n_blobs=100):
    """Round clouds of points around random centers."""
    rng = np.random.default_rng(0)
    centers = 3 * rng.normal(size=(n_blobs, d))
    X = centers[rng.integers(n_blobs, size=n)] + rng.normal(size=(n, d))
    return X.astype(np.float32)


def usps():
    return shared_data("usps")["X"].astype(np.float32)


def images(n=70_000, d=784, n_clusters=120, rank=12, noise=0.02, decay=1.5):
    """Clusters of dimension `rank`; variances decay as those of image pixels do.

    The clusters' planes differ, so all of them together fill the space.
    """
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.normal(size=(d, d)))[0].astype(np.float32)
    scales = np.arange(1, d + 1, dtype=np.float32) ** (-decay / 2)
    labels = rng.integers(n_clusters, size=n)
    X = np.empty((n, d), np.float32)
    for cluster in range(n_clusters):
        rows = np.flatnonzero(labels == cluster)
        plane = rng.normal(size=(rank, d)).astype(np.float32) * scales / rank**0.5
        center = rng.normal(size=d).astype(np.float32) * scales
        Z = rng.normal(size=(len(rows), rank)).astype(np.float32)
        X[rows] = (center + Z @ plane) @ basis.T
    X += noise / d**0.5 * rng.standard_normal(size=X.shape, dtype=np.float32)
    return X


DATA = {"swiss_roll": swiss_roll, "mixture": mixture, "usps": usps, "images": images}


def ours(algorithm="auto"):
    return lambda X, k: (
        nearest_neighbors(X, k, algorithm=algorithm, random_state=0).indices
    )


def scikit_learn(algorithm):
    def search(X, k):
        finder = NearestNeighbors(algorithm=algorithm, n_jobs=-1).fit(X)
        return finder.kneighbors(n_neighbors=k, return_distance=False)

    return search


def scipy_tree(X, k):
    return cKDTree(X).query(X, k + 1, workers=-1)[1][:, 1:]


def pynndescent(**options):
    def search(X, k):
        from pynndescent import NNDescent

        index = NNDescent(X, n_neighbors=k + 1, random_state=0, n_jobs=-1, **options)
        return index.neighbor_graph[0]

    return search


def faiss_flat(X, k):
    index = faiss.IndexFlatL2(X.shape[1])
    index.add(X)
    return index.search(X, k + 1)[1]


def faiss_hnsw(ef_search):
    def search(X, k):
        index = faiss.IndexHNSWFlat(X.shape[1], 16)
        index.hnsw.efConstruction = 40
        index.hnsw.efSearch = ef_search
        index.add(X)
        return index.search(X, k + 1)[1]

    return search


def faiss_ivf(n_probe):
    def search(X, k):
        n_lists = int(4 * np.sqrt(len(X)))
        index = faiss.IndexIVFFlat(
            faiss.IndexFlatL2(X.shape[1]), X.shape[1], n_lists, faiss.METRIC_L2
        )
        index.cp.min_points_per_centroid = 1
        index.cp.max_points_per_centroid = 40
        index.train(X)
        index.add(X)
        index.nprobe = n_probe
        return index.search(X, k + 1)[1]

    return search


APPROXIMATE = {
    "pynndescent": pynndescent(),
    "pynndescent, 30 neighbors' worth of trees": pynndescent(n_trees=30),
    "faiss IVF, 4 probes": faiss_ivf(4),
    "faiss IVF, 8 probes": faiss_ivf(8),
    "faiss IVF, 16 probes": faiss_ivf(16),
    "faiss HNSW, ef 32": faiss_hnsw(32),
    "faiss HNSW, ef 128": faiss_hnsw(128),
}
EXACT = {"faiss flat": faiss_flat, "scikit-learn brute": scikit_learn("brute")}
PEERS = {
    "swiss_roll": {
        "scipy cKDTree": scipy_tree,
        "scikit-learn kd_tree": scikit_learn("kd_tree"),
    },
    "mixture": APPROXIMATE | {"faiss flat": faiss_flat},
    "usps": APPROXIMATE | EXACT,
    # Ten seconds and more each: those of the others that come out best.
    "images": {
        label: search
        for label, search in APPROXIMATE.items()
        if label not in ("faiss IVF, 4 probes", "faiss IVF, 16 probes")
    },
}


def recall(indices, rows, limits, X):
    """Share of sampled rows' neighbors, ties at the last one counting as found."""
    hits = []
    for row, limit in zip(rows, limits, strict=True):
        found = np.setdiff1d(indices[row], [row, -1])
        gaps = X[found].astype(float) - X[row].astype(float)
        hits.append((np.sqrt((gaps**2).sum(axis=1)) <= limit * (1 + 1e-6)).sum())
    return np.array(hits)


def compare(name, k, repeats, peers, algorithm="auto"):
    X = DATA[name]()
    rng = np.random.default_rng(1)
    rows = rng.choice(len(X), N_SAMPLE, replace=False)
    limits = query_neighbors(X, X[rows], k + 1, algorithm="brute").distances[:, -1]
    searches = {f"ours ({algorithm})": ours(algorithm)}
    if algorithm == "auto" and name == "usps":
        searches["ours (nn_descent)"] = ours("nn_descent")
    searches |= peers
    found, calls = {}, []
    for label, search in searches.items():

        def call(label=label, search=search):
            found[label] = search(X, k)

        calls.append(call)
    times = paired_seconds(calls, repeats)
    table = []
    for label, seconds in zip(searches, times, strict=True):
        quality = np.minimum(recall(found[label], rows, limits, X), k).mean() / k
        table.append((label, seconds, times[0] / seconds, float(quality)))
    print(f"{name} {X.shape} {X.dtype}, k={k}, warm, medians of {repeats}")
    print_table(["search", "seconds", "ours / it", "recall"], table)


FRESH = """
import sys; sys.path.insert(0, {folder!r})
import numpy as np
X = np.load({path!r})
{search}
"""
FRESH_OURS = """
from sklearn_manifold_reg.graph._neighbors import nearest_neighbors
nearest_neighbors(X, 10, random_state=0)
"""
FRESH_PYNNDESCENT = """
from pynndescent import NNDescent
NNDescent(X, n_neighbors=11, random_state=0, n_jobs=-1).neighbor_graph
"""


def compare_fresh(name, repeats, folder):
    path = f"{folder}/{name}.npy"
    np.save(path, DATA[name]())
    table = []
    for label, search in (("ours", FRESH_OURS), ("pynndescent", FRESH_PYNNDESCENT)):
        code = FRESH.format(folder=folder, path=path, search=search)
        table.append((label, fresh_process_seconds(code, repeats)))
    rows = [(label, t, table[0][1] / t) for label, t in table]
    print(f"{name}, k=10, fresh process, medians of {repeats}")
    print_table(["search", "seconds", "ours / it"], rows)


def main():
    import tempfile

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="usps and swiss roll only")
    parser.add_argument("--only", choices=list(DATA), nargs="*", default=list(DATA))
    parser.add_argument("--k", type=int, nargs="*", default=[10, 15])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--parts", nargs="*", default=["warm", "exact", "fresh"])
    options = parser.parse_args()
    names = ["swiss_roll", "usps"] if options.quick else options.only
    for name in names:
        if "warm" in options.parts:
            for k in options.k[:1] if options.quick else options.k:
                compare(name, k, options.repeats, PEERS[name])
        if "exact" in options.parts and name in ("mixture", "images"):
            repeats = 1 if name == "images" else options.repeats
            compare(name, 10, repeats, EXACT, "brute")
        if "fresh" in options.parts and not options.quick:
            with tempfile.TemporaryDirectory() as folder:
                compare_fresh(name, options.repeats, folder)


if __name__ == "__main__":
    main()
