"""Diffusion maps: distances, limits on manifolds, geometric harmonics."""

import numpy as np
import pytest
from scipy import linalg
from scipy.spatial.distance import pdist, squareform
from sklearn.datasets import make_swiss_roll

from sklearn_manifold_reg.graph import KernelGraph, NeighborsGraph, RadiusGraph
from sklearn_manifold_reg.manifold import DiffusionMap, SpectralEmbedding

rng = np.random.default_rng(0)
CLOUD = rng.normal(size=(40, 2))
GRAPH = NeighborsGraph(n_neighbors=8, connectivity="mst")


def density_walk(affinity, alpha):
    """The random walk by its definition, and its stationary distribution."""
    W = affinity.toarray()
    q = W.sum(axis=1) ** alpha
    W = W / (q[:, None] * q[None, :])
    return W / W.sum(axis=1, keepdims=True), W.sum(axis=1) / W.sum()


def circle(n, unevenness):
    """Points on a circle of density 1 + unevenness * cos(angle)."""
    fine = np.linspace(0, 2 * np.pi, 20_001)
    mass = (fine + unevenness * np.sin(fine)) / (2 * np.pi)
    angle = np.interp((np.arange(n) + 0.5) / n, mass, fine)
    return np.column_stack([np.cos(angle), np.sin(angle)])


def pair_means(values):
    means = np.reshape(values, (-1, 2)).mean(axis=1)
    return means / means[0]


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("t", [0, 1, 3, 8])
@pytest.mark.parametrize("graph", [GRAPH, KernelGraph(gamma=0.5)], ids=["knn", "full"])
def test_distances_are_diffusion_distances(alpha, t, graph):
    n = len(CLOUD)
    model = DiffusionMap(n - 1, graph, alpha=alpha, diffusion_time=t).fit(CLOUD)
    P, pi = density_walk(model.graph_.affinity_, alpha)
    spread = np.linalg.matrix_power(P, t) / np.sqrt(pi)
    np.testing.assert_allclose(
        pdist(model.embedding_), pdist(spread), rtol=1e-6, atol=1e-9
    )


def test_columns_are_eigenfunctions_of_mean_square_one():
    model = DiffusionMap(6, GRAPH, diffusion_time=0).fit(CLOUD)
    P, pi = density_walk(model.graph_.affinity_, 1.0)
    Y = model.embedding_
    np.testing.assert_allclose(P @ Y, Y * (1 - model.eigenvalues_), atol=1e-9)
    np.testing.assert_allclose(Y.T @ (pi[:, None] * Y), np.eye(6), atol=1e-9)
    np.testing.assert_allclose(pi @ Y, 0, atol=1e-9)


def test_fractional_times_lie_between_whole_ones():
    lengths = [
        DiffusionMap(3, GRAPH, diffusion_time=t).fit(CLOUD).embedding_.std(axis=0)
        for t in (1, 1.5, 2)
    ]
    np.testing.assert_allclose(lengths[1] ** 2, lengths[0] * lengths[2])


def test_without_density_correction_it_is_laplacian_eigenmaps():
    ours = DiffusionMap(3, GRAPH, alpha=0.0, diffusion_time=0).fit(CLOUD)
    other = SpectralEmbedding(3, GRAPH).fit(CLOUD)
    np.testing.assert_allclose(ours.embedding_, other.embedding_, atol=1e-8)
    np.testing.assert_allclose(ours.eigenvalues_, other.eigenvalues_, atol=1e-10)


@pytest.mark.parametrize("unevenness", [0.0, 0.5])
def test_circle_has_eigenvalues_one_four_nine_whatever_its_density(unevenness):
    model = DiffusionMap(6).fit(circle(400, unevenness))
    np.testing.assert_allclose(pair_means(model.eigenvalues_), [1, 4, 9], rtol=0.02)


def test_density_shifts_eigenvalues_unless_it_is_taken_out():
    X = circle(400, 0.5)
    bent = DiffusionMap(6, alpha=0.0).fit(X).eigenvalues_
    assert np.abs(pair_means(bent) / [1, 4, 9] - 1).max() > 0.1
    # A wave is a pair of equal eigenvalues; density takes them apart.
    even = DiffusionMap(6).fit(X).eigenvalues_
    assert bent[1] / bent[0] > 1.4
    assert even[1] / even[0] < 1.05


def test_eigenvalues_tend_to_those_of_the_circle():
    width = 0.15
    graph = RadiusGraph(4 * width, weights="heat", bandwidth=width)
    values = DiffusionMap(4, graph).fit(circle(800, 0.3)).eigenvalues_
    # (4 / bandwidth²) lambda tends to k² of cos(k angle), from below.
    np.testing.assert_allclose(4 / width**2 * values, [1, 1, 4, 4], rtol=0.05)


