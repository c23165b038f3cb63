"""Kernels between nodes: a sweep over all measures, single kernels, and a path.

The sweep computes the 25 measures of `compared_node_kernels` at 55 parameters on a
planted partition of 200 nodes. The peer makes each matrix by its formula, with one
call of scipy's `expm`, `inv` or `pinv` a value. Single kernels and the path are on a
graph of 2000 points and their neighbors. Quality is the largest difference from the
peer, relative to the largest entry.
"""

import argparse
import warnings

import numpy as np
from _timing import paired_seconds, print_table
from scipy import linalg
from scipy.linalg import lapack
from scipy.sparse import csgraph
from scipy.special import factorial2

from sklearn_manifold_reg.graph import (
    NeighborsGraph,
    NodeKernels,
    compared_node_kernels,
    kernel_path,
    node_kernel,
)

# Powers of the double factorial series that the published code adds.
N_POWERS = 30


class Formulas:
    """Each measure by its formula, nothing shared but the matrices themselves."""

    def __init__(self, A):
        self.A, n = A, len(A)
        self.d = A.sum(axis=1)
        self.eye = np.eye(n)
        self.H = self.eye - 1 / n
        self.L = np.diag(self.d) - A
        self.P = A / self.d[:, None]
        root = np.sqrt(self.d)
        self.N = A / root[:, None] / root[None, :]
        self.M = self.N - np.outer(root, root) / self.d.sum()
        self.C = np.divide(1, A, out=np.zeros_like(A), where=A > 0)

    def __call__(self, name, t):
        if name.startswith("log_"):
            return np.log(getattr(self, name[4:])(t))
        return getattr(self, name)(t)

    def katz(self, t):
        return linalg.inv(self.eye - t * self.A)

    def communicability(self, t):
        return linalg.expm(t * self.A)

    def double_factorial(self, t):
        total, power = self.eye.copy(), self.eye
        for k in range(1, N_POWERS):
            power = power @ self.A * t
            total += power / factorial2(k)
        return total

    def forest(self, t):
        return linalg.inv(self.eye + t * self.L)

    def heat(self, t):
        return linalg.expm(-t * self.L)

    def normalized_heat(self, t):
        return linalg.expm(-t * (self.eye - self.N))

    def heat_ppr(self, t):
        return linalg.expm(-t * (self.eye - self.P))

    def absorption(self, t):
        return linalg.pinv(t * self.A + self.L)

    def ppr(self, a):
        return linalg.inv(self.eye - a * self.P)

    def modified_ppr(self, a):
        return linalg.inv(np.diag(self.d) - a * self.A)

    def sigmoid_commute(self, a):
        K = linalg.pinv(self.L)
        return 1 / (1 + np.exp(-a * K / K.std()))

    def sigmoid_corrected_commute(self, a):
        R = np.diag(self.d**-0.5)
        K = self.H @ R @ self.M @ linalg.pinv(self.eye - self.M) @ self.M @ R @ self.H
        return 1 / (1 + np.exp(-a * K / K.std()))

    def rsp(self, beta):
        W = self.P * np.exp(-beta * self.C)
        Z = linalg.inv(self.eye - W)
        S = (Z @ (self.C * W) @ Z) / Z
        D = S - np.diag(S)[None, :]
        return -self.H @ (D + D.T) @ self.H / 4

    def free_energy(self, beta):
        Z = linalg.inv(self.eye - self.P * np.exp(-beta * self.C))
        D = -np.log(Z / np.diag(Z)[None, :]) / beta
        return -self.H @ (D + D.T) @ self.H / 4

    def sp_ct(self, x):
        D = csgraph.shortest_path(self.C, directed=False)
        return -x * self.H @ D @ self.H / 2 + 2 * (1 - x) * linalg.pinv(self.L)


