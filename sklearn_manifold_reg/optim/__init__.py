"""Losses and misfits, and the algorithms that minimize them."""

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

__all__ = [
    "LOSSES",
    "HingeLoss",
    "KernelMachineResult",
    "LogisticLoss",
    "MarginLoss",
    "SobolevMisfit",
    "SquaredHingeLoss",
    "solve_kernel_machine",
]
