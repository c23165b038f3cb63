"""The gate to compiled kernels: one decorator, one switch, one way to use threads.

Kernels are serial, release the GIL and work on a range of rows; threads are ours.
That keeps compilation short, makes results independent of the number of threads,
and is safe under Python threads and forked processes alike, which numba's own
threading layers are not.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache, partial
from itertools import pairwise
from typing import Any

_SWITCH = "SKLEARN_MANIFOLD_REG_NUMBA"
# Threads for one call, set by joblib in its worker processes among others.
_THREAD_LIMITS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS")

# Floating-point licenses that let a reduction be vectorized and contracted. They
# leave NaN and infinity alone, which the all-or-nothing `fastmath=True` does not.
_REASSOCIATE = {"reassoc", "contract", "nsz"}

_forced = threading.local()


def kernel(function: Callable | None = None, *, reassociate: bool = False) -> Any:
    """Compile a kernel without the GIL, caching machine code on disk.

    Parameters
    ----------
    function : callable
        Kernel over arrays and scalars, to be called with contiguous, writable
        arrays of one dtype and int32 indices, so that one signature is compiled.
    reassociate : bool, default=False
        Let sums be reordered, which vectorizes reductions.

    Returns
    -------
    dispatcher : callable
        The compiled kernel. Where no folder can be written, as in read-only
        containers, it is compiled anew in each process.
    """
    if function is None:
        return partial(kernel, reassociate=reassociate)

    from numba import njit

    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    if reassociate:
        options["fastmath"] = _REASSOCIATE
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError as error:
        if "cannot cache function" not in str(error):
            raise
        return njit(**options)(function)


def use_compiled() -> bool:
    """Whether wrappers call the compiled kernel (True) or its NumPy reference.

    The environment variable `SKLEARN_MANIFOLD_REG_NUMBA=0` turns kernels off.
    """
    forced = getattr(_forced, "value", None)
    return os.environ.get(_SWITCH, "1") != "0" if forced is None else forced


@contextmanager
def compiled_kernels(enabled: bool) -> Iterator[None]:
    """Turn compiled kernels on or off in the current thread.

    Parameters
    ----------
    enabled : bool
        False takes the NumPy reference of every kernel.
    """
    previous = getattr(_forced, "value", None)
    _forced.value = enabled
    try:
        yield
    finally:
        _forced.value = previous


def n_threads(n_jobs: int | None = None) -> int:
    """Resolve a number of threads.

    Parameters
    ----------
    n_jobs : int or None, default=None
        None takes every core that this process may use, within the limits
        `NUMBA_NUM_THREADS` and `OMP_NUM_THREADS`, as BLAS does; -1 takes every
        core regardless of them, -2 all but one.

    Returns
    -------
    n_threads : int
        At least 1.

    Raises
    ------
    ValueError
        If `n_jobs` is 0.
    """
    if n_jobs == 0:
        raise ValueError("n_jobs=0 has no meaning; use None, -1 or a positive number.")
    available = _available_cores()
    if n_jobs is None:
        limits = (os.environ.get(name, "") for name in _THREAD_LIMITS)
        return min([available, *(int(v) for v in limits if v.isdigit() and v != "0")])
    return max(1, available + 1 + n_jobs) if n_jobs < 0 else n_jobs


@lru_cache(maxsize=1)
def _available_cores() -> int:
    from joblib import cpu_count

    return cpu_count()


def row_ranges(n_rows: int, n_parts: int) -> list[tuple[int, int]]:
    """Cut `range(n_rows)` into at most `n_parts` consecutive ranges.

    Parameters
    ----------
    n_rows, n_parts : int
        Number of rows and of parts.

    Returns
    -------
    ranges : list of (start, stop)
        Non-empty ranges whose lengths differ by at most one.
    """
    n_parts = max(1, min(n_parts, n_rows))
    cuts = [n_rows * part // n_parts for part in range(n_parts + 1)]
    return [(a, b) for a, b in pairwise(cuts) if b > a]


def run_rows(
    function: Callable,
    n_rows: int,
    *args: Any,
    n_jobs: int | None = None,
    ranges: Sequence[tuple[int, int]] | None = None,
) -> list[Any]:
    """Call `function(*args, start, stop)` over row ranges, one range a thread.

    Parameters
    ----------
    function : callable
        Kernel that releases the GIL and writes rows `start` to `stop` of its
        output arrays only.
    n_rows : int
        Number of rows.
    *args : objects
        Passed on.
    n_jobs : int or None, default=None
        Number of threads, see `n_threads`.
    ranges : sequence of (start, stop), default=None
        Ranges to use, such as ranges of equal work. There may be more of them
        than threads. By default rows are divided evenly.

    Returns
    -------
    results : list
        What the calls returned, in the order of the ranges.
    """
    threads = n_threads(n_jobs)
    if ranges is None:
        ranges = row_ranges(n_rows, threads)
    if threads == 1 or len(ranges) < 2 or getattr(_forced, "in_pool", False):
        return [function(*args, start, stop) for start, stop in ranges]

    results: list[Any] = [None] * len(ranges)
    # Threads take the next range when done, so uneven ranges still finish together.
    pending = iter(enumerate(ranges))
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                item = next(pending, None)
            if item is None:
                return
            number, (start, stop) = item
            results[number] = function(*args, start, stop)

    pool = _pool(_available_cores())
    helpers = [pool.submit(work) for _ in range(min(threads, len(ranges)) - 1)]
    try:
        work()
    finally:
        for helper in helpers:
            helper.result()
    return results


@lru_cache(maxsize=1)
def _pool(n_workers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(
        n_workers, thread_name_prefix="sklearn_manifold_reg", initializer=_enter_pool
    )


def _enter_pool() -> None:
    # A worker that waited for workers could wait forever: nested calls are serial.
    _forced.in_pool = True


# Threads do not survive a fork: the child starts a pool of its own.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)
