"""Structured sparse factorization of a scene, to equal objectives.

Peers: our own multiplicative updates, 500 sweeps of them; and scikit-learn's NMF by
coordinate descent without penalties, with its default and with a smaller tolerance, at
most 2000 sweeps. Descent gets as many sweeps as it needs to go below the peer's
objective. All start from the same endmembers, and the graph is given. Times are whole
fits.

Then, what extrapolation does to a fit that goes on to its tolerance: scenes of pixels
of norm one, with the graph of the image and with that of neighbors, and digits. At
last, time and memory of a fit of 300 x 300 pixels of 160 bands and 6 materials in a
process of its own, the graph included.
"""

import argparse
import subprocess
import sys
import warnings
from functools import partial

import numpy as np
from _timing import paired_seconds, print_table, shared_data
from sklearn.datasets import load_digits
from sklearn.decomposition import NMF
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator

from sklearn_manifold_reg.decomposition import (
    SSNMF,
    GraphRegularizedNMF,
    fully_constrained_least_squares,
    vertex_component_analysis,
)
from sklearn_manifold_reg.graph import ImageGraph, NeighborsGraph
from sklearn_manifold_reg.metrics import (
    abundance_rmse,
    match_components,
    spectral_angle_distance,
)

N_UPDATES = 500
MOST_SWEEPS = 2000


def load(name):
    data = shared_data(name)
    image = data["image"] / data["scale"]
    X = np.ascontiguousarray(image.reshape(-1, image.shape[2]))
    start, _ = vertex_component_analysis(X, len(data["endmembers"]), random_state=0)
    return X, start, FrozenEstimator(ImageGraph(shape=image.shape[:2]).fit(X))


def sweeps_to(model, X, objective):
    """Sweeps that a model needs to come to an objective, None if it does not."""
    history = model.set_params(max_iter=MOST_SWEEPS).fit(X).objective_history_
    (below,) = np.nonzero(history <= objective)
    return max(1, int(below[0])) if below.size else None


def compare(X, peer, fit_peer, objective, n_peer, models):
    rows = []
    for name, model in models.items():
        n_sweeps = sweeps_to(model, X, objective)
        if n_sweeps is None:
            rows.append([peer, name, objective, n_peer, "-", "-", "-", "-"])
            continue
        model.set_params(max_iter=n_sweeps)
        theirs, ours = paired_seconds([fit_peer, partial(model.fit, X)])
        row = [peer, name, objective, n_peer, n_sweeps, theirs, ours, theirs / ours]
        rows.append(row)
    return rows


def against_updates(X, start, graph):
    rows = []
    for graph_alpha in (0.0, 0.1):
        terms = {"alpha": 0.0, "graph_alpha": graph_alpha, "sum_to_one": "soft"}
        common = {"graph": graph, "scaling": "none", "init": start, "tol": 0.0, **terms}
        slow = SSNMF(len(start), solver="mu", max_iter=N_UPDATES, **common).fit(X)
        models = {
            "cd": SSNMF(len(start), **common),
            "cd, step by step": SSNMF(len(start), accelerate=False, **common),
        }
        rows += compare(
            X,
            f"mu, graph_alpha={graph_alpha}",
            partial(slow.fit, X),
            slow.objective_,
            slow.n_iter_,
            models,
        )
    return rows


def against_scikit_learn(X, start):
    rows = []
    W = fully_constrained_least_squares(X, start, sum_to_one=False)
    terms = {"alpha": 0.0, "graph_alpha": 0.0, "scaling": "none"}
    for tol in (1e-4, 1e-6):
        peer = NMF(len(start), init="custom", tol=tol, max_iter=MOST_SWEEPS)

        def fit_peer(peer=peer):
            return peer.fit_transform(X, W=W.copy(), H=start.copy())

        rest = X - fit_peer() @ peer.components_
        models = {
            "cd": SSNMF(len(start), init=start, tol=0.0, **terms),
            "cd, step by step": SSNMF(
                len(start), init=start, tol=0.0, accelerate=False, **terms
            ),
        }
        objective = 0.5 * float(np.sum(rest * rest))
        name = f"scikit-learn NMF, tol={tol}"
        rows += compare(X, name, fit_peer, objective, peer.n_iter_, models)
    return rows


