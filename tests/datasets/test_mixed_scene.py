import numpy as np
import pytest
from scipy.stats import beta, kstest

from sklearn_manifold_reg.datasets import make_mixed_scene


@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"concentration": 1e-3, "purity": None},
        {"concentration": 0.05, "smoothness": 0},
        {"concentration": 50.0},
        {"purity": 0.7},
        {"n_components": 1},
        {"shape": (1, 9), "n_components": 9, "n_bands": 1},
    ],
)
def test_pixels_are_convex_mixtures_of_the_spectra(kwargs):
    scene = make_mixed_scene(**kwargs, random_state=0)
    A = scene.abundances
    assert np.all(A >= 0)
    np.testing.assert_allclose(A.sum(axis=1), 1, rtol=0, atol=1e-14)
    np.testing.assert_array_equal(scene.data, A @ scene.endmembers)
    assert np.all((scene.endmembers > 0) & (scene.endmembers < 1))
    assert len(scene.wavelengths) == scene.data.shape[1]


def test_the_image_holds_the_pixels_row_by_row():
    scene = make_mixed_scene((5, 7), random_state=0)
    assert scene.shape == (5, 7)
    np.testing.assert_array_equal(scene.image[3, 2], scene.data[3 * 7 + 2])
    assert np.shares_memory(scene.image, scene.data)


@pytest.mark.parametrize("concentration", [0.1, 0.5, 3.0])
@pytest.mark.statistical
def test_independent_pixels_follow_the_dirichlet_law(concentration):
    scene = make_mixed_scene(
        (80, 80),
        3,
        n_bands=2,
        concentration=concentration,
        smoothness=0,
        purity=None,
        random_state=0,
    )
    for shares in scene.abundances.T:
        law = beta(concentration, 2 * concentration)
        assert kstest(shares, law.cdf).pvalue > 1e-4
    # The moment of second order between materials of a Dirichlet law.
    total = 3 * concentration
    expected = concentration**2 / (total * (total + 1))
    products = scene.abundances[:, 0] * scene.abundances[:, 1]
    error = products.std() / np.sqrt(len(products))
    assert abs(products.mean() - expected) < 4 * error


@pytest.mark.statistical
def test_smooth_scenes_keep_the_law_and_near_pixels_are_alike():
    # A material of two with concentration 1 is uniform in [0, 1], so the quantile of
    # its share has the law of the fields' difference.
    rng = np.random.RandomState(0)
    near, far, values = [], [], []
    for _ in range(200):
        scene = make_mixed_scene(
            (20, 20),
            2,
            n_bands=1,
            concentration=1.0,
            smoothness=2.0,
            purity=None,
            random_state=rng,
        )
        share = scene.abundances[:, 0].reshape(20, 20)
        # Pixels at the border have the same law as those inside.
        values.append((share[0, 0], share[0, 10], share[10, 10]))
        near.append((share[5, 5] - share[5, 6]) ** 2)
        far.append((share[2, 2] - share[17, 17]) ** 2)
    for place in np.transpose(values):
        assert kstest(place, "uniform").pvalue > 1e-4
    # Mean squared difference of independent uniforms.
    assert np.mean(far) == pytest.approx(1 / 6, rel=0.3)
    assert np.mean(near) < 0.1 * np.mean(far)


def test_smoothness_orders_the_roughness_of_the_maps():
    def roughness(smoothness):
        scene = make_mixed_scene(
            (60, 60), smoothness=smoothness, purity=None, random_state=0
        )
        maps = scene.abundances.reshape(60, 60, -1)
        return np.mean(np.diff(maps, axis=1) ** 2) / maps.var(axis=(0, 1)).mean()

    found = [roughness(width) for width in (0, 1, 4, 12)]
    assert found == sorted(found, reverse=True)
    # Independent pixels: a difference has twice the variance.
    assert found[0] == pytest.approx(2, rel=0.05)
    assert found[2] < 0.1


