"""Lowest eigenpairs of the symmetric Laplacian, given the graph: 10 and 50.

Each solver runs in a process of its own, which loads the graph from a file and is ended
after a time limit; seconds are the median of warm calls inside it, except for peers
that take more than ten seconds, which are called once. Quality is the largest residual
`|L v - value v|` of unit vectors, computed alike for all, with the second and the last
eigenvalue. Peers that return other coordinates (scikit-learn's embedding) are turned
back into vectors first.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from statistics import median

import numpy as np
from _timing import print_table, shared_data
from scipy import sparse
from scipy.sparse import linalg
from sklearn.datasets import make_swiss_roll

from sklearn_manifold_reg.graph import NeighborsGraph, laplacian, laplacian_eigenpairs

TOL = 5e-7
OURS = ("ours", "ours chebyshev", "ours lobpcg", "ours arpack", "ours shift-invert")
PEERS = (
    "scipy 2I - L",
    "scipy shift-invert",
    "scipy shift-invert, MMD",
    "scipy lobpcg + pyamg",
    "scikit-learn arpack",
    "scikit-learn lobpcg",
    "scikit-learn amg",
    "graphlearning",
)


def make_graph(name):
    if name == "digits":
        from bench_label_diffusion import warped_digits

        X, _ = warped_digits(70_000)
    elif name == "swiss roll":
        X, _ = make_swiss_roll(200_000, random_state=0)
    elif name == "usps":
        usps = shared_data("usps")
        X = usps["X"] / float(usps["scale"])
    else:
        n, d = map(int, name.split("x"))
        X = np.random.default_rng(0).uniform(size=(n, d))
    return sparse.csr_array(NeighborsGraph().fit(X).affinity_).astype(np.float64)


def solver_of(name, W, k):
    """Return a function without arguments that gives unit vectors."""
    kind, _, option = name.partition(" ")
    if kind == "ours":
        return lambda: (
            laplacian_eigenpairs(W, k, solver=option or "auto", tol=TOL).vectors
        )
    L = sparse.csr_array(laplacian(W).to_csr().to_scipy())
    n = L.shape[0]
    if name == "scipy 2I - L":
        flipped = sparse.csr_array(2 * sparse.eye_array(n) - L)
        return lambda: linalg.eigsh(flipped, k, which="LA", tol=TOL)[1]
    if name == "scipy shift-invert":
        return lambda: linalg.eigsh(L.tocsc(), k, sigma=-1e-6, tol=TOL)[1]
    if name == "scipy shift-invert, MMD":

        def factorized():
            factor = linalg.splu(
                sparse.csc_array(L + 1e-6 * sparse.eye_array(n)),
                permc_spec="MMD_AT_PLUS_A",
                diag_pivot_thresh=0.0,
                options={"SymmetricMode": True},
            )
            inverse = linalg.LinearOperator((n, n), factor.solve)
            return linalg.eigsh(L, k, sigma=-1e-6, OPinv=inverse, tol=TOL)[1]

        return factorized
    if name == "scipy lobpcg + pyamg":
        import pyamg

        def preconditioned():
            shifted = sparse.csr_matrix(L + 1e-5 * sparse.eye_array(n))
            M = pyamg.smoothed_aggregation_solver(shifted).aspreconditioner()
            X = np.random.default_rng(0).standard_normal((n, k))
            return linalg.lobpcg(L, X, M=M, tol=TOL, maxiter=500, largest=False)[1]

        return preconditioned
    if kind == "scikit-learn":
        from sklearn.manifold import SpectralEmbedding

        def embedded():
            # Without its first vector, which is known.
            model = SpectralEmbedding(
                k - 1,
                affinity="precomputed",
                eigen_solver=option,
                eigen_tol=TOL,
                random_state=0,
            )
            roots = np.sqrt(W.sum(axis=1))
            V = model.fit(W).embedding_ * roots[:, None]
            V = np.column_stack([roots, V])
            return V / np.linalg.norm(V, axis=0)

        return embedded
    import graphlearning

    def learned():
        G = graphlearning.graph(sparse.csr_matrix(W))
        return G.eigen_decomp(normalization="normalized", k=k)[1]

    return learned


def measure(path, name, k):
    warnings.simplefilter("ignore")
    W = sparse.csr_array(sparse.load_npz(path))
    solve = solver_of(name, W, k)
    if name.startswith("ours"):
        solve()
    seconds = []
    while not seconds or (len(seconds) < 3 and sum(seconds) < 10):
        start = time.perf_counter()
        V = np.asarray(solve())
        seconds.append(time.perf_counter() - start)
    L = laplacian(W)
    V = np.ascontiguousarray(V / np.linalg.norm(V, axis=0))
    values = np.einsum("ij,ij->j", V, L.matmat(V))
    V, values = V[:, np.argsort(values)], np.sort(values)
    residual = np.linalg.norm(L.matmat(V) - V * values, axis=0).max()
    return {
        "seconds": median(seconds),
        "residual": float(residual),
        "second": float(values[1]),
        "last": float(values[-1]),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--graphs", default="digits,swiss roll,usps")
    parser.add_argument("--pairs", default="10,50")
    parser.add_argument("--solvers", default=";".join(OURS + PEERS))
    parser.add_argument("--limit", type=float, default=90.0, help="seconds a solver")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        path, name, k = arguments.measure
        print(json.dumps(measure(path, name, int(k))))
        return
    for graph in arguments.graphs.split(","):
        W = make_graph(graph)
        print(f"\n### {graph} ({W.shape[0]} nodes, {W.nnz} entries)")
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "graph.npz")
            sparse.save_npz(path, W, compressed=False)
            for k in map(int, arguments.pairs.split(",")):
                print_rows(path, k, arguments)


def print_rows(path, k, arguments):
    found = {}
    for name in arguments.solvers.split(";"):
        command = [sys.executable, __file__, "--measure", path, name, str(k)]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=arguments.limit
            )
            found[name] = json.loads(done.stdout) if done.returncode == 0 else None
        except subprocess.TimeoutExpired:
            found[name] = {"seconds": float("inf")}
    ours = found.get("ours")
    rows = []
    for name, result in found.items():
        if result is None:
            rows.append([name, "failed", "", "", "", ""])
        elif not np.isfinite(result["seconds"]):
            limit = f"over {arguments.limit:.0f}"
            rows.append([name, limit, "", "", "", ""])
        else:
            ratio = ours["seconds"] / result["seconds"] if ours else float("nan")
            values = (f"{result[key]:.5g}" for key in ("second", "last"))
            rows.append(
                [name, result["seconds"], ratio, f"{result['residual']:.1e}", *values]
            )
    print(f"\n{k} pairs\n")
    header = ["solver", "seconds", "ours / this", "residual", "second", "last"]
    print_table(header, rows)


if __name__ == "__main__":
    main()
