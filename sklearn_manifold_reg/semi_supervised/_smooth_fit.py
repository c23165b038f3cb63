"""The smoothest function whose loss is at most epsilon, for a fixed Laplacian.

    minimize  tr F' L F + ridge |f|²   subject to   loss(F) <= epsilon

F being the values of f at the nodes. Its multiplier mu is found from the way in which
the loss falls as mu grows, with one linear system for each trial, or a few if the loss
is not quadratic.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import asarray_like, device, namespace_of, to_numpy
from sklearn_manifold_reg.graph import GraphOperator
from sklearn_manifold_reg.optim import LOSSES
from sklearn_manifold_reg.semi_supervised._labeled_components import component_means
from sklearn_manifold_reg.semi_supervised._manifold_penalty import ManifoldPenalty
from sklearn_manifold_reg.semi_supervised._partly_labeled import equal_columns

# Trials of mu for one Laplacian; four usually do.
_MAX_TRIALS = 60
# Largest change of mu in one trial.
_MAX_RATIO = 1e3
# Least power of mu with which the loss is expected to change.
_LEAST_GROWTH = 0.1
# mu over the typical diagonal of L, or its inverse, beyond which no loss is going to
# change any more.
_MAX_MU = 1e12
# Newton steps for one mu, and the relative fall of the Lagrangian that ends them.
_NEWTON_STEPS = 50
_NEWTON_TOL = 1e-9
# Half margins that are taken for zero.
_LEAST_MARGIN = 1e-10


@dataclass(frozen=True, eq=False)
class SquaredColumns:
    """Mean of `(y - f)²` over the labeled rows of a column, summed over columns.

    Attributes
    ----------
    Y : array of shape (n, n_columns)
        Targets.
    S : array of shape (n, n_columns)
        Weights of labels, zero where there is none.
    """

    Y: Any
    S: Any

    # The loss falls like mu^(-1 / exponent).
    exponent = 0.5

    def value(self, F: Any) -> float:
        """Evaluate the loss.

        Parameters
        ----------
        F : array of shape (n, n_columns)
            Function values.

        Returns
        -------
        loss : float
            Of all columns.
        """
        return weighted_mean((self.Y - F) ** 2, self.S)

    def model(self, _F: Any) -> tuple[Any, Any]:
        """Give targets and weights of the loss, which is its own quadratic model.

        Parameters
        ----------
        _F : array of shape (n, n_columns)
            Function values.

        Returns
        -------
        targets, weights : array of shape (n, n_columns)
            The model is `sum weights (targets - f)²` over the sums of S, up to a
            constant.
        """
        return self.Y, self.S

    def means(self) -> Any:
        """Average the labels.

        Returns
        -------
        means : array of shape (n_columns,)
            One a column.
        """
        xp = namespace_of(self.S)
        return xp.sum(self.S * self.Y, axis=0) / xp.sum(self.S, axis=0)

    def constant(self, level: Any, labels: np.ndarray | None) -> Any:
        """Find the constants of least loss.

        Parameters
        ----------
        level : array of shape (n_columns,)
            Constant where there is no label.
        labels : ndarray of int, shape (n,) or None
            Component of each node, with a constant of its own; None for one constant.

        Returns
        -------
        F : array of shape (n, n_columns)
            Constants.
        """
        return _label_means(self.Y, self.S, level, labels)


@dataclass(frozen=True, eq=False)
class LogisticColumns:
    """Mean of `log(1 + exp(-y f))` over labeled rows, summed over columns; y = 1, -1.

    Attributes
    ----------
    Y : ndarray of shape (n, n_columns)
        Signs.
    S : ndarray of shape (n, n_columns)
        Weights of labels, zero where there is none.
    least_curvature : float
        Curvature of Newton's model where the loss has less. Losses of one row have
        about their own size for a curvature.
    """

    Y: np.ndarray
    S: np.ndarray
    least_curvature: float

    exponent = 1.0

    def value(self, F: np.ndarray) -> float:
        """Evaluate the loss.

        Parameters
        ----------
        F : ndarray of shape (n, n_columns)
            Function values.

        Returns
        -------
        loss : float
            Of all columns.
        """
        return weighted_mean(LOSSES["log_loss"].value(self.Y * F), self.S)

    def model(self, F: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give the targets and the weights of Newton's model at F.

        Parameters
        ----------
        F : ndarray of shape (n, n_columns)
            Function values.

        Returns
        -------
        targets, weights : ndarray of shape (n, n_columns)
            As for the squared loss.
        """
        curvature = LOSSES["log_loss"].curvature(self.Y * F)
        return self._quadratic(F, np.maximum(curvature, self.least_curvature))

    def bound(self, F: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give those of an upper bound that touches the loss at F.

        Parameters
        ----------
        F : ndarray of shape (n, n_columns)
            Function values.

        Returns
        -------
        targets, weights : ndarray of shape (n, n_columns)
            As for the squared loss.
        """
        half = np.maximum(np.abs(F) / 2, _LEAST_MARGIN)
        return self._quadratic(F, np.tanh(half) / (4 * half))

    def _quadratic(
        self, F: np.ndarray, curvature: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        slope = self.Y * LOSSES["log_loss"].derivative(self.Y * F)
        return F - slope / curvature, self.S * curvature / 2

    def constant(self, level: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
        """Find the constants of least loss.

        Parameters
        ----------
        level : ndarray of shape (n_columns,)
            Constant where there is no label.
        labels : ndarray of int, shape (n,) or None
            Component of each node, with a constant of its own; None for one constant.

        Returns
        -------
        F : ndarray of shape (n, n_columns)
            Log odds, at most 30 in a component with labels of one sign.
        """
        share = _label_means((self.Y + 1) / 2, self.S, 1 / (1 + np.exp(-level)), labels)
        share = np.clip(share, 1e-13, 1 - 1e-13)
        return np.log(share / (1 - share))


@dataclass(frozen=True, eq=False)
class Fit:
    """A function and what it costs.

    Attributes
    ----------
    parameters : array
        Values at the nodes or coefficients, one column an output.
    values : array of shape (n, n_columns)
        Values at the nodes, `level` included.
    loss : float
        Loss.
    norm : float
        ridge |f|².
    mu : float
        Multiplier of the loss.
    next_mu : float
        Multiplier with which the loss is expected to be nearer to epsilon.
    exhausted : bool
        Whether no multiplier gives a loss of epsilon: any function of this form has
        more, or one without a measurable gradient has less.
    """

    parameters: Any
    values: Any
    loss: float
    norm: float
    mu: float
    next_mu: float = 0.0
    exhausted: bool = False


class _RootSearch:
    """Search of the multiplier for which the loss has a given value.

    With p the exponent of the loss, `loss^-p - largest^-p` grows like a power of mu,
    in proportion to it if the function has one mode. The power is that between the
    last two trials.
    """

    def __init__(self, exponent: float, largest: float) -> None:
        self.power = -exponent
        self.origin = largest**self.power
        self.low, self.high = 0.0, np.inf
        self.last: tuple[float, float] | None = None

    def propose(self, mu: float, loss: float, target: float) -> float:
        """Give the next multiplier to try, between those known to be too far."""
        if loss > target:
            self.low = mu
        else:
            self.high = mu
        tiny = np.finfo(float).tiny
        grown = max(max(loss, tiny) ** self.power - self.origin, tiny)
        wanted = target**self.power - self.origin
        here = (float(np.log(mu)), float(np.log(grown)))
        growth = 1.0
        if self.last is not None and here[0] != self.last[0]:
            slope = (here[1] - self.last[1]) / (here[0] - self.last[0])
            growth = min(max(slope, _LEAST_GROWTH), 1.0)
        self.last = here
        step = (np.log(wanted) - here[1]) / growth
        limit = np.log(_MAX_RATIO)
        proposed = mu * float(np.exp(np.clip(step, -limit, limit)))
        if self.low <= proposed <= self.high:
            return proposed
        if self.low == 0:
            return self.high / _MAX_RATIO
        return float(np.sqrt(self.low * min(self.high, self.low * _MAX_RATIO**2)))


@dataclass(frozen=True, eq=False)
class SmoothFit:
    """The problem without its Laplacian.

    Attributes
    ----------
    loss : SquaredColumns or LogisticColumns
        Loss.
    epsilon : float
        Largest loss.
    level : array of shape (n_columns,)
        Constants that f is added to.
    largest : float
        Loss of the best constants.
    n_parameters : int
        Number of parameters of a column.
    ridge : float
        Weight of the sum of squared parameters.
    make_form : callable
        `make_form(penalty, ridge, column, start)` gives a form of `_forms`.
    """

    loss: SquaredColumns | LogisticColumns
    epsilon: float
    level: Any
    largest: float
    n_parameters: int
    ridge: float
    make_form: Callable

    def solve(self, L: GraphOperator, slack: float, start: Fit | None = None) -> Fit:
        """Find the smoothest function.

        Parameters
        ----------
        L : GraphOperator
            Laplacian.
        slack : float
            Share of `epsilon` by which the loss may stay below it.
        start : Fit, default=None
            Solution for a similar Laplacian.

        Returns
        -------
        fit : Fit
            With a loss of `(1 - slack) epsilon` to `epsilon`; above that if no
            function of this form has it.
        """
        typical = float(namespace_of(L.degrees).mean(L.degrees)) or 1.0
        fit, mu = start, 0.0 if start is None else start.next_mu
        if fit is None:
            fit = self.constant()
            mu = typical * float(np.count_nonzero(to_numpy(self.loss.S)))
        target = self.epsilon * (1 - slack / 2)
        search = _RootSearch(self.loss.exponent, self.largest)
        for _ in range(_MAX_TRIALS):
            fit = self._minimize(L, mu, fit)
            proposed = search.propose(mu, fit.loss, target)
            inside = abs(fit.loss - target) <= slack / 2 * self.epsilon
            beyond = max(mu / typical, typical / mu) > _MAX_MU
            if inside or beyond:
                break
            mu = proposed
        return replace(fit, next_mu=proposed, exhausted=not inside)

    def constant(self) -> Fit:
        """Give the function that is `level` everywhere.

        Returns
        -------
        fit : Fit
            Without a multiplier.
        """
        xp, S = namespace_of(self.loss.S), self.loss.S
        shape = (self.n_parameters, S.shape[1])
        parameters = xp.zeros(shape, dtype=S.dtype, device=device(S))
        return self._fit(parameters, xp.zeros_like(S), 0.0)

    def between(self, first: Fit, second: Fit, step: float) -> Fit:
        """Go a step from one function to another.

        Parameters
        ----------
        first, second : Fit
            Functions.
        step : float
            0 gives the first, 1 the second.

        Returns
        -------
        fit : Fit
            With the multiplier of the second.
        """
        parameters = first.parameters + step * (second.parameters - first.parameters)
        values = first.values + step * (second.values - first.values)
        return self._fit(parameters, values - self.level[None, :], second.mu)

    def _minimize(self, L: GraphOperator, mu: float, start: Fit) -> Fit:
        """Minimize the Lagrangian by Newton's steps; one if it is quadratic.

        A step that does not descend gives way to that of an upper bound.
        """
        if isinstance(self.loss, SquaredColumns):
            return self._step(L, mu, start, self.loss.model)
        fit, value = start, self._lagrangian(L, mu, start)
        for _ in range(_NEWTON_STEPS):
            new = self._step(L, mu, fit, self.loss.model)
            reached = self._lagrangian(L, mu, new)
            if not reached < value:
                new = self._step(L, mu, fit, self.loss.bound)
                reached = self._lagrangian(L, mu, new)
            if not reached < value:
                break
            fell = value - reached
            fit, value = new, reached
            if fell <= _NEWTON_TOL * abs(value):
                break
        return replace(fit, mu=mu)

    def _lagrangian(self, L: GraphOperator, mu: float, fit: Fit) -> float:
        energy = namespace_of(fit.values).sum(fit.values * L.matmat(fit.values))
        return mu * fit.loss + float(energy) + fit.norm

    def _step(self, L: GraphOperator, mu: float, start: Fit, model: Callable) -> Fit:
        """Minimize a quadratic model of the Lagrangian at a function."""
        S = self.loss.S
        xp = namespace_of(S)
        targets, weights = model(start.values)
        targets = targets - self.level[None, :]
        parts: list[Any] = [None] * S.shape[1]
        for columns in equal_columns(to_numpy(weights)):
            w = weights[:, columns[0]]
            own = mu * float(xp.sum(w)) / float(xp.sum(S[:, columns[0]]))
            form = self.make_form(
                ManifoldPenalty(L, 1 / own),
                self.ridge / own,
                columns[0],
                _columns(start.parameters, columns),
            )
            parameters, _ = form.solve_squared(_columns(targets, columns), w)
            values = form.values(parameters)
            for k, c in enumerate(columns):
                parts[c] = (parameters[:, k], values[:, k])
        parameters, values = (
            xp.stack(list(column), axis=1) for column in zip(*parts, strict=True)
        )
        return self._fit(parameters, values, mu)

    def _fit(self, parameters: Any, values: Any, mu: float) -> Fit:
        norm = 0.0
        if self.ridge:
            xp = namespace_of(parameters)
            norm = self.ridge * float(xp.sum(parameters * parameters))
        values = values + self.level[None, :]
        return Fit(parameters, values, self.loss.value(values), norm, mu)


def weighted_mean(values: Any, S: Any) -> float:
    """Sum over columns the weighted means of rows.

    Parameters
    ----------
    values : array of shape (n, n_columns)
        Values; anything where the weight is zero, but finite.
    S : array of shape (n, n_columns)
        Weights.

    Returns
    -------
    mean : float
        The sum.
    """
    xp = namespace_of(S)
    return float(xp.sum(xp.sum(S * values, axis=0) / xp.sum(S, axis=0)))


def _label_means(Y: Any, S: Any, level: Any, labels: np.ndarray | None) -> Any:
    """Means of labels in each component, `level` where there are none."""
    if labels is None:
        labels = np.zeros(S.shape[0], dtype=np.int64)
    xp = namespace_of(S)
    columns = []
    for c in range(S.shape[1]):
        weights = np.bincount(labels, to_numpy(S[:, c]))[labels]
        means = component_means(Y[:, c : c + 1], S[:, c], labels)[:, 0]
        known = asarray_like(weights > 0, S)
        columns.append(xp.where(known, means, level[c]))
    return xp.stack(columns, axis=1)


def _columns(block: Any, columns: list[int]) -> Any:
    return namespace_of(block).stack([block[:, c] for c in columns], axis=1)