def extrapolation(name, model, X, truth=None):
    """Fit to the tolerance with extrapolation and without, by three seeds."""
    rows = []
    for seed in range(3):
        models = [
            model(random_state=seed, accelerate=accelerate, max_iter=MOST_SWEEPS)
            for accelerate in (False, True)
        ]
        seconds = paired_seconds([partial(m.fit, X) for m in models])
        errors = ["-", "-"]
        if truth is not None:
            E, A = truth
            errors = [
                f"{spectral_angle_distance(E, m.components_):.3f}, "
                + f"{abundance_rmse(A, W[:, match_components(E, m.components_)]):.3f}"
                for m in models
                for W in [m.abundance_fractions(X)]
            ]
        plain, ahead = models
        change = ahead.objective_ / plain.objective_ - 1
        sweeps = [f"{m.n_iter_}" for m in models]
        ratio = seconds[0] / seconds[1]
        rows.append([name, seed, *sweeps, *seconds, ratio, change, *errors])
    return rows


def extrapolations(scenes):
    rows = []
    for scene in scenes:
        X, _, graph = load(scene)
        X = X / np.linalg.norm(X, axis=1, keepdims=True)
        data = shared_data(scene)
        truth = data["endmembers"], data["abundances"].reshape(len(X), -1)
        K = len(truth[0])
        neighbors = FrozenEstimator(NeighborsGraph().fit(X))
        for name, terms in {
            "defaults": {"graph": graph},
            "defaults, neighbors": {"graph": neighbors},
            "no penalty": {"alpha": 0.0, "graph_alpha": 0.0},
        }.items():
            model = partial(SSNMF, K, **terms)
            rows += extrapolation(f"{scene}, {name}", model, X, truth)
    X = load_digits().data / 16
    model = partial(GraphRegularizedNMF, 10, FrozenEstimator(NeighborsGraph().fit(X)))
    return rows + extrapolation("digits, graph_alpha=100", model, X)


LARGE_SCENE = """
import resource, time, tracemalloc
import numpy as np
from scipy.ndimage import gaussian_filter
from sklearn_manifold_reg.decomposition import SSNMF
from sklearn_manifold_reg.graph import ImageGraph
SIDE, P, K = 300, 160, 6
rng = np.random.default_rng(0)
waves = [gaussian_filter(rng.standard_normal((SIDE, SIDE)), 8) for _ in range(K)]
A = np.exp(60 * np.stack(waves, axis=-1).reshape(-1, K))
X = A / A.sum(axis=1, keepdims=True) @ rng.random((K, P)) ** 2
X += 0.01 * rng.random(X.shape)
X = (X / np.linalg.norm(X, axis=1, keepdims=True)).astype("{dtype}")
model = SSNMF(K, ImageGraph((SIDE, SIDE)), random_state=0)
SSNMF(2, ImageGraph((20, 20)), max_iter=2).fit(X[:400])
start = time.perf_counter()
model.fit(X)
seconds = time.perf_counter() - start
process = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
tracemalloc.start()
model.fit(X)
share = tracemalloc.get_traced_memory()[1] / X.nbytes
print(model.n_iter_, seconds, share, process)
"""


def large_scene():
    rows = []
    for dtype in ("float64", "float32"):
        code = LARGE_SCENE.replace("{dtype}", dtype)
        command = [sys.executable, "-W", "ignore", "-c", code]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        n_sweeps, *figures = done.stdout.split()
        rows.append([dtype, n_sweeps, *map(float, figures)])
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only one scene")
    scenes = (
        ["jasper_ridge"] if parser.parse_args().quick else ["jasper_ridge", "samson"]
    )
    warnings.simplefilter("ignore", ConvergenceWarning)
    for scene in scenes:
        X, start, graph = load(scene)
        print(f"\n{scene}, {X.shape[0]} pixels of {X.shape[1]} bands\n")
        print_table(
            [
                "peer", "ours", "objective", "peer's sweeps", "sweeps",
                "peer's seconds", "seconds", "ratio",
            ],
            against_updates(X, start, graph) + against_scikit_learn(X, start),
        )  # fmt: skip
    print("\nExtrapolation, to the tolerance\n")
    print_table(
        [
            "problem", "seed", "sweeps without", "with", "seconds without", "with",
            "ratio", "relative change of the objective", "angle, error without", "with",
        ],
        extrapolations(scenes),
    )  # fmt: skip
    print("\n300 x 300 pixels of 160 bands, 6 materials\n")
    print_table(
        ["dtype", "sweeps", "seconds", "peak over X", "whole process (MiB)"],
        large_scene(),
    )


if __name__ == "__main__":
    main()
