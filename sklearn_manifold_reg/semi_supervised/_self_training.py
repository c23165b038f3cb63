"""Self-training on a graph: confident rows become labels for the next round."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from sklearn_manifold_reg._arrays import namespace_of, one_hot
from sklearn_manifold_reg.semi_supervised._diffusion_systems import (
    LabelProblem,
    Solve,
    solve_harmonic,
)

# Share of each class that is taken as labeled in the last round. Shares grow evenly.
LAST_SHARE = 0.9


def self_train(
    problem: LabelProblem,
    scores: Any,
    codes: Any,
    solve: Solve,
    *,
    level: Callable[[Any], Any],
    iterations: Iterable[int],
    n_rounds: int,
) -> tuple[Any, int]:
    """Extend labels harmonically, over and over, from more and more rows.

    In round r, the share LAST_SHARE * r / n_rounds of the rows of every class whose
    scores are most decided join the labeled rows; the harmonic extension of all
    these gives new scores, and with them new classes, chosen afresh.

    Parameters
    ----------
    problem : LabelProblem
        Graph and labels.
    scores : array of shape (n_samples, n_classes)
        Where to start, such as the solution of Poisson learning.
    codes : array of int, shape (n_samples,)
        Class of each row, negative where unlabeled.
    solve : callable
        `solve(operator, B)`.
    level : callable
        Makes the columns of harmonic scores comparable, by a shift.
    iterations : iterable of int
        Counts the rounds from 0; may end early.
    n_rounds : int
        Rounds after which the last share is reached.

    Returns
    -------
    scores : array of shape (n_samples, n_classes)
        Leveled scores of the last round.
    n_iter : int
        Rounds done.
    """
    xp = namespace_of(scores)
    n_classes = scores.shape[1]
    reached = problem.reached()
    n_iter = 0
    for iteration in iterations:
        n_iter = iteration + 1
        guessed = xp.astype(xp.argmax(scores, axis=1), codes.dtype)
        guessed = xp.where(problem.labeled, codes, guessed)
        chosen = most_decided(scores, guessed, reached, LAST_SHARE * n_iter / n_rounds)
        chosen = chosen | problem.labeled
        targets = one_hot(
            xp.where(chosen, guessed, -xp.ones_like(guessed)), n_classes, scores
        )
        widened = replace(problem, targets=targets, labeled=chosen)
        scores = level(solve_harmonic(widened, solve)[0])
    return scores, n_iter


def most_decided(scores: Any, codes: Any, eligible: Any, share: float) -> Any:
    """Mark the rows of each class whose best score leads by most.

    Parameters
    ----------
    scores : array of shape (n_samples, n_classes)
        Scores of at least two classes.
    codes : array of int, shape (n_samples,)
        Class of each row.
    eligible : array of bool, shape (n_samples,)
        Rows that may be marked.
    share : float
        Part of each class to mark, rounded down.

    Returns
    -------
    chosen : array of bool, shape (n_samples,)
        Rows that tie with the last one marked are marked too.
    """
    xp = namespace_of(scores)
    ordered = xp.sort(scores, axis=1)
    lead = ordered[:, -1] - ordered[:, -2]
    chosen = xp.zeros_like(eligible)
    for c in range(scores.shape[1]):
        members = eligible & (codes == c)
        leads = xp.sort(lead[members])
        count = int(share * leads.shape[0])
        if count:
            chosen = chosen | (members & (lead >= leads[-count]))
    return chosen
