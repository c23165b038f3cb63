"""The problem of one image: a misfit, a penalty, and the weight between them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import device, namespace_of
from sklearn_manifold_reg.linalg import Operator
from sklearn_manifold_reg.optim import (
    RegularizedResult,
    gram_diagonal,
    mean_diagonal,
    solve_generalized_krylov,
    solve_splitting,
)

# Size of L 1, relative to that of L, below which constant images are free.
_FREE = 1e-5
# Rounds of alternating directions for each step in a space.
_ROUNDS = 10
# Weight that alternating directions are told to expect, over that without constraint:
# with it they take some hundred rounds where the weight itself takes a thousand.
_SOFTER = 1e-2


@dataclass(frozen=True, eq=False)
class Penalty:
    """A penalty on images.

    Attributes
    ----------
    operator : Operator of shape (n_terms, n_pixels)
        L.
    kind : {"l2", "l1", "lq"}
        1/2 ||L x||², ||L x||_1, or 1/q sum_i (|L x|_i² + smoothing²)^(q/2).
    flat : array of shape (n_pixels,) or None
        Image that costs nothing. None if only zero does.
    q, smoothing : float
        For "lq".
    start : array of shape (n_pixels,) or None
        Guess of the solution.
    """

    operator: Operator
    kind: str
    flat: Any = None
    q: float = 2.0
    smoothing: float = 0.0
    start: Any = None


@dataclass(frozen=True, eq=False)
class PairedOperator(Operator):
    """An operator that keeps its adjoint, which a sparse matrix takes time to make.

    Attributes
    ----------
    operator, transposed : Operator
        The map and its adjoint.
    """

    operator: Operator
    transposed: Operator

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""
        return self.operator.shape

    @property
    def dtype(self) -> Any:
        """Dtype of the entries."""
        return self.operator.dtype

    def matmat(self, B: Any) -> Any:
        """Multiply a block.

        Parameters
        ----------
        B : array of shape (n_columns,) or (n_columns, n_outputs)
            Vector or block.

        Returns
        -------
        product : array of shape (n_rows,) or (n_rows, n_outputs)
            The image.
        """
        return self.operator @ B

    def adjoint(self) -> "PairedOperator":
        """Give the adjoint.

        Returns
        -------
        adjoint : PairedOperator
            Of shape (n_columns, n_rows).
        """
        return PairedOperator(self.transposed, self.operator)


def solve_penalized(
    forward: Operator,
    y: Any,
    penalty: Penalty,
    *,
    alpha: float | str,
    residual_norm: float | None,
    diagonal: Any,
    positive: bool,
    tol: float,
    max_iter: int,
    restart: int,
) -> RegularizedResult:
    """Minimize misfit and penalty for one image.

    Parameters
    ----------
    forward : Operator of shape (n_measurements, n_pixels)
        A.
    y : array of shape (n_measurements,)
        Measurements.
    penalty : Penalty
        P.
    alpha : float or "gcv"
        Weight of the penalty.
    residual_norm : float or None
        Residual norm wanted, whatever `alpha` says.
    diagonal : array of shape (n_pixels,) or float
        Diagonal of A'A or its mean.
    positive : bool
        Whether pixels are nonnegative.
    tol, max_iter, restart : float, int, int
        See `optim.solve_generalized_krylov`.

    Returns
    -------
    result : RegularizedResult
        The image and certificates. `alpha` is infinite if an image without any
        penalty leaves no more than the noise.
    """
    rule: dict[str, Any] = {"alpha": alpha}
    if residual_norm is not None:
        flat = _flat_image(forward, y, penalty.flat, positive)
        if flat.residual_norm <= residual_norm:
            return flat
        # Data without any noise are fitted as well as they can be.
        rule = {"residual_norm": residual_norm} if residual_norm > 0 else {"alpha": 0.0}
    common: dict[str, Any] = {
        **rule,
        "start": penalty.start,
        "diagonal": diagonal,
        "tol": tol,
        "max_iter": max_iter,
    }
    if penalty.kind == "l1":
        return solve_splitting(
            forward,
            penalty.operator,
            y,
            positive=positive,
            **{**common, "max_iter": _ROUNDS * max_iter},
        )
    free = solve_generalized_krylov(
        forward,
        penalty.operator,
        y,
        q=penalty.q,
        smoothing=penalty.smoothing,
        restart=restart,
        **common,
    )
    if not positive or bool(namespace_of(y).all(free.x >= 0)):
        return free
    return solve_splitting(
        forward,
        penalty.operator,
        y,
        penalty="l2",
        positive=True,
        expected=_SOFTER * free.alpha if free.alpha > 0 else None,
        **{**common, "start": free.x, "max_iter": _ROUNDS * max_iter},
    )


def _flat_image(
    forward: Operator, y: Any, flat: Any, positive: bool
) -> RegularizedResult:
    """Give the image without penalty that fits best."""
    xp = namespace_of(y)
    x = xp.zeros_like(forward.adjoint() @ y)
    if flat is not None:
        image = forward @ flat
        square = float(xp.sum(image * image))
        factor = float(xp.sum(image * y)) / square if square > 0 else 0.0
        x = (max(factor, 0.0) if positive else factor) * flat
    residual = float(xp.linalg.vector_norm(forward @ x - y))
    x = xp.astype(x, y.dtype, copy=False)
    return RegularizedResult(x, float("inf"), residual, 0.0, 0.0, 0, True, np.zeros(0))


def flat_where_free(operator: Operator, y: Any) -> Any:
    """Give the constant image if it costs nothing.

    Parameters
    ----------
    operator : Operator of shape (n_terms, n_pixels)
        L of a penalty on L x.
    y : array
        Whose library, device and dtype are taken.

    Returns
    -------
    flat : array of shape (n_pixels,) or None
        Ones, or None if L does not send them to zero.
    """
    xp = namespace_of(y)
    ones = xp.ones(operator.shape[1], dtype=y.dtype, device=device(y))
    slope = xp.linalg.vector_norm(operator @ ones)
    size = mean_diagonal(gram_diagonal(operator, None, ones)) * operator.shape[1]
    return ones if float(slope) <= _FREE * size**0.5 else None
