"""Linear operators and solvers, written once for every array library."""

from sklearn_manifold_reg.linalg._bootstrap import (
    SmoothVectors,
    bootstrap_smooth_vectors,
    orthonormal_span,
)
from sklearn_manifold_reg.linalg._counts import EigenvalueCount, count_eigenvalues
from sklearn_manifold_reg.linalg._dense import solve_dense
from sklearn_manifold_reg.linalg._eigen import EigenResult, lowest_eigenpairs
from sklearn_manifold_reg.linalg._lanczos import FunctionResult, apply_function
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
    apply_chebyshev,
    chebyshev_coefficients,
    chebyshev_operator,
    indicator_coefficients,
    jackson_damping,
)
from sklearn_manifold_reg.linalg._reorder import bandwidth_order, reordering_pays
from sklearn_manifold_reg.linalg._result import SolveResult
from sklearn_manifold_reg.linalg._shifted import ShiftedResult, solve_shifted
from sklearn_manifold_reg.linalg._solve import Factorization, factorize, solve
from sklearn_manifold_reg.linalg._spectral_density import (
    SpectralDensity,
    spectral_density,
)
from sklearn_manifold_reg.linalg._spectral_interval import spectral_interval
from sklearn_manifold_reg.linalg._traces import (
    TraceResult,
    log_pseudo_determinant,
    trace_function,
)

__all__ = [
    "ChebyshevOperator",
    "DenseOperator",
    "DiagonalOperator",
    "EigenResult",
    "EigenvalueCount",
    "Factorization",
    "FunctionResult",
    "MultigridPreconditioner",
    "NullSpace",
    "Operator",
    "Power",
    "ScaledSum",
    "ShiftedResult",
    "SmoothVectors",
    "SolveResult",
    "SparseOperator",
    "SpectralDensity",
    "TraceResult",
    "apply_chebyshev",
    "apply_function",
    "as_operator",
    "bandwidth_order",
    "bootstrap_smooth_vectors",
    "chebyshev_coefficients",
    "chebyshev_operator",
    "count_eigenvalues",
    "factorize",
    "indicator_coefficients",
    "jackson_damping",
    "log_pseudo_determinant",
    "lowest_eigenpairs",
    "orthonormal_span",
    "reordering_pays",
    "solve",
    "solve_dense",
    "solve_shifted",
    "spectral_density",
    "spectral_interval",
    "trace_function",
]
