"""Stages and iterations of a fit, told to scikit-learn's callbacks.

scikit-learn's callbacks are experimental. Where they are missing, an estimator
simply reports to nobody.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands in for scikit-learn's mixin, without callbacks."""

        def _init_callback_context(self, **_: Any) -> "_SilentContext":
            return _SilentContext()


class _SilentContext:
    """A task that has no listener."""

    def subcontext(self, **_: Any) -> "_SilentContext":
        return self

    def call_on_fit_task_begin(self, **_: Any) -> None:
        pass

    def call_on_fit_task_end(self, **_: Any) -> bool:
        return False


class FitTask:
    """A task of a running fit, with its subtasks.

    Parameters
    ----------
    context : CallbackContext
        scikit-learn's handle on the task.
    estimator : estimator
        The estimator being fitted.
    X, y : array-like
        What it is fitted on.
    """

    def __init__(self, context: Any, estimator: Any, X: Any, y: Any) -> None:
        self._context = context
        self._told = {"estimator": estimator, "X": X, "y": y}

    @contextmanager
    def stage(self, name: str, max_subtasks: int = 0) -> Iterator["FitTask"]:
        """Run a named stage of the fit, such as "graph" or "solve".

        Parameters
        ----------
        name : str
            Name that progress bars show.
        max_subtasks : int, default=0
            Largest number of iterations inside the stage.
        """
        context = self._context.subcontext(task_name=name, max_subtasks=max_subtasks)
        context.call_on_fit_task_begin(**self._told)
        yield FitTask(context, *self._told.values())
        context.call_on_fit_task_end(**self._told)

    def iterations(
        self, max_iter: int, fitted_attributes: Callable[[], dict] | None = None
    ) -> Iterator[int]:
        """Count iterations until `max_iter`, or until a callback asks to stop.

        Parameters
        ----------
        max_iter : int
            Largest number of iterations.
        fitted_attributes : callable, default=None
            Returns the attributes that make the estimator usable as it stands;
            called only if a callback wants them.

        Yields
        ------
        iteration : int
            From 0 on.
        """
        for iteration in range(max_iter):
            context = self._context.subcontext(task_name="iteration")
            context.call_on_fit_task_begin(**self._told)
            yield iteration
            if context.call_on_fit_task_end(
                **self._told, reconstruction_attributes=fitted_attributes
            ):
                return


@contextmanager
def fit_task(estimator: Any, X: Any, y: Any, n_stages: int) -> Iterator[FitTask]:
    """Open the task "fit" of an estimator that inherits `CallbackSupportMixin`.

    Parameters
    ----------
    estimator : estimator
        The estimator; its `fit` is decorated by `validate_params_on_fit`, which
        closes callbacks in the end.
    X, y : array-like
        What it is fitted on.
    n_stages : int
        Largest number of stages.

    Yields
    ------
    task : FitTask
        The open task.
    """
    context = estimator._init_callback_context(max_subtasks=n_stages)
    told = {"estimator": estimator, "X": X, "y": y}
    context.call_on_fit_task_begin(**told)
    yield FitTask(context, estimator, X, y)
    context.call_on_fit_task_end(**told)
