"""Spectral embedding against scikit-learn's, given the same graph.

Each method embeds the swiss roll in a process of its own, which may be stopped: warmed
up on a small graph, then timed once. Judged by eigenvalues (Rayleigh quotients of the
columns) and by the largest residual norm |L v - value v| of unit vectors v of the
symmetric Laplacian.

    python benchmarks/bench_embedding.py [--sizes 20000 200000] [--limit 600]
"""

import argparse
import multiprocessing
import time
import warnings

import numpy as np
from _timing import print_table
from sklearn.datasets import make_swiss_roll
from sklearn.manifold import SpectralEmbedding as SklearnSpectralEmbedding

from sklearn_manifold_reg.graph import NeighborsGraph, laplacian
from sklearn_manifold_reg.manifold import SpectralEmbedding

N_COMPONENTS = 4
METHODS = ("ours", "arpack", "lobpcg", "amg")


def make_model(method):
    if method == "ours":
        return SpectralEmbedding(N_COMPONENTS, "precomputed")
    return SklearnSpectralEmbedding(
        N_COMPONENTS, affinity="precomputed", eigen_solver=method, random_state=0
    )


def run(method, affinity, small, answers):
    """Embed in a process of its own."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        make_model(method).fit(small)
        caught.clear()
        start = time.perf_counter()
        embedding = make_model(method).fit_transform(affinity)
        seconds = time.perf_counter() - start
    told = sorted({type(warning.message).__name__ for warning in caught})
    answers.send((seconds, np.asarray(embedding), told))


def run_within(method, affinity, small, limit):
    """Run a method for at most `limit` seconds; None if it takes longer."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=run, args=(method, affinity, small, sender))
    process.start()
    sender.close()
    try:
        return receiver.recv() if receiver.poll(limit) else None
    except EOFError:
        return None
    finally:
        process.kill()
        process.join()


def judge(affinity, embedding):
    """Eigenvalues of the columns, and the largest residual norm."""
    L = laplacian(affinity)
    V = embedding * np.sqrt(L.degrees)[:, None]
    V = V / np.linalg.norm(V, axis=0)
    values = np.sum(V * (L @ V), axis=0)
    return values, float(np.linalg.norm(L @ V - V * values, axis=0).max())


def compare(n, limit):
    X = make_swiss_roll(n, random_state=0)[0]
    affinity = NeighborsGraph(n_neighbors=10).fit(X).affinity_
    small = NeighborsGraph(n_neighbors=10).fit(X[:2000]).affinity_
    table, ours = [], None
    for method in METHODS:
        answer = run_within(method, affinity, small, limit)
        label = method if method == "ours" else f"scikit-learn {method}"
        if answer is None:
            table.append((label, f"over {limit:.0f}", "", "", "", ""))
            continue
        seconds, embedding, told = answer
        ours = seconds if method == "ours" else ours
        values, residual = judge(affinity, embedding)
        digits = " ".join(f"{value:.4g}" for value in values)
        warned = ", ".join(told) or "none"
        ratio = ours / seconds if ours else float("nan")
        table.append((label, seconds, ratio, residual, digits, warned))
    print(f"swiss roll, {n} rows, 10 neighbors, {N_COMPONENTS} columns")
    header = ["method", "seconds", "ours / it", "residual", "eigenvalues", "warnings"]
    print_table(header, table)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=[20_000, 200_000])
    parser.add_argument("--limit", type=float, default=600.0, help="seconds a method")
    options = parser.parse_args()
    for n in options.sizes:
        compare(n, options.limit)


if __name__ == "__main__":
    main()
