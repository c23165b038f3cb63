"""Functions of a graph Laplacian: filter banks, Lanczos, densities and counts.

The bank is eight heat filters on a swiss roll, by polynomials of degree 30. Peers are
the three-term recurrence on a scipy matrix and, where it can be imported, pygsp; both
filter once for each response, and once for all. Quality is the largest error relative
to the largest entry, against polynomials of degree 300.
"""

import argparse
import importlib.util

import numpy as np
from _timing import paired_seconds, print_table
from scipy import sparse
from scipy.sparse.linalg import expm_multiply
from sklearn.datasets import make_swiss_roll

from sklearn_manifold_reg.graph import (
    HeatFilter,
    NeighborsGraph,
    filter_signal,
    laplacian,
)
from sklearn_manifold_reg.linalg import (
    apply_function,
    count_eigenvalues,
    spectral_density,
    trace_function,
)

TIMES = np.geomspace(0.5, 20, 8)
DEGREE = 30


def plain_recurrence(A, F, bank, upper=2.0):
    """Apply Chebyshev polynomials as one writes it down with scipy."""
    half = upper / 2
    before, now = F, A @ F / half - F
    totals = [row[0] * before + row[1] * now for row in bank]
    for k in range(2, bank.shape[1]):
        before, now = now, 2 * (A @ now / half - now) - before
        totals = [t + row[k] * now for t, row in zip(totals, bank, strict=True)]
    return np.array(totals)


def pygsp_routes(W, F):
    from pygsp import filters, graphs

    G = graphs.Graph(W, lap_type="normalized")
    G._lmax = 2.0
    # pygsp divides the scale by its bound of the spectrum.
    scales = TIMES * G.lmax
    each = [filters.Heat(G, scale) for scale in scales]
    bank = filters.Heat(G, scales)

    def separate():
        return np.array([g.filter(F, order=DEGREE).reshape(F.shape) for g in each])

    def together():
        return np.moveaxis(bank.filter(F, order=DEGREE).reshape(*F.shape, -1), -1, 0)

    return {"pygsp, 8 filterings": separate, "pygsp, one bank": together}


def compare(routes, exact, repeats):
    seconds = paired_seconds(list(routes.values()), repeats=repeats)
    for (name, route), time in zip(routes.items(), seconds, strict=True):
        error = np.abs(route() - exact).max() / np.abs(exact).max()
        yield name, time, time / seconds[0], f"{error:.0e}"


def banks(W, n_columns, dtype, repeats):
    L = laplacian(W.astype(dtype))
    A = L.to_csr().to_scipy()
    F = np.random.default_rng(0).normal(size=(W.shape[0], n_columns)).astype(dtype)
    responses = [HeatFilter(t) for t in TIMES]
    bank = np.array([f.coefficients(2.0, degree=DEGREE) for f in responses])
    bank = bank.astype(dtype)
    routes = {
        "ours": lambda: filter_signal(L, F, responses, degree=DEGREE),
        "scipy, 8 filterings": lambda: np.concatenate(
            [plain_recurrence(A, F, row[None]) for row in bank]
        ),
        "scipy, one bank": lambda: plain_recurrence(A, F, bank),
    }
    if importlib.util.find_spec("pygsp") and dtype == np.float64:
        routes |= pygsp_routes(W, F)
    exact = filter_signal(L, F, responses, degree=300)
    name = f"{n_columns} columns, {np.dtype(dtype).name}"
    for row in compare(routes, exact, repeats):
        yield name, *row


def exponentials(W, n_columns, time, repeats):
    L = laplacian(W)
    A = L.to_csr().to_scipy()
    F = np.random.default_rng(0).normal(size=(W.shape[0], n_columns))
    routes = {
        "apply_function(tol=1e-8)": lambda: (
            apply_function(L, lambda x: np.exp(-time * x), F).x
        ),
        "filter_signal(tol=1e-8)": lambda: filter_signal(L, F, HeatFilter(time)),
        "scipy expm_multiply": lambda: expm_multiply(-time * A, F),
    }
    exact = filter_signal(L, F, HeatFilter(time), degree=400)
    for row in compare(routes, exact, repeats):
        yield f"time {time:g}", *row


def sums(W, repeats):
    L = laplacian(W)
    dense = L.to_csr().to_scipy().toarray()
    values = np.linalg.eigvalsh(dense)
    heat = np.exp(-10 * values).sum()
    inside = np.count_nonzero((values >= 0.2) & (values <= 0.5))
    below = np.searchsorted(values, 0.5)

    def density_error():
        result = spectral_density(L)
        return np.interp(0.5, result.grid, result.cumulative) - below

    def trace_error(method):
        result = trace_function(L, lambda x: np.exp(-10 * x), method=method)
        return result.estimate / heat - 1

    routes = {
        "all eigenvalues, LAPACK": lambda: 0.0,
        "trace of heat, slq, relative": lambda: trace_error("slq"),
        "trace of heat, hutch++, relative": lambda: trace_error("hutch++"),
        "trace of heat, hutchinson, relative": lambda: trace_error("hutchinson"),
        "density, eigenvalues below 0.5": density_error,
        "count in [0.2, 0.5], inertia": lambda: (
            count_eigenvalues(L, 0.2, 0.5, method="inertia").count - inside
        ),
        "count in [0.2, 0.5], chebyshev": lambda: (
            count_eigenvalues(L, 0.2, 0.5, method="chebyshev").count - inside
        ),
    }
    timed = [lambda: np.linalg.eigvalsh(dense), *list(routes.values())[1:]]
    seconds = paired_seconds(timed, repeats=repeats)
    for (name, route), time in zip(routes.items(), seconds, strict=True):
        yield name, time, time / seconds[0], f"{route():.2g}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10,000 rows, once")
    arguments = parser.parse_args()
    n, repeats = (10_000, 1) if arguments.quick else (100_000, 5)
    X, _ = make_swiss_roll(n, random_state=0)
    W = sparse.csr_array(NeighborsGraph().fit(X).affinity_)
    if not importlib.util.find_spec("pygsp"):
        print("pygsp cannot be imported and is not compared.\n")
    rows = [
        row
        for n_columns, dtype in ((1, np.float64), (10, np.float64), (10, np.float32))
        for row in banks(W, n_columns, dtype, repeats)
    ]
    print(f"Eight heat filters, {n:,} nodes\n")
    print_table(("block", "route", "seconds", "this / ours", "error"), rows)
    rows = [row for t in (1.0, 30.0) for row in exponentials(W, 10, t, repeats)]
    print("One heat filter, 10 columns\n")
    print_table(("heat", "route", "seconds", "this / ours", "error"), rows)
    X, _ = make_swiss_roll(n // 25, random_state=0)
    print(f"Sums over the spectrum, {n // 25:,} nodes\n")
    rows = sums(sparse.csr_array(NeighborsGraph().fit(X).affinity_), repeats)
    print_table(("quantity", "seconds", "this / LAPACK", "error"), list(rows))


if __name__ == "__main__":
    main()
