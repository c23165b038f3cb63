"""Formulas that turn distances into weights."""

import numpy as np
import pytest

from sklearn_manifold_reg.graph._weights import fit_weight_rule, local_scales

rng = np.random.default_rng(0)
DISTANCES = np.sort(rng.uniform(0.1, 2.0, size=(40, 9)), axis=1)
INDICES = np.array([rng.choice(40, 9, replace=False) for _ in range(40)], np.int32)


def weigh(kind, bandwidth=None, distances=DISTANCES):
    rule = fit_weight_rule(distances, kind, bandwidth)
    return rule, rule(distances, INDICES)


@pytest.mark.usefixtures("compiled")
def test_heat():
    rule, W = weigh("heat", 0.7)
    assert rule.bandwidth == 0.7
    np.testing.assert_allclose(W, np.exp(-((DISTANCES / 0.7) ** 2)), rtol=1e-12)


@pytest.mark.usefixtures("compiled")
def test_self_tuning():
    _, W = weigh("self-tuning")
    scale = DISTANCES[:, 6]
    expected = np.exp(-(DISTANCES**2) / (scale[:, None] * scale[INDICES]))
    np.testing.assert_allclose(W, expected, rtol=1e-12)


@pytest.mark.usefixtures("compiled")
def test_fuzzy_rows_sum_to_log2_k():
    _, W = weigh("fuzzy")
    np.testing.assert_allclose(W.sum(axis=1), np.log2(9), rtol=1e-8)
    np.testing.assert_array_equal(W[:, 0], 1)


@pytest.mark.usefixtures("compiled")
def test_fuzzy_scale_solves_the_equation_of_each_row():
    _, W = weigh("fuzzy")
    gaps = DISTANCES - DISTANCES[:, :1]
    sigma = -gaps[:, 1:] / np.log(W[:, 1:])
    np.testing.assert_allclose(sigma, sigma[:, :1] * np.ones((1, 8)), rtol=1e-9)


def test_connectivity_and_cosine():
    np.testing.assert_array_equal(weigh("connectivity")[1], 1)
    expected = np.maximum(0, 1 - DISTANCES)
    np.testing.assert_allclose(weigh("cosine")[1], expected)


def test_median_bandwidth_is_that_of_the_middle_neighbor():
    rule, _ = weigh("heat")
    assert rule.bandwidth == pytest.approx(np.median(DISTANCES[:, 4]))
    assert weigh("heat", "median")[0].bandwidth == rule.bandwidth


def test_max_spread_finds_the_scale_of_a_lattice():
    # Distances of a plane lattice: the sum of weights grows like width², for
    # widths between the spacing and the extent.
    points = np.stack(np.meshgrid(np.arange(12.0), np.arange(12.0)), -1).reshape(-1, 2)
    D = np.sort(np.linalg.norm(points[:, None] - points[None], axis=2), axis=1)[:, 1:]
    width = fit_weight_rule(D, "heat", "max-spread").bandwidth
    assert 1 < width < 12


@pytest.mark.parametrize("kind", ["heat", "self-tuning", "fuzzy"])
@pytest.mark.usefixtures("compiled")
def test_scaled_units_give_the_same_weights(kind):
    _, W = weigh(kind)
    _, scaled = weigh(kind, distances=1000 * DISTANCES)
    np.testing.assert_allclose(scaled, W, rtol=1e-9)


@pytest.mark.parametrize("kind", ["heat", "self-tuning", "fuzzy", "connectivity"])
@pytest.mark.usefixtures("compiled")
def test_duplicates_weigh_one(kind):
    D = DISTANCES.copy()
    D[3, :4] = 0
    D[5] = 0
    _, W = weigh(kind, distances=D)
    assert np.all(np.isfinite(W))
    np.testing.assert_array_equal(W[3, :4], 1)
    np.testing.assert_array_equal(W[5], 1)


def test_local_scale_of_duplicates():
    D = np.array([[0.0, 0.0, 3.0], [0.0, 0.0, 0.0], [1.0, 2.0, 5.0]])
    np.testing.assert_array_equal(local_scales(D, 9.0), [3.0, 9.0, 5.0])
    D[0] = [0.0, 4.0, 0.0]
    np.testing.assert_array_equal(local_scales(D, 9.0), [4.0, 9.0, 5.0])


def test_bandwidth_without_heat_weights_is_refused():
    with pytest.raises(ValueError, match=r"bandwidth=0\.5 has no meaning"):
        weigh("self-tuning", 0.5)


@pytest.mark.parametrize("kind", ["heat", "self-tuning", "fuzzy", "connectivity"])
def test_device_arrays_get_the_same_weights(kind, namespace):
    xp, device = namespace
    D = xp.asarray(DISTANCES.tolist(), dtype=xp.float64, device=device)
    I = xp.asarray(INDICES.tolist(), dtype=xp.int32, device=device)  # noqa: E741
    W = fit_weight_rule(D, kind)(D, I)
    assert W.dtype == xp.float64
    assert W.device == D.device
    expected = weigh(kind)[1]
    got = np.array([[float(v) for v in W[i, :]] for i in range(40)])
    np.testing.assert_allclose(got, expected, rtol=1e-9)


@pytest.mark.parametrize("kind", ["heat", "self-tuning", "fuzzy"])
@pytest.mark.usefixtures("compiled")
def test_float32_stays(kind):
    D = DISTANCES.astype(np.float32)
    W = fit_weight_rule(D, kind)(D, INDICES)
    assert W.dtype == np.float32
    np.testing.assert_allclose(W, weigh(kind)[1], rtol=2e-5)
