"""Twelve smooth vectors of a graph, against eigenvectors by ARPACK and by LOBPCG.

First the growth of the time with the size of 2-D grids, then the peers on grids of two
and three dimensions, where factors fill in more and more. Quality is the share of the
12 lowest eigenvectors inside the span of the vectors: 1 for eigenvectors themselves.
"""

import argparse
import warnings

import numpy as np
from _timing import median_seconds, print_table
from scipy import sparse
from scipy.sparse import linalg

from sklearn_manifold_reg.graph import laplacian, laplacian_eigenpairs
from sklearn_manifold_reg.linalg import bootstrap_smooth_vectors, orthonormal_span

N_VECTORS = 12


def grid(*sizes):
    """Adjacency of a grid with sides of these sizes."""
    W = sparse.csr_array((1, 1))
    for size in sizes:
        chain = sparse.diags_array([1.0, 1.0], offsets=[-1, 1], shape=(size, size))
        inner, outer = sparse.eye_array(W.shape[0]), sparse.eye_array(size)
        W = sparse.csr_array(sparse.kron(W, outer) + sparse.kron(inner, chain))
    return W


def definite(W):
    """Combinatorial Laplacian with a rank-one term at the first edge."""
    ends = ([0, 0, 1, 1], [0, 1, 0, 1])
    term = sparse.coo_array((np.ones(4), ends), shape=W.shape)
    L = laplacian(W, normalization=None).to_csr().to_scipy()
    return sparse.csr_array(L + term)


def bootstrap(A, max_vectors=N_VECTORS - 1):
    return bootstrap_smooth_vectors(A, max_vectors=max_vectors)


def lobpcg(W):
    pairs = laplacian_eigenpairs(W, N_VECTORS, normalization=None, tol=1e-5)
    return pairs.vectors


def arpack(W):
    L = laplacian(W, normalization=None).to_csr().to_scipy()
    # Just below the spectrum, which begins at 0.
    return linalg.eigsh(L.tocsc(), N_VECTORS, sigma=-1e-4, tol=1e-5)[1]


def share(vectors, lowest):
    Q = orthonormal_span(vectors)
    return float(np.sum((Q.T @ lowest) ** 2) / N_VECTORS)


def growth(sides, repeats):
    rows, sizes, times = [], [], []
    for side in sides:
        A = definite(grid(side, side))
        found = []
        seconds = median_seconds(lambda a=A, f=found: f.append(bootstrap(a)), repeats)
        sizes.append(A.shape[0])
        times.append(seconds)
        result = found[-1]
        ratio = f"{result.convergence_ratios[-1]:.2f}"
        rows.append((A.shape[0], seconds, result.operator_complexity, ratio))
    header = ("nodes", "seconds", "operator complexity", "convergence ratio")
    print_table(header, rows)
    exponent = np.polyfit(np.log(sizes), np.log(times), 1)[0]
    print(f"growth exponent {exponent:.2f}\n")


def peers(sides, with_arpack):
    W = grid(*sides)
    print(f"grid {sides}: {W.shape[0]} nodes, {W.nnz // 2} edges\n")
    A, lowest = definite(W), lobpcg(W)
    routes = {
        "bootstrap_smooth_vectors": lambda: bootstrap(A).vectors,
        "bootstrap_smooth_vectors, 24 vectors": lambda: bootstrap(A, 23).vectors,
        "laplacian_eigenpairs": lambda: lobpcg(W),
    }
    if with_arpack:
        routes["scipy eigsh, shift-invert"] = lambda: arpack(W)
    rows, first = [], None
    for name, route in routes.items():
        found = []
        seconds = median_seconds(
            lambda r=route, f=found: f.append(r()), repeats=1, warmup=0
        )
        first = first or seconds
        rows.append((name, seconds, first / seconds, share(found[-1], lowest)))
    print_table(("route", "seconds", "ours / this", "share of eigenvectors"), rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small grids")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    if arguments.quick:
        growth((64, 128), 1)
        peers((100, 100), with_arpack=True)
        peers((20, 20, 20), with_arpack=True)
        return
    growth((125, 250, 500), arguments.repeats)
    peers((500, 500), with_arpack=True)
    peers((30, 30, 30), with_arpack=True)
    # The factor of this one takes more memory than most machines have.
    peers((70, 70, 70), with_arpack=False)


if __name__ == "__main__":
    main()
