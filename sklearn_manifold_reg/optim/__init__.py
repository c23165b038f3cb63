"""Losses, and the algorithms that minimize them."""

from sklearn_manifold_reg.optim._generalized_krylov import (
    RegularizedResult,
    solve_generalized_krylov,
)
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

__all__ = [
    "LOSSES",
    "HingeLoss",
    "KernelMachineResult",
    "LogisticLoss",
    "MarginLoss",
    "RegularizedResult",
    "SquaredHingeLoss",
    "solve_generalized_krylov",
    "solve_kernel_machine",
]