@pytest.mark.parametrize("unevenness", [0.0, 0.8])
def test_sphere_has_multiplicities_three_and_five(unevenness):
    n = 1500
    # Heights of density 1 + unevenness * z, turned by the golden angle.
    fine = np.linspace(-1, 1, 20_001)
    mass = (fine + unevenness * fine**2 / 2 + 1 - unevenness / 2) / 2
    z = np.interp((np.arange(n) + 0.5) / n, mass, fine)
    turn = np.pi * (1 + np.sqrt(5)) * np.arange(n)
    r = np.sqrt(1 - z**2)
    X = np.column_stack([r * np.cos(turn), r * np.sin(turn), z])
    values = DiffusionMap(8).fit(X).eigenvalues_
    first, second = values[:3], values[3:]
    assert np.ptp(first) < 0.1 * first.mean()
    assert np.ptp(second) < 0.1 * second.mean()
    assert second.mean() / first.mean() == pytest.approx(3, rel=0.05)


def test_duplicated_rows_change_nothing_where_density_is_taken_out():
    X = circle(200, 0.0)
    once = DiffusionMap(4, KernelGraph(gamma=60.0)).fit(X)
    doubled = np.concatenate([X, X[:100]])
    many = DiffusionMap(4, KernelGraph(gamma=60.0)).fit(doubled)
    np.testing.assert_allclose(many.eigenvalues_, once.eigenvalues_, rtol=0.1)
    np.testing.assert_allclose(many.embedding_[200:], many.embedding_[:100], atol=1e-9)


def test_geometric_harmonics_reproduce_training_rows_within_their_misfit():
    X = make_swiss_roll(500, random_state=0)[0]
    model = DiffusionMap(3, extension="geometric_harmonics").fit(X)
    harmonics = model.harmonics_
    assert np.all(harmonics.misfits <= 0.01)
    gap = harmonics(X) - model.embedding_
    missed = np.sqrt(np.mean(gap**2, axis=0) / np.mean(model.embedding_**2, axis=0))
    np.testing.assert_allclose(missed, harmonics.misfits, rtol=1e-6)
    np.testing.assert_array_equal(model.transform(X), model.embedding_)


def test_geometric_harmonics_are_the_projection_of_their_definition():
    X = circle(60, 0.3)
    model = DiffusionMap(2, extension="geometric_harmonics", condition=1e3).fit(X)
    width = model.harmonics_.bandwidths[0]
    new = 1.05 * circle(7, 0.0)
    K = np.exp(-(squareform(pdist(X)) ** 2) / width**2)
    mu, U = linalg.eigh(K)
    kept = mu >= mu[-1] / 1e3
    gaps = linalg.norm(new[:, None] - X[None], axis=2)
    extended = np.exp(-(gaps**2) / width**2) @ U[:, kept] / mu[kept]
    expected = extended @ (U[:, kept].T @ model.embedding_[:, :1])
    np.testing.assert_allclose(model.transform(new)[:, :1], expected, atol=1e-8)


def test_slow_columns_reach_farther_and_all_fade():
    X = circle(400, 0.0)
    model = DiffusionMap(21, extension="geometric_harmonics").fit(X)
    widths = model.harmonics_.bandwidths
    assert widths[0] > widths[-1]
    far = model.transform(np.array([[100.0, 0.0]]))
    np.testing.assert_allclose(far, 0, atol=1e-12)


def test_a_larger_condition_follows_more_closely():
    X = make_swiss_roll(500, random_state=0)[0]
    widths = [
        DiffusionMap(1, extension="geometric_harmonics", condition=c)
        .fit(X)
        .harmonics_.bandwidths[0]
        for c in (1e2, 1e4, 1e8)
    ]
    assert widths[0] < widths[1] <= widths[2]


def test_columns_that_gaussians_cannot_follow_are_told():
    X = rng.normal(size=(150, 20))
    with pytest.warns(UserWarning, match="Geometric harmonics miss column"):
        DiffusionMap(
            3, extension="geometric_harmonics", condition=1.5, diffusion_time=0
        ).fit(X)


@pytest.mark.slow
@pytest.mark.parametrize("extension", ["nystroem", "geometric_harmonics"])
def test_held_out_half_is_near_a_joint_embedding(extension):
    X = make_swiss_roll(4000, random_state=0)[0]
    joint = DiffusionMap(3).fit(X)
    half = DiffusionMap(3, extension=extension).fit(X[::2])
    new, truth = half.transform(X[1::2]), joint.embedding_[1::2]
    design = np.column_stack([new, np.ones(len(new))])
    fitted = design @ np.linalg.lstsq(design, truth, rcond=None)[0]
    missed = np.std(truth - fitted, axis=0) / np.std(truth, axis=0)
    # Measured: 0.012, 0.027, 0.057 and 0.013, 0.030, 0.058.
    assert np.all(missed < [0.03, 0.05, 0.1])


@pytest.mark.parametrize("graph", ["precomputed", NeighborsGraph(metric="precomputed")])
def test_geometric_harmonics_need_rows(graph):
    W = KernelGraph().fit(CLOUD).affinity_
    with pytest.raises(ValueError, match="X holds affinities or distances"):
        DiffusionMap(graph=graph, extension="geometric_harmonics").fit(W)


@pytest.mark.parametrize(
    "options",
    [{"alpha": 1.5}, {"diffusion_time": -1}, {"condition": 1.0}, {"extension": "none"}],
    ids=str,
)
def test_bad_parameters_are_named(options):
    with pytest.raises(ValueError, match=f"'{next(iter(options))}' parameter"):
        DiffusionMap(**options).fit(CLOUD)
