"""Abundances and the estimator: exact data, reference figures, refusals."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_manifold_reg._arrays import to_numpy
from sklearn_manifold_reg.decomposition import (
    LinearUnmixer,
    fully_constrained_least_squares,
)
from sklearn_manifold_reg.metrics import (
    abundance_rmse,
    match_components,
    spectral_angle_distance,
)
from sklearn_manifold_reg.utils._numba import compiled_kernels


def mixtures(n_components, n_features=20, n_samples=200, seed=0):
    rng = np.random.default_rng(seed)
    E = rng.random((n_components, n_features))
    A = rng.dirichlet(np.full(n_components, 0.5), n_samples)
    A[:n_components] = np.eye(n_components)
    return A @ E, E, A


def test_exact_abundances(shared_data, compiled):
    data = shared_data("dc1_synthetic")
    E = data["library"][data["active_index"]]
    A = data["abundances_active"].reshape(-1, 5).astype(float)[:: 1 if compiled else 20]
    A /= A.sum(axis=1, keepdims=True)
    W = fully_constrained_least_squares(A @ E, E)
    assert_allclose(W, A, atol=1e-9)
    assert_allclose(W.sum(axis=1), 1, atol=1e-12)


@pytest.mark.parametrize("sum_to_one", [True, False])
def test_projection_on_the_cone_or_simplex(sum_to_one, compiled):
    """The variational inequality: no vertex lies ahead of the residual."""
    _, E, _ = mixtures(5)
    X = 1.5 * np.random.default_rng(1).random((100, 20))
    W = fully_constrained_least_squares(X, E, sum_to_one=sum_to_one)
    residual = X - W @ E
    if sum_to_one:
        ahead = residual @ E.T - np.sum(residual * (W @ E), axis=1, keepdims=True)
    else:
        ahead = residual @ E.T
        assert_allclose(np.sum(residual * (W @ E), axis=1), 0, atol=1e-12)
    assert ahead.max() < 1e-12


def test_moved_origin_keeps_the_digits(compiled):
    """Shares depend on differences only, however far from the origin."""
    _, E, _ = mixtures(4)
    X = np.random.default_rng(1).random((50, 20))
    W = fully_constrained_least_squares(X, E)
    assert_allclose(fully_constrained_least_squares(X + 1e4, E + 1e4), W, atol=1e-9)


@pytest.mark.parametrize("sum_to_one", [True, False])
def test_nearly_dependent_endmembers(sum_to_one, compiled):
    """Conditions of optimality hold, and both ways reach one distance, at any gap."""
    rng = np.random.default_rng(0)
    for exponent in range(2, 16, 1 if compiled else 3):
        E = rng.random((6, 8))
        E[1] = (E[0] + E[2]) / 2 + 10.0**-exponent * rng.standard_normal(8)
        E[3] = E[4] + 10.0**-exponent * rng.standard_normal(8)
        X = rng.choice([0.5, 1.0, 5.0], (40, 1)) * rng.random((40, 8))
        W = fully_constrained_least_squares(X, E, sum_to_one=sum_to_one)
        residual = X - W @ E
        ahead = residual @ E.T
        ahead -= np.sum(residual * (W @ E), axis=1, keepdims=True) * sum_to_one
        assert ahead.max() < 1e-10
        distances = np.linalg.norm(residual, axis=1)
        with compiled_kernels(not compiled):
            W = fully_constrained_least_squares(X, E, sum_to_one=sum_to_one)
        assert_allclose(np.linalg.norm(X - W @ E, axis=1), distances, atol=1e-10)


def test_equal_endmembers_share_a_pixel(compiled):
    X, E, A = mixtures(3)
    W = fully_constrained_least_squares(X, np.vstack([E, E[:1]]))
    assert_allclose(W[:, 0] + W[:, 3], A[:, 0], atol=1e-12)
    assert_allclose(W[:, 1:3], A[:, 1:], atol=1e-12)


def test_single_precision(compiled):
    X, E, A = mixtures(5)
    W = fully_constrained_least_squares(X.astype(np.float32), E.astype(np.float32))
    assert W.dtype == np.float32
    assert_allclose(W, A, atol=1e-4)


def test_other_libraries(namespace):
    xp, device = namespace
    _, E, _ = mixtures(5)
    X = 1.5 * np.random.default_rng(1).random((40, 20))
    for sum_to_one in (True, False):
        W = fully_constrained_least_squares(X, E, sum_to_one=sum_to_one)
        there = fully_constrained_least_squares(
            xp.asarray(X, device=device),
            xp.asarray(E, device=device),
            sum_to_one=sum_to_one,
        )
        assert there.device == xp.asarray(X, device=device).device
        assert_allclose(to_numpy(there), W, atol=1e-10)


@pytest.mark.parametrize("abundances", ["fcls", "nnls", "sum_to_one", "ls"])
@pytest.mark.parametrize("extractor", ["vca", "spa", "nfindr"])
def test_exact_mixtures_come_back(extractor, abundances):
    X, E, A = mixtures(4)
    unmixer = LinearUnmixer(
        4, extractor=extractor, abundances=abundances, random_state=0
    )
    W = unmixer.fit_transform(X)
    order = match_components(E, unmixer.components_)
    assert_allclose(unmixer.components_[order], E, atol=1e-10)
    assert_allclose(W[:, order], A, atol=1e-9)
    assert_allclose(unmixer.inverse_transform(W), X, atol=1e-9)
    assert_array_equal(np.sort(unmixer.component_indices_), np.arange(4))


def test_least_squares_with_the_sum_alone():
    """Its solution satisfies the bordered normal equations."""
    X, _, _ = mixtures(4)
    X = X + 0.1 * np.random.default_rng(1).standard_normal(X.shape)
    unmixer = LinearUnmixer(4, abundances="sum_to_one", random_state=0).fit(X)
    W = unmixer.transform(X)
    descent = (X - W @ unmixer.components_) @ unmixer.components_.T
    assert_allclose(W.sum(axis=1), 1, atol=1e-12)
    assert_allclose(descent - descent.mean(axis=1, keepdims=True), 0, atol=1e-11)


def test_samson(shared_data):
    """Figures known for vertex component analysis on this scene."""
    data = shared_data("samson")
    X = data["image"].reshape(-1, 156) / data["scale"]
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    truth = data["abundances"].reshape(-1, 3)
    angles, errors = [], []
    for seed in range(6):
        unmixer = LinearUnmixer(3, random_state=seed)
        W = unmixer.fit_transform(X)
        order = match_components(data["endmembers"], unmixer.components_)
        angles.append(spectral_angle_distance(data["endmembers"], unmixer.components_))
        errors.append(abundance_rmse(truth, W[:, order]))
    # Directions decide between a few triples of pixels; most find these.
    assert_allclose(np.median(angles), 0.067, atol=1e-3)
    assert_allclose(np.median(errors), 0.075, atol=1e-3)


def test_fewer_features_than_endmembers():
    X, *_ = mixtures(3, n_features=2)
    with pytest.warns(UserWarning, match="n_components=3 is more than"):
        unmixer = LinearUnmixer(3, random_state=0).fit(X)
    assert len(unmixer.components_) == 2


def test_bad_input():
    X, E, _ = mixtures(3)
    with pytest.raises(ValueError, match="endmembers have 19 features and X has 20"):
        fully_constrained_least_squares(X, E[:, 1:])
    with pytest.raises(ValueError, match="endmembers contains NaN"):
        fully_constrained_least_squares(X, np.full_like(E, np.nan))
    unmixer = LinearUnmixer(3, random_state=0).fit(X)
    with pytest.raises(ValueError, match="X has 19 features"):
        unmixer.transform(X[:, 1:])
    with pytest.raises(ValueError, match="mixes 3 endmembers"):
        unmixer.inverse_transform(X)
