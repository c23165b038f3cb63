"""Abundances beside a loop over pixels of scipy's nonnegative least squares.

Prints times of fully constrained least squares for synthetic pixels, that of the
product with the endmembers it contains, of `scipy.optimize.nnls` with a heavy row for
the sum and that of pysptools, where it is installed, by a quadratic program for each
pixel (both timed on some pixels and scaled up), ratios, and how far each is from the
conditions of optimality and from the sum.
"""

import argparse
import importlib.util

import numpy as np
from _timing import paired_seconds, print_table
from scipy.optimize import nnls

from sklearn_manifold_reg.decomposition import fully_constrained_least_squares

# Pixels that the loop is timed on.
N_LOOP = 1000
# Weight of the row that asks for the sum, relative to the largest entry.
HEAVY = 1e3


def pixels(n_samples, n_features, n_components, noise, dtype, seed=0):
    rng = np.random.default_rng(seed)
    E = rng.random((n_components, n_features))
    A = rng.dirichlet(np.full(n_components, 0.5), n_samples)
    X = A @ E + noise * rng.standard_normal((n_samples, n_features))
    return X.astype(dtype), E.astype(dtype)


def nnls_loop(X, E):
    row = HEAVY * np.abs(E).max()
    design = np.vstack([E.T, np.full(len(E), row)])
    return np.array([nnls(design, np.append(x, row))[0] for x in X])


def pysptools_fcls(X, E):
    from pysptools.abundance_maps.amaps import FCLS

    return FCLS(X, E)


def violation(X, E, W):
    """Largest descent left at a vertex, relative to the largest inner product."""
    residual = X - W @ E
    ahead = residual @ E.T - np.sum(residual * (W @ E), axis=1, keepdims=True)
    return float(ahead.max() / np.abs(X @ E.T).max())


def off_sum(W):
    return float(np.abs(W.sum(axis=1) - 1).max())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pixels", type=int, default=100_000)
    parser.add_argument("--bands", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()

    peers = {"nnls loop": nnls_loop}
    if importlib.util.find_spec("pysptools"):
        peers["pysptools"] = pysptools_fcls
    header = ["dtype", "materials", "noise", "ours (ms)", "product (ms)"]
    header += ["violation", "sum"]
    for peer in peers:
        header += [f"{peer} (ms)", "ratio", "its violation", "its sum"]
    rows = []
    for dtype, n_components, noise in (
        (np.float64, 3, 0.02),
        (np.float64, 6, 0.02),
        (np.float64, 6, 0.2),
        (np.float64, 12, 0.02),
        (np.float64, 30, 0.02),
        (np.float32, 6, 0.02),
    ):
        X, E = pixels(options.pixels, options.bands, n_components, noise, dtype)
        part = X[:N_LOOP]
        ours, product, *others = paired_seconds(
            [
                lambda X=X, E=E: fully_constrained_least_squares(X, E),
                lambda X=X, E=E: X @ E.T,
                *(lambda f=f, part=part, E=E: f(part, E) for f in peers.values()),
            ],
            options.repeats,
        )
        W = fully_constrained_least_squares(part, E)
        row = [np.dtype(dtype).name, n_components, noise, 1e3 * ours, 1e3 * product]
        row += [violation(part, E, W), off_sum(W)]
        for peer, seconds in zip(peers.values(), others, strict=True):
            seconds *= len(X) / len(part)
            W = peer(part, E)
            row += [1e3 * seconds, seconds / ours, violation(part, E, W), off_sum(W)]
        rows.append(row)
    print(f"{options.pixels} pixels of {options.bands} bands.\n")
    print_table(header, rows)


if __name__ == "__main__":
    main()
