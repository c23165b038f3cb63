"""Timing shared by the benchmark scripts: warm medians, fresh processes, tables."""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import numpy as np

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def shared_data(name: str):
    """Load one of the real data sets that lie beside the checkout."""
    return np.load(SHARED_DATA / f"{name}.npz", allow_pickle=False)


def median_seconds(function: Callable, repeats: int = 3, warmup: int = 1) -> float:
    """Median wall time of `function()`, after `warmup` calls that do not count."""
    return paired_seconds([function], repeats, warmup)[0]


def paired_seconds(
    functions: Sequence[Callable], repeats: int = 3, warmup: int = 1
) -> list[float]:
    """Median wall time of each function, called in turn so that noise is shared."""
    for function in functions:
        for _ in range(warmup):
            function()
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(repeats):
        for function, record in zip(functions, times, strict=True):
            start = time.perf_counter()
            function()
            record.append(time.perf_counter() - start)
    return [median(record) for record in times]


def fresh_process_seconds(code: str, repeats: int = 1) -> float:
    """Median wall time of `code` in a new interpreter, imports included.

    The time is that of the whole process; caches on disk stay warm.
    """
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)
        times.append(time.perf_counter() - start)
    return median(times)


def print_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a Markdown table; floats get three significant digits."""
    print("| " + " | ".join(header) + " |")
    print("|" + "---|" * len(header))
    for row in rows:
        cells = (f"{v:.3g}" if isinstance(v, float) else str(v) for v in row)
        print("| " + " | ".join(cells) + " |")
    print(flush=True)
