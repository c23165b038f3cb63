"""Weights of squared gradients that move to where a function is steep.

For weights lambda >= 0 of sum 1, the smoothest function with `loss <= epsilon` in the
sense of `sum lambda_k G_k(F)` gives the lower bound

    sum lambda_k G_k(F) + ridge |f|² + mu (loss - epsilon)

of the least possible `max_k G_k + ridge |f|²`. Two rules change lambda. In proportion
to G it settles where lambda = G / sum G, which is the condition for the least
`sum G_k²`. The other rule raises the lower bound until it meets the maximum.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import device, namespace_of, to_numpy
from sklearn_manifold_reg.semi_supervised._local_gradients import LocalGradients
from sklearn_manifold_reg.semi_supervised._smooth_fit import Fit, SmoothFit

# Least weight over the mean weight: without it a function is undetermined where the
# weights vanish.
_FLOOR = 1e-4
# Step towards weights in proportion to G. Edges in series answer to a weight with its
# inverse square, edges in parallel not at all: errors shrink by half in both cases.
_PROPORTIONAL_STEP = 0.5
# Share of epsilon by which the loss stays below it, of the last function, and on the
# way there.
_SLACK = 1e-3
_LOOSE = 0.1
# Smallest logarithm of a factor in one multiplicative step.
_LEAST_LOG = -4.0
# Steps that extrapolation looks back, and those before it begins.
_MEMORY = 8
_FIRST_STEPS = 5
# Share of epsilon by which a sum of functions may exceed it by rounding.
_ROUNDING = 1e-9
# Least relative size of directions that extrapolation tells apart.
_RESOLUTION = 1e-14
_GOLDEN = (5**0.5 - 1) / 2
# Reductions of the interval in a search along a segment.
_SEARCH_STEPS = 25


@dataclass(frozen=True, eq=False)
class Answer:
    """Function, weights and bounds.

    Attributes
    ----------
    fit : Fit
        The function.
    weights : array of shape (m,)
        Weights lambda, of sum 1.
    largest : float
        Largest squared gradient of the function.
    lower, upper : float
        Bounds of the least possible `max G + ridge |f|²`; the upper one is infinite
        if no function with `loss <= epsilon` was found.
    n_iter : int
        Functions on the way.
    converged : bool
        Whether the rule came to its end.
    history : dict of ndarray
        "loss", "max_gradient", "dual" and "mu" of each function on the way.
    """

    fit: Fit
    weights: Any
    largest: float
    lower: float
    upper: float
    n_iter: int
    converged: bool
    history: dict

    @property
    def gap(self) -> float:
        """Relative gap of the bounds; `NaN` if there is no upper one."""
        if not np.isfinite(self.upper):
            return np.nan
        return max(0.0, (self.upper - self.lower) / self.upper) if self.upper else 0.0


class ProportionalRule:
    """Half-way to weights in proportion to the squared gradients.

    Parameters
    ----------
    tol : float
        Sum of absolute changes of the weights below which they stay.
    """

    def __init__(self, tol: float) -> None:
        self.tol = tol
        self.slack, self.last_slack = _LOOSE, _SLACK

    def __call__(self, weights: Any, G: Any, fit: Fit, lower: float) -> Any:
        """Change the weights; None if that is no longer needed."""
        xp = namespace_of(G)
        total = float(xp.sum(G))
        if total == 0:
            return None
        new = weights + _PROPORTIONAL_STEP * (_raised(G / total, _FLOOR) - weights)
        change = float(xp.sum(xp.abs(new - weights)))
        self.slack = min(max(change, _SLACK), self.slack)
        return None if change <= self.tol else new

    def answer(self, fit: Fit, weights: Any) -> tuple[Fit, Any]:
        """Give function and weights, those of the last step."""
        return fit, weights


class BoundRule:
    """Multiplicative steps, extrapolated, towards the largest lower bound.

    Weights are multiplied by G over its mean. Edges in series would overshoot and
    return forever by that alone: Anderson's extrapolation of the logarithms finds the
    right lengths, and is taken back whenever the lower bound falls. The best function
    is found on segments from the one so far to the new one.

    Parameters
    ----------
    problem : SmoothFit
        Problem.
    gradients : LocalGradients
        Squared gradients.
    tol : float
        Relative gap of the bounds that is small enough.
    """

    def __init__(
        self, problem: SmoothFit, gradients: LocalGradients, tol: float
    ) -> None:
        self.problem = problem
        self.gradients = gradients
        self.tol = tol
        self.floor = min(_FLOOR, tol / 10)
        self.best: Any = None
        self.upper = np.inf
        self.best_lower = -np.inf
        self.best_weights: Any = None
        self._G: Any = None
        self._logs: list[Any] = []
        self._steps: list[Any] = []
        self._plain: Any = None
        self._last_lower = -np.inf
        self._count = 0
        self.slack, self.last_slack = _LOOSE, min(_SLACK, tol / 2)

    def __call__(self, weights: Any, G: Any, fit: Fit, lower: float) -> Any:
        """Change the weights; None if the bounds have met."""
        if lower > self.best_lower:
            self.best_lower, self.best_weights = lower, weights
        self._improve(G, fit)
        if np.isfinite(self.upper):
            gap = (self.upper - self.best_lower) / self.upper
            self.slack = min(max(gap, self.last_slack), self.slack)
        if self.upper - self.best_lower <= self.tol * self.upper:
            return None
        xp = namespace_of(G)
        if self._plain is not None and lower < self._last_lower:
            logs, self._plain = self._plain, None
            self._logs, self._steps = self._logs[-1:], self._steps[-1:]
        else:
            self._last_lower = lower
            logs = self._extrapolated(weights, G)
        new = xp.exp(logs - xp.max(logs))
        return _raised(new / xp.sum(new), self.floor)

    def answer(self, fit: Fit, weights: Any) -> tuple[Fit, Any]:
        """Give the best function, and the weights of the best lower bound."""
        return fit if self.best is None else self.best, self.best_weights

    def _improve(self, G: Any, fit: Fit) -> None:
        """Search the segment from the best function to a new one."""
        if fit.loss > self.problem.epsilon:
            return
        xp = namespace_of(G)
        if self.best is None:
            self.best, self._G = fit, G
            self.upper = float(xp.max(G)) + fit.norm
            return
        # Everything is quadratic along the segment.
        apart = self.gradients.squares(fit.values - self.best.values)
        middle = self.problem.between(self.best, fit, 0.5)
        linear = G - self._G - apart
        bend = 2 * (self.best.norm + fit.norm) - 4 * middle.norm
        slope = fit.norm - self.best.norm - bend

        def height(step: float) -> float:
            own = self._G + step * (linear + step * apart)
            return float(xp.max(own)) + step * (slope + step * bend) + self.best.norm

        step = _search(height)
        self.best = self.problem.between(self.best, fit, step)
        self._G = self.gradients.squares(self.best.values)
        self.upper = float(xp.max(self._G)) + self.best.norm

    def _extrapolated(self, weights: Any, G: Any) -> Any:
        xp = namespace_of(G)
        mean = float(xp.sum(weights * G))
        tiny = float(np.finfo(np.float32).tiny)
        ratio = xp.clip(G / mean, min=tiny) if mean > 0 else xp.ones_like(G)
        step = xp.clip(xp.log(ratio), min=_LEAST_LOG)
        logs = xp.log(weights)
        plain = logs + step
        self._logs = [*self._logs, logs][-_MEMORY:]
        self._steps = [*self._steps, step][-_MEMORY:]
        self._plain = None
        self._count += 1
        if self._count <= _FIRST_STEPS or len(self._steps) < 3:
            return plain
        self._plain = plain
        turns = _differences(self._steps)
        moves = _differences(self._logs)
        A = xp.stack(turns, axis=1) * xp.sqrt(weights)[:, None]
        gram = to_numpy(A.T @ A)
        right = to_numpy(A.T @ (xp.sqrt(weights) * step))
        amounts = np.linalg.lstsq(gram, right, rcond=_RESOLUTION)[0]
        for amount, turn, move in zip(amounts.tolist(), turns, moves, strict=True):
            plain = plain - amount * (turn + move)
        return plain


def adapt_weights(
    problem: SmoothFit,
    gradients: LocalGradients,
    rule: ProportionalRule | BoundRule,
    iterations: Iterable[int],
) -> Answer:
    """Alternate between functions and weights, from equal weights on.

    Parameters
    ----------
    problem : SmoothFit
        Problem.
    gradients : LocalGradients
        Squared gradients.
    rule : ProportionalRule or BoundRule
        How weights change.
    iterations : iterable of int
        Each element allows one change.

    Returns
    -------
    answer : Answer
        The function and its certificate.
    """
    m = gradients.n_terms
    S = problem.loss.S
    weights = namespace_of(S).full(m, 1 / m, dtype=S.dtype, device=device(S))
    told = _History(problem, gradients)
    fit, G, lower = told.look(weights, rule.slack, None)
    proposed = rule(weights, G, fit, lower)
    for _ in iterations:
        if fit.exhausted or proposed is None:
            break
        weights = proposed
        fit, G, lower = told.look(weights, rule.slack, fit)
        proposed = rule(weights, G, fit, lower)
    if not (fit.exhausted or told.is_tight(rule.last_slack)):
        fit, G, lower = told.look(weights, rule.last_slack, fit)
        again = rule(weights, G, fit, lower)
        proposed = None if proposed is None else again
    converged = proposed is None or fit.exhausted
    fit, weights = rule.answer(fit, weights)
    squares = gradients.squares(fit.values)
    largest = float(namespace_of(squares).max(squares))
    feasible = fit.loss <= problem.epsilon * (1 + _ROUNDING)
    return Answer(
        fit,
        weights,
        largest,
        max(told.record["dual"]),
        largest + fit.norm if feasible else np.inf,
        len(told.record["dual"]),
        converged,
        {name: np.array(values) for name, values in told.record.items()},
    )


def constant_answer(
    problem: SmoothFit, gradients: LocalGradients, values: Any
) -> Answer:
    """Take functions that are constant on components for the answer.

    Parameters
    ----------
    problem : SmoothFit
        Problem.
    gradients : LocalGradients
        Squared gradients.
    values : array of shape (n, n_columns)
        The constants.

    Returns
    -------
    answer : Answer
        Without steepness.
    """
    xp, m = namespace_of(values), gradients.n_terms
    equal = xp.full(m, 1 / max(m, 1), dtype=values.dtype, device=device(values))
    fit = replace(problem.constant(), values=values, loss=problem.loss.value(values))
    told = {"loss": fit.loss, "max_gradient": 0.0, "dual": 0.0, "mu": 0.0}
    history = {name: np.array([value]) for name, value in told.items()}
    return Answer(fit, equal, 0.0, 0.0, 0.0, 1, True, history)


class _History:
    """Functions for given weights, and what they were like."""

    def __init__(self, problem: SmoothFit, gradients: LocalGradients) -> None:
        self.problem = problem
        self.gradients = gradients
        names = ("loss", "max_gradient", "dual", "mu")
        self.record: dict[str, list[float]] = {name: [] for name in names}

    def is_tight(self, slack: float) -> bool:
        """Whether the last function uses up epsilon."""
        loss, epsilon = self.record["loss"][-1], self.problem.epsilon
        return (1 - slack) * epsilon <= loss <= epsilon

    def look(
        self, weights: Any, slack: float, start: Fit | None
    ) -> tuple[Fit, Any, float]:
        """Give the smoothest function for weights, its gradients and its bound."""
        fit = self.problem.solve(self.gradients.weighted(weights), slack, start)
        G = self.gradients.squares(fit.values)
        xp = namespace_of(G)
        excess = fit.mu * (fit.loss - self.problem.epsilon)
        lower = float(xp.sum(weights * G)) + fit.norm + excess
        largest = float(xp.max(G))
        for name, value in zip(
            self.record, (fit.loss, largest, lower, fit.mu), strict=True
        ):
            self.record[name].append(value)
        return fit, G, lower


def _raised(weights: Any, floor: float) -> Any:
    """Mix weights of sum 1 with equal ones."""
    return (1 - floor) * weights + floor / weights.shape[0]


def _differences(vectors: list[Any]) -> list[Any]:
    return [after - before for before, after in pairwise(vectors)]


def _search(height: Callable[[float], float]) -> float:
    """Minimize a convex function of [0, 1] by golden sections."""
    low, high = 0.0, 1.0
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = height(left), height(right)
    for _ in range(_SEARCH_STEPS):
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = height(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = height(right)
    heights = {step: height(step) for step in (0.0, (low + high) / 2, 1.0)}
    return min(heights, key=heights.__getitem__)
