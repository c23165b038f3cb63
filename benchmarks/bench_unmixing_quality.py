"""What unmixing finds of two measured scenes, beside the truth.

Scenes: Samson (rock, tree, water) and Jasper Ridge (tree, water, dirt, road), with
pixels as they are and divided by their norms, clean and with white noise. Methods:
vertex component analysis with fully constrained abundances; non-negative
factorizations without penalty (scikit-learn's, from the same start), with the graph
alone, with sparsity alone, and with both, at the defaults and at weights chosen from
the data; GNMF as published, with a graph of nearest spectra.

Prints means over starts: the angle of each endmember to the true one in radians, the
root mean square error of each map, and the means of both; then these means with noise;
and then, for weights from the data, how far from the best ones of a grid they are,
which only who knows the truth can pick.
"""

import argparse
import warnings
from collections.abc import Callable

import numpy as np
from _timing import print_table, shared_data
from sklearn.decomposition import NMF
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.preprocessing import normalize

from sklearn_manifold_reg.decomposition import (
    SSNMF,
    GraphRegularizedNMF,
    LinearUnmixer,
    fully_constrained_least_squares,
    vertex_component_analysis,
)
from sklearn_manifold_reg.graph import ImageGraph
from sklearn_manifold_reg.metrics import match_components, spectral_angle

GRID_ALPHA = (0.006, 0.01, 0.015, 0.02, 0.03, 0.05)
GRID_GRAPH_ALPHA = (0.0, 0.03, 0.1, 0.3)


class Scene:
    """Pixels with their truth and the graph of the image."""

    def __init__(self, name, pixels, snr):
        data = shared_data(name)
        image = data["image"] / data["scale"]
        X = image.reshape(-1, image.shape[2])
        if snr is not None:
            level = np.sqrt(np.mean(X**2) / 10 ** (snr / 10))
            noise = np.random.default_rng(0).standard_normal(X.shape)
            X = np.maximum(X + level * noise, 0)
        self.X = normalize(X) if pixels == "unit norm" else X
        self.names = [str(material) for material in data["names"]]
        self.endmembers = data["endmembers"]
        self.abundances = data["abundances"].reshape(len(X), -1)
        self.graph = FrozenEstimator(ImageGraph(shape=image.shape[:2]).fit(self.X))

    def errors(self, H, W):
        """Angle of each endmember, and error of each map of fractions."""
        order = match_components(self.endmembers, H)
        angles = np.diagonal(spectral_angle(self.endmembers, H[order]))
        sums = W.sum(axis=1, keepdims=True)
        fractions = (W / np.where(sums > 0, sums, 1))[:, order]
        squared = np.mean((fractions - self.abundances) ** 2, axis=0)
        return np.concatenate([angles, np.sqrt(squared), [angles.mean()],
                               [np.sqrt(squared.mean())]])  # fmt: skip


def vca_fcls(scene, n_components, seed):
    model = LinearUnmixer(n_components, random_state=seed)
    W = model.fit_transform(scene.X)
    return model.components_, W


def plain(scene, n_components, seed):
    start, _ = vertex_component_analysis(scene.X, n_components, random_state=seed)
    start = np.maximum(start, 0)
    W = fully_constrained_least_squares(scene.X, start, sum_to_one=False)
    model = NMF(n_components, init="custom", max_iter=2000)
    return fractions_scaled(model.fit_transform(scene.X, W=W, H=start), model)


def fractions_scaled(W, model):
    """Give endmembers of scikit-learn's norm one, as ours have."""
    norms = np.linalg.norm(model.components_, axis=1)
    return model.components_ / norms[:, None], W * norms


def gnmf(scene, n_components, seed):
    model = GraphRegularizedNMF(n_components, random_state=seed, max_iter=1000)
    return model.fit(scene.X).components_, model.abundances_


def structured(**weights):
    def fit(scene, n_components, seed):
        model = SSNMF(
            n_components, scene.graph, random_state=seed, max_iter=1000, **weights
        ).fit(scene.X)
        return model.components_, model.abundances_

    return fit


