"""Progress told to scikit-learn's callbacks."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator

from sklearn_manifold_reg.utils._callbacks import CallbackSupportMixin, fit_task
from sklearn_manifold_reg.utils._sklearn import validate_params_on_fit

pytest.importorskip("sklearn.callback")


class Recorder:
    """Remember the tasks that began; stop iterations on request."""

    def __init__(self, stop_after=None):
        self.begun = []
        self.stop_after = stop_after

    def setup(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        self.begun.append((context.task_name, context.task_id))

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        if context.task_name == "iteration" and fitted_estimator is not None:
            return fitted_estimator.level_ == self.stop_after
        return False

    def teardown(self, estimator, context):
        pass


class Climber(CallbackSupportMixin, BaseEstimator):
    _parameter_constraints: dict = {}

    @validate_params_on_fit(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        with fit_task(self, X, y, n_stages=2) as task:
            with task.stage("graph"):
                level = 0
            with task.stage("climb", max_subtasks=10) as stage:
                for _ in stage.iterations(10, lambda: {"level_": level}):
                    level += 1
        self.level_ = level
        return self


def test_stages_and_iterations_are_told():
    recorder = Recorder()
    Climber().set_callbacks(recorder).fit(np.ones((3, 1)))
    names = [name for name, _ in recorder.begun]
    assert names[:3] == ["fit", "graph", "climb"]
    assert recorder.begun[3:] == [("iteration", i) for i in range(10)]


def test_a_callback_may_stop_the_iterations():
    climber = Climber().set_callbacks(Recorder(stop_after=4)).fit(np.ones((3, 1)))
    assert climber.level_ == 4


def test_without_callbacks_nothing_changes():
    climber = Climber().fit(np.ones((3, 1)))
    assert climber.level_ == 10
    assert set(vars(climber)) == {"level_"}
