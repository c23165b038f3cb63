"""Losses and misfits, and the algorithms that minimize them."""

from sklearn_manifold_reg.optim._generalized_krylov import (
    RegularizedResult,
    solve_generalized_krylov,
)
from sklearn_manifold_reg.optim._gram_diagonal import gram_diagonal, mean_diagonal
from sklearn_manifold_reg.optim._kernel_machine import (
    KernelMachineResult,
    solve_kernel_machine,
)
from sklearn_manifold_reg.optim._losses import (
    LOSSES,
    HingeLoss,
    LogisticLoss,
    MarginLoss,
    SquaredHingeLoss,
)
from sklearn_manifold_reg.optim._sobolev import SobolevMisfit
from sklearn_manifold_reg.optim._splitting import solve_splitting

__all__ = [
    "LOSSES",
    "HingeLoss",
    "KernelMachineResult",
    "LogisticLoss",
    "MarginLoss",
    "RegularizedResult",
    "SobolevMisfit",
    "SquaredHingeLoss",
    "gram_diagonal",
    "mean_diagonal",
    "solve_generalized_krylov",
    "solve_kernel_machine",
    "solve_splitting",
]