METHODS: dict[str, Callable] = {
    "VCA + FCLS": vca_fcls,
    "NMF": plain,
    "GNMF (nearest spectra, 100)": gnmf,
    "graph alone (0, 0.03)": structured(alpha=0.0),
    "lasso alone (0.03, 0)": structured(graph_alpha=0.0),
    "SSNMF, defaults (0.03, 0.03)": structured(),
    "lasso alone (auto, 0)": structured(alpha="auto", graph_alpha=0.0),
    "SSNMF (auto, auto)": structured(alpha="auto", graph_alpha="auto"),
}


def mean_errors(scene, method, n_starts):
    n_components = len(scene.endmembers)
    found = [
        scene.errors(*method(scene, n_components, seed)) for seed in range(n_starts)
    ]
    return np.mean(found, axis=0), np.std(found, axis=0)


def by_material(name, pixels, n_starts):
    scene = Scene(name, pixels, None)
    rows = []
    for label, method in METHODS.items():
        mean, spread = mean_errors(scene, method, n_starts)
        cells = [f"{value:.3f}" for value in mean[:-2]]
        cells += [f"{mean[k]:.3f} ± {spread[k]:.3f}" for k in (-2, -1)]
        rows.append([label, *cells])
    header = ["method (alpha, graph_alpha)"]
    header += [f"angle, {material}" for material in scene.names]
    header += [f"error, {material}" for material in scene.names]
    print(f"\n{name}, pixels {pixels}, {n_starts} starts\n")
    print_table([*header, "mean angle", "error"], rows)


def with_noise(name, pixels, n_starts):
    scenes = {snr: Scene(name, pixels, snr) for snr in (30, 20, 10)}
    rows = []
    for label, method in METHODS.items():
        row = [label]
        for scene in scenes.values():
            mean, _ = mean_errors(scene, method, n_starts)
            row.append(f"{mean[-2]:.3f} / {mean[-1]:.3f}")
        rows.append(row)
    print(f"\n{name}, pixels {pixels}, white noise, {n_starts} starts\n")
    header = ["method (alpha, graph_alpha)"]
    print_table(header + [f"{snr} dB: angle / error" for snr in scenes], rows)


def against_best(name, pixels):
    """Weights from the data, and the best of a grid by angle plus error."""
    rows = []
    for snr in (None, 30, 20, 10):
        scene = Scene(name, pixels, snr)
        size = np.sqrt(np.mean(np.sum(scene.X**2, axis=1)))
        tried = {}
        for alpha in GRID_ALPHA:
            for graph_alpha in GRID_GRAPH_ALPHA:
                method = structured(alpha=alpha * size, graph_alpha=graph_alpha)
                tried[alpha, graph_alpha] = mean_errors(scene, method, 1)[0]
        best = min(tried, key=lambda weights: sum(tried[weights][-2:]))
        auto = structured(alpha="auto", graph_alpha="auto")
        row = [name, pixels, "clean" if snr is None else f"{snr} dB"]
        for mean in (mean_errors(scene, auto, 1)[0], tried[best]):
            row.append(f"{mean[-2]:.3f} / {mean[-1]:.3f}")
        rows.append([*row, f"{best[0]:g}, {best[1]:g}"])
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=10)
    n_starts = parser.parse_args().starts
    warnings.simplefilter("ignore", ConvergenceWarning)
    warnings.filterwarnings("ignore", message="The graph")
    cases = [
        (name, pixels)
        for name in ("samson", "jasper_ridge")
        for pixels in ("as they are", "unit norm")
    ]
    for case in cases:
        by_material(*case, n_starts)
    for case in cases:
        with_noise(*case, max(1, n_starts // 2))
    print(
        "\nangle / error; weights of the best: alpha over the size of pixels, graph\n"
    )
    header = ["scene", "pixels", "noise", "from the data", "best of 24", "its weights"]
    print_table(header, [row for case in cases for row in against_best(*case)])


if __name__ == "__main__":
    main()
