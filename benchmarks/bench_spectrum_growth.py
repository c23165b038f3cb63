"""Ten eigenpairs from 10,000 to 1,000,000 rows: seconds, peak memory and growth.

Each size runs in a process of its own: swiss roll in float32, graph, then
`laplacian_eigenpairs`; peak memory is that of the whole process, input included. The
slope is that of the logarithm of seconds against the logarithm of rows. `--figure PATH`
also draws it.
"""

import argparse
import json
import resource
import subprocess
import sys
import time

import numpy as np
from _timing import print_table
from sklearn.datasets import make_swiss_roll

from sklearn_manifold_reg.graph import NeighborsGraph, laplacian_eigenpairs

TOL = 5e-7


def measure(n):
    warm, _ = make_swiss_roll(5000, random_state=0)
    laplacian_eigenpairs(NeighborsGraph().fit(warm.astype(np.float32)).affinity_, 10)
    X, _ = make_swiss_roll(n, random_state=0)
    start = time.perf_counter()
    W = NeighborsGraph().fit(X.astype(np.float32)).affinity_
    built = time.perf_counter()
    pairs = laplacian_eigenpairs(W, 10, tol=TOL)
    done = time.perf_counter()
    return {
        "rows": n,
        "graph": built - start,
        "eigenpairs": done - built,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "residual": float(pairs.residual_norms.max()),
        "solver": pairs.solver,
    }


def draw(results, path):
    import matplotlib.pyplot as plt

    rows = [r["rows"] for r in results]
    for part in ("graph", "eigenpairs"):
        plt.loglog(rows, [r[part] for r in results], "o-", label=part)
    plt.xlabel("rows")
    plt.ylabel("seconds")
    plt.legend()
    plt.savefig(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="up to 100,000 rows")
    parser.add_argument("--figure", help="where to draw")
    parser.add_argument("--measure", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(arguments.measure)))
        return
    sizes = [10_000, 30_000, 100_000, 300_000, 1_000_000]
    results = []
    for n in sizes[:3] if arguments.quick else sizes:
        command = [sys.executable, "-W", "ignore", __file__, "--measure", str(n)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        results.append(json.loads(done.stdout))
    header = ["rows", "graph", "eigenpairs", "peak", "residual", "solver"]
    print_table(header, [[r[key] for key in header] for r in results])
    logs = np.log([[r["rows"], r["graph"], r["eigenpairs"]] for r in results])
    for number, part in ((1, "graph"), (2, "eigenpairs")):
        slope = np.polyfit(logs[:, 0], logs[:, number], 1)[0]
        print(f"slope of {part}: {slope:.2f}")
    if arguments.figure:
        draw(results, arguments.figure)


if __name__ == "__main__":
    main()
