"""One BLAS thread per call, while threads of our own each multiply tiles."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_state: dict[str, Any] = {"users": 0, "limits": None}
_known: dict[str, Any] = {"n_modules": 0, "controller": None}


@contextmanager
def single_threaded_blas() -> Iterator[None]:
    """Limit BLAS to one thread a call, so that bits do not depend on threads.

    The limit belongs to the process. The first caller sets it and the last one,
    in whatever thread, gives back what the first one found.
    """
    with _lock:
        if _state["users"] == 0:
            _state["limits"] = _controller().limit(limits=1, user_api="blas")
        _state["users"] += 1
    try:
        yield
    finally:
        with _lock:
            _state["users"] -= 1
            if _state["users"] == 0:
                _state["limits"].restore_original_limits()
                _state["limits"] = None


def _controller() -> ThreadpoolController:
    """Give the handle of all loaded BLAS libraries.

    Looking for them takes a millisecond, so it is done again only where modules, which
    may bring another one, have been imported since.
    """
    if _known["n_modules"] != len(sys.modules):
        _known["controller"] = ThreadpoolController()
        _known["n_modules"] = len(sys.modules)
    return _known["controller"]
