"""What reconstructors share that minimize a misfit and a penalty."""

import warnings
from abc import abstractmethod
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import array_api_compat
import numpy as np
from scipy.optimize import minimize_scalar
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from sklearn_manifold_reg._arrays import namespace_of
from sklearn_manifold_reg.inverse._image_operator import ImageOperator
from sklearn_manifold_reg.inverse._noise import noise_levels
from sklearn_manifold_reg.inverse._penalized import (
    PairedOperator,
    Penalty,
    solve_penalized,
)
from sklearn_manifold_reg.inverse._reconstructor import Reconstructor
from sklearn_manifold_reg.optim import gram_diagonal, mean_diagonal
from sklearn_manifold_reg.utils._callbacks import CallbackSupportMixin, fit_task
from sklearn_manifold_reg.utils._numba import run_rows
from sklearn_manifold_reg.utils._sklearn import Interval, StrOptions

# Decades of alpha that "learn" searches, on each side of where both terms weigh alike.
_DECADES = 9
_GRID = 19
# Part of the wanted residual norm by which it may be missed before users are told.
_MISSED = 1e-3
# Pixels below which images are not shared among threads, which would wait for each
# other.
_SERIAL_PIXELS = 4096


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """One reconstructed image with the evidence for it.

    Attributes
    ----------
    x : array of shape (n_pixels,)
        Image in row-major order.
    first_guess : array of shape (n_pixels,) or None
        Image that the penalty was built of, if it is built of one.
    alpha : float
        Weight of the penalty; infinite where the noise explains all but a flat image.
    noise_level : float or None
        Norm of the noise that was assumed.
    residual_norm : float
        Norm of `operator @ x - y`.
    optimality : float
        What is left of the conditions of optimality, relative to the terms that cancel
        there.
    n_iter : int
        Steps of the solver.
    converged : bool
        Whether it met its tolerance.
    """

    x: Any
    first_guess: Any
    alpha: float
    noise_level: float | None
    residual_norm: float
    optimality: float
    n_iter: int
    converged: bool


