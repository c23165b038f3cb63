"""Metrics of unmixing: closed forms, invariances, refusals."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_manifold_reg._arrays import to_numpy
from sklearn_manifold_reg.metrics import (
    abundance_rmse,
    match_components,
    spectral_angle,
    spectral_angle_distance,
)


def test_angles_of_the_plane():
    angle = np.array([0.0, 1e-9, 1e-3, 1.0, np.pi / 2, 3.0, np.pi])
    E = np.column_stack([np.cos(angle), np.sin(angle)])
    brightness = np.array([1.0, 1e-200, 3.0, 1e200, 2.0, 5.0, 0.1])
    found = spectral_angle([[2.0, 0.0]], brightness[:, None] * E)[0]
    # Relative accuracy near 0, where the inverse cosine gives 0 for 1e-9.
    assert_allclose(found, angle, rtol=1e-12)


def test_inverse_cosine():
    rng = np.random.default_rng(0)
    A, B = rng.standard_normal((4, 6)), rng.standard_normal((3, 6))
    norms = np.outer(np.linalg.norm(A, axis=1), np.linalg.norm(B, axis=1))
    assert_allclose(spectral_angle(A, B), np.arccos(A @ B.T / norms), atol=1e-12)
    assert_allclose(spectral_angle(B, A), spectral_angle(A, B).T)


def test_zeros_have_no_direction():
    assert_allclose(spectral_angle([[0.0, 0.0]], [[1.0, 2.0], [3.0, 0.0]]), np.pi / 2)


def test_match_undoes_a_permutation():
    rng = np.random.default_rng(0)
    E = rng.random((6, 30))
    order = rng.permutation(6)
    bright = rng.uniform(0.5, 2, (6, 1))
    assert_array_equal(match_components(E, bright * E[order])[order], np.arange(6))
    assert spectral_angle_distance(E, bright * E[order]) < 1e-15
    # Spectra too many are left over.
    more = np.vstack([rng.random((2, 30)), E[order]])
    assert_array_equal(match_components(E, more)[order], np.arange(6) + 2)


def test_the_sum_of_angles_is_smallest():
    """Not the nearest first: that would leave 80 degrees for the other."""
    degrees = np.pi / 180
    truth, found = np.array([0, 40]) * degrees, np.array([30, 80]) * degrees
    spectra = [np.column_stack([np.cos(a), np.sin(a)]) for a in (truth, found)]
    assert match_components(*spectra).tolist() == [0, 1]
    assert_allclose(spectral_angle_distance(*spectra), 35 * degrees)


def test_shares_of_a_pixel():
    A = np.array([[0.25, 0.75], [0.0, 1.0], [0.5, 0.5]])
    assert abundance_rmse(A, A * [[4.0], [0.1], [1.0]]) < 1e-16
    # A row of zeros is not divided.
    wrong = np.array([[0.25, 0.75], [0.0, 0.0], [0.5, 0.5]])
    assert_allclose(abundance_rmse(A, wrong), np.sqrt(1 / 6))


def test_other_libraries(namespace):
    xp, device = namespace
    rng = np.random.default_rng(0)
    A, B = rng.random((4, 6)), rng.random((4, 6))
    a, b = (xp.asarray(x, device=device) for x in (A, B))
    assert spectral_angle(a, b).device == a.device
    assert_allclose(to_numpy(spectral_angle(a, b)), spectral_angle(A, B), atol=1e-14)
    assert_allclose(spectral_angle_distance(a, b), spectral_angle_distance(A, B))
    assert_allclose(abundance_rmse(a, b), abundance_rmse(A, B))


def test_bad_input():
    with pytest.raises(ValueError, match="E_true has 2 columns and E_pred has 3"):
        spectral_angle(np.ones((2, 2)), np.ones((2, 3)))
    with pytest.raises(ValueError, match="fewer than the 3 of E_true"):
        match_components(np.eye(3), np.eye(3)[:2])
    with pytest.raises(ValueError, match="A_true has shape"):
        abundance_rmse(np.ones((2, 2)), np.ones((3, 2)))
    with pytest.raises(ValueError, match="A_pred contains NaN"):
        abundance_rmse(np.ones((2, 2)), np.full((2, 2), np.nan))
