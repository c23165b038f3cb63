"""Graph systems on a swiss roll of 200,000 rows: ten columns, few labels.

The system is S/s + c L with 50 labeled rows, solved to a relative residual of 1e-6
by the peers column by column. Quality is the largest true relative residual.
"""

import argparse
import warnings

import numpy as np
import pyamg
from _timing import median_seconds, print_table
from scipy import sparse
from scipy.sparse import linalg
from sklearn.datasets import make_swiss_roll

from sklearn_manifold_reg.graph import NeighborsGraph, laplacian
from sklearn_manifold_reg.linalg import SparseOperator, solve

TOL = 1e-6


def by_factorization(A, B):
    factor = linalg.splu(
        A.tocsc(),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    return np.column_stack([factor.solve(b) for b in B.T])


def by_multigrid(A, B):
    levels = pyamg.ruge_stuben_solver(A.tocsr())
    return np.column_stack([levels.solve(b, tol=TOL / 2, accel="cg") for b in B.T])


def by_jacobi(A, B):
    inverse = sparse.diags_array(1 / A.diagonal())
    columns = (linalg.cg(A, b, rtol=TOL / 2, M=inverse, maxiter=20_000) for b in B.T)
    return np.column_stack([x for x, _ in columns])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="20,000 rows, once")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    n = 20_000 if arguments.quick else 200_000
    repeats = 1 if arguments.quick else arguments.repeats
    X, position = make_swiss_roll(n, random_state=0)
    L = laplacian(NeighborsGraph().fit(X).affinity_, normalization=None)
    rng = np.random.default_rng(0)
    labeled = rng.choice(n, 50, replace=False)
    S = np.zeros(n)
    S[labeled] = 1 / 50
    c = 0.1 / n
    system = SparseOperator(L.csr, diagonal=S + c * L.diagonal_part, scale=-c)
    A = sparse.csr_array(system.to_csr().to_scipy())
    B = S[:, None] * np.sin(position[:, None] * np.arange(1, 11) / 4)

    routes = {
        "ours": lambda: solve(system, B, tol=TOL).x,
        "scipy splu (MMD_AT_PLUS_A) and 10 solves": lambda: by_factorization(A, B),
        "pyamg Ruge-Stüben and cg": lambda: by_multigrid(A, B),
        "scipy cg and Jacobi": lambda: by_jacobi(A, B),
    }
    rows, first = [], None
    for name, route in routes.items():
        answers = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            slow = name.startswith(("pyamg", "scipy cg"))
            seconds = median_seconds(
                lambda r=route, a=answers: a.append(r()),
                repeats=1 if slow else repeats,
                warmup=0 if slow else 1,
            )
        first = first or seconds
        residual = A @ answers[-1] - B
        worst = (np.linalg.norm(residual, axis=0) / np.linalg.norm(B, axis=0)).max()
        rows.append((name, seconds, first / seconds, f"{worst:.1e}"))
    print(f"ours takes solver={solve(system, B, tol=TOL).solver!r}\n")
    print_table(("solver", "seconds", "ours / this", "residual"), rows)


if __name__ == "__main__":
    main()
