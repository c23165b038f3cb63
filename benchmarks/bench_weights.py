"""Weights, symmetrization and Laplacian from given neighbors, against peers.

Every peer starts from the same (n, k) indices and distances. Quality is the largest
difference of the affinity from the one written by hand with scipy.
"""

import argparse
import contextlib
import io
from functools import partial

import numpy as np
from _timing import paired_seconds, print_table
from scipy import sparse
from sklearn.datasets import make_swiss_roll

from sklearn_manifold_reg.graph import laplacian
from sklearn_manifold_reg.graph._neighbors import nearest_neighbors
from sklearn_manifold_reg.graph._symmetrize import symmetric_affinity
from sklearn_manifold_reg.graph._weights import fit_weight_rule


def ours(indices, distances):
    rule = fit_weight_rule(distances, "self-tuning")
    W = symmetric_affinity(indices, rule(distances, indices), "max")
    return W, laplacian(W)


def by_hand(indices, distances):
    n, k = indices.shape
    scale = distances[:, min(6, k - 1)]
    weights = np.exp(-(distances**2) / (scale[:, None] * scale[indices]))
    indptr = np.arange(0, n * k + 1, k)
    W = sparse.csr_array((weights.ravel(), indices.ravel(), indptr), shape=(n, n))
    W = W.maximum(W.T).tocsr()
    d = 1 / np.sqrt(W.sum(axis=1))
    S = W.copy()
    S.data *= d.take(S.indices)
    S.data *= np.repeat(d, np.diff(S.indptr))
    return W, sparse.eye_array(n, format="csr") - S


def graphlearning_route(indices, distances):
    import graphlearning as gl

    n = len(indices)
    # Its neighbor lists begin with the row itself.
    own = np.arange(n)[:, None]
    lists = np.hstack([own, indices]), np.hstack([np.zeros((n, 1)), distances])
    with contextlib.redirect_stdout(io.StringIO()):
        k = indices.shape[1] + 1
        W = gl.weightmatrix.knn(None, k, knn_data=lists, kernel="gaussian")
        return W, gl.graph(W).laplacian(normalization="normalized")


def umap_route(indices, distances):
    from umap.umap_ import fuzzy_simplicial_set

    n = len(indices)
    lists = np.hstack([np.arange(n)[:, None], indices]).astype(np.int32)
    lengths = np.hstack([np.zeros((n, 1)), distances]).astype(np.float32)
    W, *_ = fuzzy_simplicial_set(
        sparse.csr_array((n, 1)),
        indices.shape[1],
        np.random.RandomState(0),
        "euclidean",
        knn_indices=lists,
        knn_dists=lengths,
    )
    return W, None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller problems")
    sizes = (5_000,) if parser.parse_args().quick else (70_000, 200_000)
    rows = []
    for n in sizes:
        X, _ = make_swiss_roll(n, random_state=0)
        found = nearest_neighbors(X, 10)
        given = found.indices, found.distances
        routes = {
            "ours": ours,
            "scipy by hand": by_hand,
            "graphlearning": graphlearning_route,
            "umap (fuzzy weights)": umap_route,
        }
        seconds = paired_seconds(
            [partial(route, *given) for route in routes.values()], repeats=5
        )
        gap = abs(ours(*given)[0] - by_hand(*given)[0]).max()
        for name, time in zip(routes, seconds, strict=True):
            quality = f"{gap:.1e}" if name == "ours" else "-"
            rows.append((n, name, time, seconds[0] / time, quality))
    print_table(("rows", "route", "seconds", "ours / route", "difference"), rows)


if __name__ == "__main__":
    main()