class RegularizedReconstructor(CallbackSupportMixin, Reconstructor):
    """Reconstructor that minimizes `1/2 ||A x - y||² + alpha P(x)` for each image.

    Subclasses define `_penalty`, and `_prepare` if they learn from true images.
    """

    _parameter_constraints: dict = {
        **Reconstructor._parameter_constraints,
        "image_shape": [tuple, list, None],
        "alpha": [
            Interval(Real, 0, None, closed="left"),
            StrOptions({"discrepancy", "gcv", "learn"}),
        ],
        "noise_level": [Interval(Real, 0, None, closed="left"), None],
        "relative_noise": [Interval(Real, 0, None, closed="left"), None],
        "tau": [Interval(Real, 1, None, closed="left")],
        "positive": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="neither")],
        "restart": [Interval(Integral, 4, None, closed="left")],
        "n_jobs": [Integral, None],
    }

    @abstractmethod
    def _penalty(self, y: Any, guess: Any) -> Penalty:
        """Give the penalty for the image of measurements y."""

    def _has_corners(self) -> bool:
        """Whether the penalty is the sum of absolute values."""
        return False

    def _prepare(self, X: Any, y: Any) -> None:
        """Learn what penalties need, from measurements and true images."""

    def _first_guesses(self, X: Any, levels: list[float] | None) -> list[Any]:
        """Guess the images of rows; None where no guess is needed."""
        return [None] * X.shape[0]

    def _fit(self, X: Any, y: Any) -> None:
        if self.noise_level is not None and self.relative_noise is not None:
            raise ValueError(
                f"noise_level={self.noise_level} and relative_noise="
                f"{self.relative_noise} say the same thing: give one of them."
            )
        X, y = self._start(X, y, self.image_shape)
        for name in ("noise_level", "relative_noise"):
            if self.alpha == "discrepancy" and getattr(self, name) == 0:
                raise ValueError(
                    f"{name}=0 leaves no discrepancy for alpha='discrepancy'; give the "
                    "size of the noise, or alpha as a number, 0 for exact data."
                )
        if self.alpha == "gcv" and (self.positive or self._has_corners()):
            raise ValueError(
                "alpha='gcv' needs a penalty without corners and no constraint; take "
                "'discrepancy', 'learn' or a number."
            )
        if self.alpha == "learn" and (y is None or y.ndim != 2):
            raise ValueError(
                "alpha='learn' compares with true images: pass y of shape "
                f"(n_samples, {self.operator_.shape[1]}) to fit."
            )
        self._forward = PairedOperator(self.operator_, self.operator_.adjoint())
        image = self._forward.adjoint() @ X[0, :]
        self._diagonal = gram_diagonal(self.operator_, None, image)
        with fit_task(self, X, y, n_stages=2) as task:
            with task.stage("penalty"):
                self._prepare(X, y)
            with task.stage("alpha"):
                self.alpha_ = self.alpha
                if self.alpha == "learn":
                    self.alpha_ = self._learned_alpha(X, y)

    def _learned_alpha(self, X: Any, y: Any) -> float:
        """Weight of least squared error over pairs."""
        xp = namespace_of(X)
        guesses = self._first_guesses(X, None)

        def error(log_alpha: float) -> float:
            total = 0.0
            for i, guess in enumerate(guesses):
                found = self._solve(X[i, :], guess, 10**log_alpha, None)
                total += float(xp.sum((found.x - y[i, :]) ** 2))
            return total

        penalty = self._penalty(X[0, :], guesses[0]).operator
        sizes = [
            mean_diagonal(diagonal)
            for diagonal in (self._diagonal, gram_diagonal(penalty, None, y[0, :]))
        ]
        middle = np.log10(sizes[0] / sizes[1]) if min(sizes) > 0 else 0.0
        grid = middle + np.linspace(-_DECADES, _DECADES, _GRID)
        best = int(np.argmin([error(log_alpha) for log_alpha in grid]))
        around = grid[max(best - 1, 0)], grid[min(best + 1, _GRID - 1)]
        options = {"xatol": 0.02}
        found = minimize_scalar(error, bounds=around, method="bounded", options=options)
        return float(10**found.x)

    def reconstruct(self, y, *, return_result=False):
        """Reconstruct one image.

        Parameters
        ----------
        y : array-like of shape (n_measurements,)
            Measurements.
        return_result : bool, default=False
            Whether to give the evidence too.

        Returns
        -------
        x : array of shape (n_pixels,) or Reconstruction
            The image; with `return_result` in a frozen record of image, `alpha` and
            certificates.
        """
        check_is_fitted(self)
        y = y if array_api_compat.is_array_api_obj(y) else np.asarray(y)
        if y.ndim != 1:
            raise ValueError(
                f"y holds the measurements of one image, a vector, got shape "
                f"{tuple(y.shape)}; predict takes several as rows."
            )
        X = self._check_measurements(y[None, :], "reconstruct")
        result = self._results(X)[0]
        return result if return_result else result.x

    def _reconstruct(self, X):
        return namespace_of(X).stack([result.x for result in self._results(X)])

    def _results(
        self, X: Any, levels: list[float] | None = None
    ) -> list[Reconstruction]:
        """Reconstruct rows, and tell users what is to be told."""
        if self.alpha == "discrepancy" and levels is None:
            levels = self._levels(X)
        guesses = self._first_guesses(X, levels)

        def solve(start: int, stop: int) -> list[Reconstruction]:
            return [
                self._solve(
                    X[i, :],
                    guesses[i],
                    self.alpha_,
                    None if levels is None else levels[i],
                )
                for i in range(start, stop)
            ]

        if isinstance(X, np.ndarray):
            serial = self.operator_.shape[1] < _SERIAL_PIXELS
            parts = run_rows(solve, X.shape[0], n_jobs=1 if serial else self.n_jobs)
        else:
            parts = [solve(0, X.shape[0])]
        results = [result for part in parts for result in part]
        _tell(type(self).__name__, results, self.tau, self.tol, self.max_iter)
        return results

    def _levels(self, X: Any) -> list[float]:
        operator = self.operator_
        shape: tuple[int, ...] = (X.shape[1],)
        if isinstance(operator, ImageOperator):
            shape = operator.measurement_shape
        elif self.operator is None:
            shape = self.image_shape_
        if self.noise_level is None and self.relative_noise is None:
            warnings.warn(
                f"{type(self).__name__} knows no noise level and estimates it from "
                "differences of measurements; give noise_level or relative_noise.",
                UserWarning,
                stacklevel=4,
            )
        return noise_levels(X, self.noise_level, self.relative_noise, shape)

    def _solve(
        self, y: Any, guess: Any, alpha: float | str, level: float | None
    ) -> Reconstruction:
        penalty = self._penalty(y, guess)
        result = solve_penalized(
            self._forward,
            y,
            penalty,
            alpha=alpha,
            residual_norm=None if level is None else self.tau * level,
            diagonal=self._diagonal,
            positive=self.positive,
            tol=self.tol,
            max_iter=self.max_iter,
            restart=self.restart,
        )
        return Reconstruction(
            result.x,
            guess,
            result.alpha,
            level,
            result.residual_norm,
            result.optimality,
            result.n_iter,
            result.converged,
        )


def _tell(
    name: str,
    results: list[Reconstruction],
    tau: float,
    tol: float,
    max_iter: int,
) -> None:
    """Warn of images that are not what was asked for."""
    n = len(results)
    flat = sum(result.n_iter == 0 and bool(result.noise_level) for result in results)
    if flat:
        warnings.warn(
            f"For {flat} of {n} images the noise level is larger than all that the "
            f"measurements hold beside a flat image, which {name} returns; lower "
            "noise_level.",
            UserWarning,
            stacklevel=5,
        )
    missed = [
        result.residual_norm / (tau * result.noise_level)
        for result in results
        if result.noise_level and not np.isinf(result.alpha)
    ]
    missed = [ratio for ratio in missed if ratio > 1 + _MISSED]
    if missed:
        warnings.warn(
            f"For {len(missed)} of {n} images no alpha of {name} left a residual as "
            f"small as tau * noise_level, but up to {max(missed):.3g} times that; "
            f"raise noise_level, or max_iter={max_iter}.",
            UserWarning,
            stacklevel=5,
        )
    late = [result.optimality for result in results if not result.converged]
    if late:
        warnings.warn(
            f"{name} stopped after max_iter={max_iter} steps for {len(late)} of {n} "
            f"images, with up to {max(late):.2g} left of the conditions of optimality, "
            f"above tol={tol:.2g}. Raise max_iter.",
            ConvergenceWarning,
            stacklevel=5,
        )