def planted_partition(n=200, p_in=0.3, p_out=0.1, seed=0):
    rng = np.random.default_rng(seed)
    y = np.repeat([0, 1], n // 2)
    p = np.where(y[:, None] == y[None, :], p_in, p_out)
    A = np.triu(rng.random((n, n)) < p, 1).astype(float)
    return A + A.T


def sweep(n_params, repeats):
    A = planted_partition()
    x = np.linspace(0, 1, n_params + 2)[1:-1]
    names = compared_node_kernels()
    # The range of this one ends at 2/3.
    grids = {name: x * 2 / 3 if "absorption" in name else x for name in names}
    raw = NodeKernels(A)
    params = {name: [raw.raw_param(name, p) for p in grids[name]] for name in names}

    def ours():
        kernels = NodeKernels(A)
        for name in names:
            for _ in kernels.path(name, grids[name], copy=False):
                pass

    def theirs():
        formulas = Formulas(A)
        for name in names:
            for param in params[name]:
                formulas(name, param)

    peer, own = paired_seconds([theirs, ours], repeats, warmup=1)
    print(f"Sweep, {len(names)} measures x {n_params} parameters, n = {len(A)}\n")
    print_table(
        ["peer, s", "ours, s", "ratio", "largest difference", "of"],
        [[peer, own, peer / own, *worst_of_sweep(A, names, grids, params)]],
    )


def worst_of_sweep(A, names, grids, params):
    """Largest difference where the truncated series of the peer has converged."""
    kernels, formulas = NodeKernels(A), Formulas(A)
    worst = (0.0, "")
    for name in names:
        paths = kernels.path(name, grids[name])
        for K, param in zip(paths, params[name], strict=True):
            if "double" in name and param * kernels.spectral_radius > 1:
                continue
            expected = formulas(name, param)
            difference = abs(K - expected).max() / abs(expected).max()
            worst = max(worst, (float(difference), f"{name}({param:.3g})"))
    return worst


def singles(n, repeats):
    X = np.random.default_rng(0).normal(size=(n, 8))
    W = NeighborsGraph().fit(X).affinity_
    A = W.toarray()
    d = A.sum(axis=1)
    L, eye = np.diag(d) - A, np.eye(n)
    root = np.sqrt(d)
    N = A / root[:, None] / root[None, :]

    def by_eigenvectors(M, f):
        values, V = np.linalg.eigh(M)
        return (V * f(values)) @ V.T

    def by_cholesky(M):
        factor, _ = lapack.dpotrf(M, lower=1)
        half, _ = lapack.dpotri(factor, lower=1)
        return half + np.tril(half, -1).T

    cases = {}
    for x in (0.2, 0.5, 0.9):
        t = x / (2 * (1 - x))
        cases[f"heat, x={x}"] = (
            ("heat", x),
            {
                "eigh": lambda t=t: by_eigenvectors(L, lambda v: np.exp(-t * v)),
                "expm": lambda t=t: linalg.expm(-t * L),
            },
        )
        cases[f"communicability, x={x}"] = (
            ("communicability", x),
            {
                "eigh": lambda t=t: by_eigenvectors(A, lambda v: np.exp(t * v)),
                "expm": lambda t=t: linalg.expm(t * A),
            },
        )
    cases["forest, x=0.5"] = (
        ("forest", 0.5),
        {
            "eigh": lambda: by_eigenvectors(L, lambda v: 1 / (1 + 0.5 * v)),
            "Cholesky": lambda: by_cholesky(eye + 0.5 * L),
        },
    )
    cases["ppr, x=0.5"] = (
        ("ppr", 0.5),
        {
            "Cholesky": lambda: by_cholesky(eye - 0.5 * N) / root[:, None] * root,
            "inv": lambda: np.linalg.inv(eye - 0.5 * A / d[:, None]),
        },
    )
    rows = []
    for label, ((name, x), peers) in cases.items():
        functions = [*peers.values(), lambda name=name, x=x: node_kernel(W, name, x)]
        *times, own = paired_seconds(functions, repeats, warmup=1)
        best = int(np.argmin(times))
        peer = list(peers)[best]
        expected, K = peers[peer](), node_kernel(W, name, x)
        difference = abs(K - expected).max() / abs(expected).max()
        others = ", ".join(
            f"{key} {t:.3g}" for key, t in zip(peers, times, strict=True)
        )
        rows.append([label, others, own, times[best] / own, float(difference)])
    print(f"Single kernels, n = {n}\n")
    print_table(
        ["kernel", "peers, s", "ours, s", "ratio to best", "largest difference"], rows
    )
    return W, L


def paths(W, L, n_params, repeats):
    x = np.linspace(0, 1, n_params + 2)[1:-1]
    t = x / (2 * (1 - x))

    def eigh_each():
        for value in t:
            values, V = np.linalg.eigh(L)
            (V * np.exp(-value * values)) @ V.T

    def eigh_once():
        values, V = np.linalg.eigh(L)
        for value in t:
            (V * np.exp(-value * values)) @ V.T

    def path(name):
        for _ in kernel_path(W, name, x, copy=False):
            pass

    names = ["heat", "log_heat", "forest"]
    functions = [
        eigh_each,
        eigh_once,
        *(lambda name=name: path(name) for name in names),
    ]
    each, once, *own = paired_seconds(functions, repeats, warmup=0)
    print(f"Path of {n_params} parameters, n = {len(L)}\n")
    rows = [
        ["heat, numpy eigh for each", each, 1.0],
        ["heat, numpy eigh once", once, 0],
    ]
    rows[1][2] = once / each
    rows += [[f"{name}, ours", s, s / each] for name, s in zip(names, own, strict=True)]
    print_table(["path", "seconds", "share of the first"], rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with warnings.catch_warnings():
        # Of kernels that overflow at the ends of the grids, on both sides.
        warnings.simplefilter("ignore")
        sweep(55, options.repeats)
        W, L = singles(options.nodes, options.repeats)
        paths(W, L, 20, 1)


if __name__ == "__main__":
    main()
