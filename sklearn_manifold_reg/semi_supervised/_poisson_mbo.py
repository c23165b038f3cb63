"""Poisson learning with diffusion and thresholding under class sizes."""

from collections.abc import Callable, Iterable
from typing import Any

from sklearn_manifold_reg._arrays import namespace_of, one_hot
from sklearn_manifold_reg.semi_supervised._diffusion_systems import LabelProblem

# Heat steps between two thresholdings, and the length of a step of the lazy random
# walk: the paper's 40 steps of explicit heat flow, in the walk's own time.
N_HEAT_STEPS = 40
STEP = 0.5


def poisson_mbo(
    problem: LabelProblem,
    scores: Any,
    sources: Any,
    *,
    shift: Callable[..., Any],
    iterations: Iterable[int],
    n_jobs: int | None = None,
) -> tuple[Any, int]:
    """Refine class scores by heat flow with sources and thresholding.

    Repeats: replace the scores by one-hot rows of the likeliest class; let them flow
    `N_HEAT_STEPS` times, u <- u - STEP D^-1 (L u - mean(d) B); shift the columns so
    that the classes have the sizes asked for. Stops when no row changes its class.

    Parameters
    ----------
    problem : LabelProblem
        Graph and labels.
    scores : array of shape (n_samples, n_classes)
        Where to start, such as the solution of Poisson learning.
    sources : array of shape (n_samples, n_classes)
        Point sources B at the labels.
    shift : callable
        `shift(scores, start)` returns the column shift that meets the class sizes.
    iterations : iterable of int
        Counts the thresholdings; ends when no more are allowed.
    n_jobs : int or None, default=None
        Threads.

    Returns
    -------
    scores : array of shape (n_samples, n_classes)
        Scores after the last flow, before their shift.
    n_iter : int
        Thresholdings done.
    """
    xp = namespace_of(scores)
    d = problem.degrees
    rate = xp.where(d > 0, STEP / xp.where(d > 0, d, xp.ones_like(d)), d)
    walk = problem.weights.scale(left=rate)
    stay = 1 - STEP * xp.astype(d > 0, d.dtype)
    push = xp.mean(d) * rate[:, None] * sources

    offset = shift(scores, None)
    codes = xp.argmax(scores + offset[None, :], axis=1)
    n_iter = 0
    for iteration in iterations:
        n_iter = iteration + 1
        scores = one_hot(codes, scores.shape[1], scores)
        for _ in range(N_HEAT_STEPS):
            scores = walk.matmat(scores, diagonal=stay, n_jobs=n_jobs)
            scores += push
        offset = shift(scores, offset)
        previous, codes = codes, xp.argmax(scores + offset[None, :], axis=1)
        if bool(xp.all(codes == previous)):
            return scores, n_iter
    return scores, n_iter
