"""Linear operators and solvers, written once for every array library."""

from sklearn_manifold_reg.linalg._bootstrap import (
    SmoothVectors,
    bootstrap_smooth_vectors,
    orthonormal_span,
)
from sklearn_manifold_reg.linalg._dense import solve_dense
from sklearn_manifold_reg.linalg._eigen import EigenResult, lowest_eigenpairs
from sklearn_manifold_reg.linalg._multigrid import MultigridPreconditioner
from sklearn_manifold_reg.linalg._null_space import NullSpace
from sklearn_manifold_reg.linalg._operators import (
    DenseOperator,
    DiagonalOperator,
    Operator,
    Power,
    ScaledSum,
    SparseOperator,
    as_operator,
)
from sklearn_manifold_reg.linalg._polynomial import (
    ChebyshevOperator,
    chebyshev_operator,
)
from sklearn_manifold_reg.linalg._reorder import bandwidth_order, reordering_pays
from sklearn_manifold_reg.linalg._result import SolveResult
from sklearn_manifold_reg.linalg._shifted import ShiftedResult, solve_shifted
from sklearn_manifold_reg.linalg._solve import Factorization, factorize, solve

__all__ = [
    "ChebyshevOperator",
    "DenseOperator",
    "DiagonalOperator",
    "EigenResult",
    "Factorization",
    "MultigridPreconditioner",
    "NullSpace",
    "Operator",
    "Power",
    "ScaledSum",
    "ShiftedResult",
    "SmoothVectors",
    "SolveResult",
    "SparseOperator",
    "as_operator",
    "bandwidth_order",
    "bootstrap_smooth_vectors",
    "chebyshev_operator",
    "factorize",
    "lowest_eigenpairs",
    "orthonormal_span",
    "reordering_pays",
    "solve",
    "solve_dense",
    "solve_shifted",
]
