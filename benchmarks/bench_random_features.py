"""Graph random features: errors by couplings, time and memory beside exact kernels.

Prints the relative Frobenius error of the kernel (I + sigma2 L)^-2 against the number
of walks, with the slope in logarithms; the agreement of clusters with planted classes;
the time of the dense kernel by a Cholesky factorization and of features; the peak of
memory in fresh processes; the time of a plain Python loop over walks; and that of walks
on parts of a graph, on a local cluster of dask too.
"""

import argparse
import json
import random
import subprocess
import sys
import time
from functools import partial
from itertools import pairwise

import numpy as np
from _timing import fresh_process_seconds, paired_seconds, print_table, shared_data
from scipy import sparse
from scipy.linalg import cho_factor, cho_solve
from sklearn.base import clone
from sklearn.metrics import adjusted_rand_score

from sklearn_manifold_reg.cluster import KernelKMeans
from sklearn_manifold_reg.datasets import make_planted_partition
from sklearn_manifold_reg.kernel import GraphRandomFeatures

COUPLINGS = ("iid", "antithetic", "repelling", "reinforced")
N_WALKS = (2, 4, 8, 16, 32, 64)
SIGMA2 = 0.25


def adjacency(n, edges):
    edges = np.asarray(edges)
    ends = np.concatenate([edges, edges[:, ::-1]])
    return sparse.csr_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), (n, n))


def network(name):
    data = shared_data(name)
    return adjacency(int(data["n_nodes"]), data["edges"])


