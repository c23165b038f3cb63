"""Products of a graph with a block of columns, against scipy's.

Once with the nodes as they come and once after reverse Cuthill-McKee renumbering,
whose own time stands in the last table. Quality is the largest relative difference.
"""

import argparse

import numpy as np
from _timing import median_seconds, paired_seconds, print_table
from sklearn.datasets import make_swiss_roll

from sklearn_manifold_reg._arrays import CSR
from sklearn_manifold_reg.graph import NeighborsGraph
from sklearn_manifold_reg.linalg import bandwidth_order


def clustered(n, n_features, n_clusters=100, rank=12):
    rng = np.random.default_rng(0)
    X = np.empty((n, n_features), np.float32)
    labels = rng.integers(n_clusters, size=n)
    for cluster in range(n_clusters):
        rows = np.flatnonzero(labels == cluster)
        plane = rng.normal(size=(rank, n_features)) / n_features**0.5
        center = 2 * rng.normal(size=n_features)
        X[rows] = center + 5 * rng.normal(size=(len(rows), rank)) @ plane
    X += 0.05 * rng.standard_normal(X.shape, dtype=np.float32)
    return X


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller graphs")
    quick = parser.parse_args().quick
    sets = {
        "clusters": clustered(5_000 if quick else 70_000, 64 if quick else 784),
        "swiss roll": make_swiss_roll(5_000 if quick else 200_000, random_state=0)[0],
    }
    rng = np.random.default_rng(0)
    rows, orders = [], []
    for name, X in sets.items():
        W = NeighborsGraph(random_state=0).fit(X).affinity_
        order = bandwidth_order(CSR.from_scipy(W))
        seconds = median_seconds(lambda A=W: bandwidth_order(CSR.from_scipy(A)))
        orders.append((name, W.nnz, seconds))
        renumbered = W[order][:, order]
        for numbering, matrix in (("given", W), ("renumbered", renumbered)):
            for dtype in (np.float32, np.float64):
                A = matrix.astype(dtype)
                csr = CSR.from_scipy(A)
                base = W.astype(dtype)
                for n_columns in (1, 10, 50):
                    B = rng.normal(size=(len(X), n_columns)).astype(dtype)
                    out = np.empty_like(B)
                    times = paired_seconds(
                        [
                            lambda c=csr, b=B, o=out: c.matmat(b, out=o),
                            lambda a=base, b=B: a @ b,
                        ],
                        repeats=15,
                        warmup=2,
                    )
                    gap = np.abs(csr.matmat(B) - A @ B).max() / np.abs(A @ B).max()
                    rows.append(
                        (name, numbering, np.dtype(dtype).name, n_columns,
                         1e3 * times[0], 1e3 * times[1], times[0] / times[1],
                         f"{gap:.0e}")
                    )  # fmt: skip
    print_table(
        ("graph", "numbering", "dtype", "columns", "ours, ms", "scipy as given, ms",
         "ratio", "difference"),
        rows,
    )  # fmt: skip
    print_table(("graph", "entries", "seconds of renumbering"), orders)


if __name__ == "__main__":
    main()