@pytest.mark.parametrize("concentration", [0.5, 20.0])
@pytest.mark.parametrize("purity", [1.0, 0.8, 0.3])
def test_every_material_reaches_its_purity_and_none_exceeds_it(purity, concentration):
    scene = make_mixed_scene(concentration=concentration, purity=purity, random_state=0)
    np.testing.assert_allclose(scene.abundances.max(axis=0), purity, rtol=1e-14)
    free = make_mixed_scene(concentration=concentration, purity=None, random_state=0)
    factor = (purity - 0.25) / 0.75
    moved = 0.25 + factor * (free.abundances - 0.25)
    changed = np.any(np.abs(scene.abundances - moved) > 1e-12, axis=1)
    # One pixel a material, and no more.
    assert changed.sum() == 4


def test_as_many_pixels_as_materials_are_all_pure():
    scene = make_mixed_scene((2, 2), 4, random_state=0)
    np.testing.assert_array_equal(np.sort(scene.abundances.argmax(axis=1)), range(4))
    np.testing.assert_array_equal(scene.abundances.max(axis=1), 1)


@pytest.mark.parametrize("snr", [-5.0, 20.0, 40.0])
@pytest.mark.statistical
def test_noise_has_the_ratio_that_is_asked_for(snr):
    clean = make_mixed_scene(random_state=0)
    noisy = make_mixed_scene(snr=snr, random_state=0)
    np.testing.assert_array_equal(noisy.abundances, clean.abundances)
    np.testing.assert_array_equal(noisy.endmembers, clean.endmembers)
    noise = noisy.data - clean.data
    found = 10 * np.log10(np.mean(clean.data**2) / np.mean(noise**2))
    # Four standard errors of a mean of squares of normal numbers.
    assert abs(found - snr) < 4 * 10 / np.log(10) * np.sqrt(2 / noise.size)
    assert abs(np.corrcoef(noise[:, 0], noise[:, 1])[0, 1]) < 4 / np.sqrt(len(noise))


def test_spectra_are_smooth_and_distinct():
    E = make_mixed_scene(n_components=6, random_state=0).endmembers
    steps = np.abs(np.diff(E, axis=1))
    assert steps.max() < 0.2
    assert np.ptp(E, axis=1).min() > 0.3
    assert np.linalg.cond(E) < 1e3


def test_given_spectra_are_used_and_copied():
    E = np.array([[1.0, 0.0, 2.0], [0.5, 3.0, 0.0]])
    scene = make_mixed_scene((6, 6), endmembers=E, random_state=3)
    own = make_mixed_scene((6, 6), 2, random_state=3)
    np.testing.assert_array_equal(scene.abundances, own.abundances)
    np.testing.assert_array_equal(scene.data, scene.abundances @ E)
    assert scene.wavelengths is None
    assert not np.shares_memory(scene.endmembers, E)


def test_equal_seeds_give_equal_scenes():
    first, second, other = (
        make_mixed_scene((9, 8), snr=30, random_state=seed) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.data, second.data)
    assert not np.allclose(first.data, other.data)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"shape": (5, 0)}, r"shape must be .* at least 1, got \(5, 0\)"),
        ({"shape": (5, 5, 5)}, r"rows and columns.*got \(5, 5, 5\)"),
        ({"shape": (5.5, 5)}, "whole and at least 1"),
        ({"purity": 0.2}, "below 1 / n_components = 0.25"),
        ({"shape": (1, 3)}, "n_components=4 materials need a pixel each.*has 3"),
        ({"endmembers": [[1.0, -0.5]]}, "nonnegative spectra, got a least value of -0"),
        ({"endmembers": [[1.0, np.nan]]}, "endmembers contains NaN"),
        ({"concentration": 0}, "'concentration' parameter"),
        ({"smoothness": -1}, "'smoothness' parameter"),
        ({"purity": 1.5}, "'purity' parameter"),
        ({"snr": np.inf}, "'snr' parameter"),
        ({"n_components": 0}, "'n_components' parameter"),
    ],
)
def test_bad_input_is_refused(kwargs, message):
    with pytest.raises(ValueError, match=message):
        make_mixed_scene(**kwargs, random_state=0)
