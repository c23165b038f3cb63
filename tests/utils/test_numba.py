"""The gate to compiled kernels."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from sklearn_manifold_reg.utils._numba import (
    compiled_kernels,
    n_threads,
    row_ranges,
    run_rows,
    use_compiled,
)


def square_rows(values, out, start, stop):
    out[start:stop] = values[start:stop] ** 2
    return stop - start


@pytest.mark.parametrize("n_jobs", [None, 1, 2, 5])
@pytest.mark.parametrize("n_rows", [0, 1, 2, 1001])
def test_every_row_is_visited_once(n_rows, n_jobs):
    values = np.arange(n_rows, dtype=float)
    out = np.full(n_rows, -1.0)
    done = run_rows(square_rows, n_rows, values, out, n_jobs=n_jobs)
    np.testing.assert_array_equal(out, values**2)
    assert sum(done) == n_rows


def test_row_ranges_are_even_and_consecutive():
    ranges = row_ranges(10, 4)
    assert [b - a for a, b in ranges] == [2, 3, 2, 3]
    assert [a for a, _ in ranges[1:]] == [b for _, b in ranges[:-1]]


def test_results_keep_the_order_of_the_ranges():
    ranges = [(0, 5), (5, 6), (6, 20), (20, 21)]
    values = np.ones(21)
    done = run_rows(square_rows, 21, values, values.copy(), ranges=ranges, n_jobs=2)
    assert done == [5, 1, 14, 1]


def test_an_error_in_a_thread_reaches_the_caller():
    def fail(start, stop):
        raise ZeroDivisionError(f"{start}")

    with pytest.raises(ZeroDivisionError):
        run_rows(fail, 10, n_jobs=2)


def test_nested_calls_do_not_wait_for_each_other():
    def outer(out, start, stop):
        for row in range(start, stop):
            run_rows(square_rows, 100, np.ones(100), out[row], n_jobs=2)

    out = np.zeros((50, 100))
    run_rows(outer, 50, out, n_jobs=2)
    assert out.all()


def test_many_python_threads_may_call_at_once():
    outs = [np.zeros(5000) for _ in range(8)]
    values = np.arange(5000.0)
    threads = [
        threading.Thread(target=run_rows, args=(square_rows, 5000, values, out))
        for out in outs
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    for out in outs:
        np.testing.assert_array_equal(out, values**2)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_starts_threads_of_its_own():
    code = """
import os, numpy as np
from sklearn_manifold_reg.utils._numba import run_rows
def f(out, start, stop):
    out[start:stop] = 1
out = np.zeros(10)
run_rows(f, 10, out, n_jobs=2)
pid = os.fork()
child = np.zeros(10)
run_rows(f, 10, child, n_jobs=2)
if pid == 0:
    os._exit(0 if child.all() else 3)
assert os.waitpid(pid, 0)[1] == 0
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_number_of_threads(monkeypatch):
    for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    everything = n_threads(-1)
    assert n_threads(None) == everything
    assert n_threads(3) == 3
    assert n_threads(-everything - 5) == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert n_threads(None) == 1
    with pytest.raises(ValueError, match="n_jobs=0"):
        n_threads(0)


def test_the_switch_turns_kernels_off(monkeypatch):
    monkeypatch.setenv("SKLEARN_MANIFOLD_REG_NUMBA", "0")
    assert not use_compiled()
    with compiled_kernels(True):
        assert use_compiled()
        with compiled_kernels(False):
            assert not use_compiled()
        assert use_compiled()
    monkeypatch.delenv("SKLEARN_MANIFOLD_REG_NUMBA")
    assert use_compiled()


def test_kernels_work_where_nothing_can_be_cached(tmp_path):
    # A module that lives in no file has no place for a cache.
    code = """
from sklearn_manifold_reg.utils._numba import kernel
scope = {"kernel": kernel}
exec("@kernel\\ndef total(a):\\n    s = 0.0\\n    for v in a:\\n        s += v\\n"
     "    return s\\n", scope)
import numpy as np
assert scope["total"](np.ones(4)) == 4.0
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