def binary_tree(n=127):
    children = np.arange(1, n)
    return adjacency(n, np.column_stack([(children - 1) // 2, children]))


def ladder(n=100):
    left = np.arange(n // 2)
    rungs = np.column_stack([left, left + n // 2])
    rails = np.column_stack([left[:-1], left[1:]])
    return adjacency(n, np.concatenate([rungs, rails, rails + n // 2]))


def random_graph(n, degree=10, seed=0):
    """Graph with n * degree / 2 edges between random nodes, the worst for caches."""
    edges = np.random.default_rng(seed).integers(n, size=(n * degree // 2, 2))
    W = adjacency(n, edges[edges[:, 0] != edges[:, 1]])
    W.data[:] = 1
    return W


def exact_kernel(W, sigma2=SIGMA2):
    """Dense (I + sigma2 L)^-2."""
    degrees = W.sum(axis=1)
    roots = np.sqrt(np.where(degrees > 0, degrees, 1))
    M = W.toarray() * (-sigma2 / roots / roots[:, None])
    M[np.diag_indices(len(M))] = 1 + sigma2 * (degrees > 0)
    factor = cho_factor(M, lower=True, overwrite_a=True, check_finite=False)
    inverse = cho_solve(factor, np.eye(len(M)), overwrite_b=True, check_finite=False)
    return inverse @ inverse


def features(W, **params):
    return GraphRandomFeatures(graph="precomputed", **params).fit(W)


def print_errors(n_runs):
    rows = []
    graphs = {
        "karate": network("karate"),
        "binary tree, 127": binary_tree(),
        "ladder, 100": ladder(),
        "football": network("football"),
        "eurosis": network("eurosis"),
    }
    for name, W in graphs.items():
        K = exact_kernel(W)
        size = np.linalg.norm(K)
        runs = max(3, n_runs // 5) if W.shape[0] > 1000 else n_runs
        for p_halt in (0.5, 0.1):
            for coupling in COUPLINGS:
                errors = []
                for n_walks in N_WALKS:
                    given = {
                        "sigma2": SIGMA2,
                        "p_halt": p_halt,
                        "coupling": coupling,
                        "n_walks": n_walks,
                        "n_copies": 2,
                    }
                    models = (features(W, random_state=s, **given) for s in range(runs))
                    found = (m.kernel_approximation() for m in models)
                    errors.append(
                        np.mean([np.linalg.norm(K - F) / size for F in found])
                    )
                slope = np.polyfit(np.log(N_WALKS), np.log(errors), 1)[0]
                cells = [f"{error:.3f}" for error in errors]
                rows.append((name, p_halt, coupling, *cells, f"{slope:.2f}"))
    header = ("graph", "p_halt", "coupling", *(f"m={m}" for m in N_WALKS), "slope")
    print_table(header, rows)


def print_clustering(n_graphs=10):
    """Kernel k-means on exact and on estimated kernels of four planted classes."""
    rows = {"exact": []} | {coupling: [] for coupling in COUPLINGS}
    for seed in range(n_graphs):
        W, y = make_planted_partition(400, 4, p_in=0.2, p_out=0.02, random_state=seed)

        def score(K, y=y):
            found = KernelKMeans(4, random_state=0).fit(K).labels_
            return adjusted_rand_score(y, found)

        rows["exact"].append([score(exact_kernel(W, 4.0))] * len(N_WALKS))
        for coupling in COUPLINGS:
            options = {"coupling": coupling, "sigma2": 4.0, "random_state": seed}
            models = (features(W, n_walks=m, n_copies=2, **options) for m in N_WALKS)
            rows[coupling].append([score(f.kernel_approximation()) for f in models])
    print_table(
        ("adjusted Rand index", *(f"m={m}" for m in N_WALKS)),
        [
            (name, *(f"{mean:.3f}" for mean in np.mean(scores, axis=0)))
            for name, scores in rows.items()
        ],
    )


def print_against_exact(sizes):
    rows = []
    for n in sizes:
        W = random_graph(n)
        repeats = 3 if n < 10_000 else 1
        ours = lambda W=W: features(W, sigma2=SIGMA2, random_state=0)  # noqa: E731
        exact, walks = paired_seconds(
            [lambda W=W: exact_kernel(W), ours], repeats, warmup=int(n < 10_000)
        )
        K, F = exact_kernel(W), ours().kernel_approximation()
        error = np.linalg.norm(K - F) / np.linalg.norm(K)
        rows.append((n, exact, walks, f"{exact / walks:.0f}", error))
    header = ("nodes", "exact s", "features s", "ratio", "relative error, one copy")
    print_table(header, rows)


MEASURE = """
import json, sys, time
sys.path.insert(0, "benchmarks")
from bench_random_features import features, random_graph
def memory(name):
    # Not ru_maxrss, which begins with that of the parent.
    lines = open("/proc/self/status").read().splitlines()
    return 1024 * next(int(v.split()[1]) for v in lines if v.startswith(name))
features(random_graph(1000), coupling="{coupling}", random_state=0)
W = random_graph({n})
before = memory("VmRSS")
start = time.perf_counter()
model = features(W, coupling="{coupling}", random_state=0)
seconds = time.perf_counter() - start
print(json.dumps([seconds, model.features_.nnz, before, memory("VmHWM")]))
"""


def print_large(sizes):
    rows = []
    for n in sizes:
        for coupling in COUPLINGS:
            code = MEASURE.format(n=n, coupling=coupling)
            done = subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, check=True
            )
            seconds, nnz, before, after = json.loads(done.stdout)
            extra = (after - before - 12 * nnz) / 2**20
            rows.append(
                (n, coupling, seconds, f"{nnz / n:.0f}", after / 2**30, f"{extra:.0f}")
            )
    print_table(
        ("nodes", "coupling", "seconds", "entries a row", "peak GiB",
         "MiB above 12 bytes an entry"),
        rows,
    )  # fmt: skip


def print_in_parts(n=100_000, n_parts=4):
    """Walks on parts of a graph, in this process and on two workers."""
    from distributed import Client, LocalCluster

    W, parts = make_planted_partition(
        sizes=[n // n_parts] * n_parts,
        p_in=9.5 * n_parts / n,
        p_out=0.5 / n,
        connected=False,
        random_state=0,
    )
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    model = GraphRandomFeatures(graph="precomputed", random_state=0)
    whole = clone(model).fit(W).features_
    rows = []
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        ways = {
            "one graph, one thread": partial(clone(model).set_params(n_jobs=1).fit, W),
            "parts, this process": partial(clone(model).fit, W, parts=parts),
            "parts, two workers": partial(
                clone(model).fit, W, parts=parts, client=client
            ),
        }
        times = paired_seconds(list(ways.values()))
        for (name, fit), seconds in zip(ways.items(), times, strict=True):
            equal = np.array_equal(fit().features_.data, whole.data)
            rows.append((name, seconds, str(equal)))
    print_table((f"{n} nodes, {n_parts} parts", "seconds", "equal to the bit"), rows)


def python_loop(W, n_walks, p_halt, sigma2):
    """Features by a plain loop, as in published code: dense rows, walk by walk."""
    n = W.shape[0]
    neighbors = [W.indices[a:b].tolist() for a, b in pairwise(W.indptr)]
    degrees = [len(row) for row in neighbors]
    c = sigma2 / (1 + sigma2)
    Phi = np.zeros((n, n))
    for i in range(n):
        for _ in range(n_walks):
            node, load = i, 1.0
            Phi[i, i] += load
            while random.random() >= p_halt:
                following = random.choice(neighbors[node])
                load *= c * (degrees[node] / degrees[following]) ** 0.5 / (1 - p_halt)
                node = following
                Phi[i, node] += load
    return Phi / n_walks / (1 + sigma2)


def print_against_loop(n_walks=16, p_halt=0.1):
    W = network("eurosis")
    start = time.perf_counter()
    loop = python_loop(W, n_walks, p_halt, SIGMA2)
    slow = time.perf_counter() - start
    fast = paired_seconds(
        [lambda: features(W, sigma2=SIGMA2, random_state=0, n_walks=n_walks)], 5
    )[0]
    K = exact_kernel(W)
    model = features(W, sigma2=SIGMA2, random_state=0, n_walks=n_walks)
    errors = [
        np.linalg.norm(K - F) / np.linalg.norm(K)
        for F in (loop @ loop.T, model.kernel_approximation())
    ]
    print_table(
        ("eurosis, 1272 nodes", "seconds", "relative error"),
        [("Python loop", slow, errors[0]), ("features", fast, errors[1]),
         ("ratio", f"{slow / fast:.0f}", "")],
    )  # fmt: skip


FRESH = """
import numpy as np
from scipy import sparse
from sklearn_manifold_reg.cluster import KernelKMeans
from sklearn_manifold_reg.datasets import make_planted_partition
from sklearn_manifold_reg.kernel import GraphRandomFeatures
W = sparse.csr_array(np.ones((50, 50)) - np.eye(50))
GraphRandomFeatures(graph="precomputed", random_state=0).fit(W)
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, few runs")
    quick = parser.parse_args().quick
    print_errors(5 if quick else 50)
    print_clustering(2 if quick else 10)
    print_against_exact((1000,) if quick else (1000, 3000, 10_000))
    print_large((30_000,) if quick else (30_000, 100_000, 1_000_000))
    print_against_loop()
    print_in_parts()
    imports = FRESH.split("W =")[0] + "import sklearn_manifold_reg.graph"
    seconds = [fresh_process_seconds(code, 3) for code in (FRESH, imports)]
    rows = [("first fit", seconds[0]), ("imports alone", seconds[1])]
    print_table(("fresh process", "seconds"), rows)


if __name__ == "__main__":
    main()
