"""What a linear solver returns."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class SolveResult:
    """Solution of a linear system with the evidence for it.

    Attributes
    ----------
    x : array of shape (n,) or (n, n_outputs)
        Solution, of the right-hand side's library, device, shape and dtype.
    n_iter : ndarray of shape (n_outputs,)
        Steps taken by each column; 0 for direct solvers.
    residual_norm : ndarray of shape (n_outputs,)
        Norm of `B - A x` over the norm of `B`, per column, computed in float64 from
        the `x` that is returned; 0 for zero columns. `B` is the right-hand side
        without its part in the null space.
    converged : bool
        Whether every column met the tolerance. In float32 this is asked of the
        solution before it is rounded.
    solver : str
        Solver that was used: "cg", "amg", "dense" or "direct".
    """

    x: Any
    n_iter: np.ndarray
    residual_norm: np.ndarray
    converged: bool
    solver: str
