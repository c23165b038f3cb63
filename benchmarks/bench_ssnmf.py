"""Structured sparse factorization of a scene, to equal objectives.

Peers: our own multiplicative updates, 300 sweeps of them; and scikit-learn's NMF by
coordinate descent without penalties, with its default and with a smaller tolerance, at
most 2000 sweeps. Descent gets as many sweeps as it needs to go below the peer's
objective. All start from the same endmembers, and the graph is given. Times are whole
fits.
"""

import argparse
import warnings
from functools import partial

import numpy as np
from _timing import paired_seconds, print_table, shared_data
from sklearn.decomposition import NMF
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator

from sklearn_manifold_reg.decomposition import (
    SSNMF,
    fully_constrained_least_squares,
    vertex_component_analysis,
)
from sklearn_manifold_reg.graph import ImageGraph

N_UPDATES = 300
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
            "cd, accelerated": SSNMF(len(start), accelerate=True, **common),
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
            "cd, accelerated": SSNMF(
                len(start), init=start, tol=0.0, accelerate=True, **terms
            ),
        }
        objective = 0.5 * float(np.sum(rest * rest))
        name = f"scikit-learn NMF, tol={tol}"
        rows += compare(X, name, fit_peer, objective, peer.n_iter_, models)
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


if __name__ == "__main__":
    main()
