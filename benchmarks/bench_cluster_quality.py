"""Spectral clustering of real data: agreement with the classes, and new rows.

Every method gets the same graph, `NeighborsGraph(symmetrize="max")` of features or the
given network, and the true number of clusters; means over five seeds of the adjusted
Rand index, the normalized mutual information and the normalized cut. Networks in pieces
are cut down to the largest.

The second table fits on a random half of the rows and predicts the other half; the
agreement is the adjusted Rand index between these labels and those that a fit of all
rows gives to the same half, and between both and the classes.
"""

import argparse
import warnings

import numpy as np
from _timing import print_table, shared_data
from bench_clustering import METHODS
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from sklearn_manifold_reg.cluster import SpectralClustering
from sklearn_manifold_reg.graph import (
    Graph,
    NeighborsGraph,
    connected_components,
    normalized_cut,
)

FEATURES = ("digits", "usps", "coil20")
NETWORKS = ("cora", "polbooks", "football")
NAMES = (
    "ours",
    "ours, discretize",
    "ours, cluster_qr",
    "ours, refine",
    "ours, shi_malik",
    "scikit-learn arpack",
    "scikit-network and KMeans",
)


def features(name):
    if name == "digits":
        return load_digits(return_X_y=True)
    data = shared_data(name)
    X = data["X"].reshape(len(data["X"]), -1).astype(np.float64)
    return X / (float(data["scale"]) if name == "usps" else 255), data["y"]


def graph_of(name):
    if name in FEATURES:
        X, y = features(name)
        W = NeighborsGraph(symmetrize="max").fit(X).affinity_
    else:
        data = shared_data(name)
        y = data["y"]
        W = Graph.from_edges(data["edges"], n_nodes=int(data["n_nodes"])).affinity
    W = sparse.csr_matrix(W).astype(np.float64)
    n_pieces, labels = connected_components(sparse.csr_array(W))
    if name in NETWORKS and n_pieces > 1:
        rows = np.flatnonzero(labels == np.argmax(np.bincount(labels)))
        W, y = W[rows][:, rows], y[rows]
    return W, y


def scores(method, W, y, n_seeds):
    k = len(np.unique(y))
    found = []
    for seed in range(n_seeds):
        labels = METHODS[method](W, k, seed)
        found.append(
            (
                adjusted_rand_score(y, labels),
                normalized_mutual_info_score(y, labels),
                normalized_cut(W, labels),
            )
        )
    return np.mean(found, axis=0)


def same_graph(n_seeds):
    for name in FEATURES + NETWORKS:
        W, y = graph_of(name)
        print(f"\n### {name} ({W.shape[0]} nodes, {len(np.unique(y))} classes)\n")
        rows = []
        for method in NAMES:
            try:
                rows.append([method, *map(float, scores(method, W, y, n_seeds))])
            except ImportError as error:
                rows.append([method, str(error), "", ""])
        print_table(["method", "ARI", "NMI", "normalized cut"], rows)


def held_out(n_seeds):
    rows = []
    for name in FEATURES:
        X, y = features(name)
        k = len(np.unique(y))
        graph = NeighborsGraph(symmetrize="max")
        found = []
        for seed in range(n_seeds):
            order = np.random.default_rng(seed).permutation(len(X))
            seen, hidden = order[: len(X) // 2], order[len(X) // 2 :]
            model = SpectralClustering(k, graph, random_state=seed)
            joint = model.fit(X).labels_[hidden]
            new = model.fit(X[seen]).predict(X[hidden])
            found.append(
                (
                    adjusted_rand_score(joint, new),
                    adjusted_rand_score(y[hidden], new),
                    adjusted_rand_score(y[hidden], joint),
                )
            )
        rows.append([name, *map(float, np.mean(found, axis=0))])
    print()
    header = ["held-out half", "with a fit of all", "new, classes", "all, classes"]
    print_table(header, rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    n_seeds = parser.parse_args().seeds
    warnings.simplefilter("ignore")
    same_graph(n_seeds)
    held_out(n_seeds)


if __name__ == "__main__":
    main()
