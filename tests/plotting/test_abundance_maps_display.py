import numpy as np
import pytest
from sklearn.cluster import DBSCAN
from sklearn.decomposition import NMF
from sklearn.exceptions import NotFittedError

from sklearn_manifold_reg.datasets import make_mixed_scene
from sklearn_manifold_reg.plotting import AbundanceMapsDisplay

plt = pytest.importorskip("matplotlib.pyplot")

SCENE = make_mixed_scene((10, 14), 3, n_bands=20, purity=0.9, random_state=0)
TRUTH = SCENE.abundances
ORDER = [2, 0, 1]
FOUND = 0.8 * TRUTH[:, ORDER] + 0.06


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def draw(*args, shape=SCENE.shape, **kwargs):
    return AbundanceMapsDisplay.from_abundances(*args, shape, **kwargs)


def drawn(images):
    return np.stack([np.asarray(image.get_array()) for image in images], axis=-1)


def as_maps(columns):
    return columns.reshape(10, 14, -1)


def test_each_material_has_a_map_on_one_color_scale():
    display = draw(FOUND, names=["a", "b", "c"])
    np.testing.assert_array_equal(drawn(display.images_[0]), as_maps(FOUND))
    assert display.images_.shape == display.axes_.shape == (1, 3)
    assert {image.get_clim() for image in display.images_[0]} == {(0, FOUND.max())}
    assert [ax.get_title() for ax in display.axes_[0]] == ["a", "b", "c"]
    assert display.axes_[0, 0].get_ylabel() == ""
    assert display.colorbar_ is not None
    assert display.error_colorbar_ is None
    # Rows of the image run downward, as in the array.
    assert display.axes_[0, 0].get_ylim() == (9.5, -0.5)


def test_maps_stand_above_the_true_ones_and_the_errors():
    display = draw(FOUND, truth=TRUTH, error=True)
    matched = FOUND[:, np.argsort(ORDER)]
    for images, maps in zip(
        display.images_, (matched, TRUTH, matched - TRUTH), strict=True
    ):
        np.testing.assert_array_equal(drawn(images), as_maps(maps))
    limits = {image.get_clim() for image in display.images_[:2].ravel()}
    assert limits == {(0, max(FOUND.max(), TRUTH.max()))}
    largest = np.abs(matched - TRUTH).max()
    assert {i.get_clim() for i in display.images_[2]} == {(-largest, largest)}
    labels = [ax.get_ylabel() for ax in display.axes_[:, 0]]
    assert labels == ["found", "truth", "error"]
    assert display.error_colorbar_ is not None
    assert draw(FOUND, truth=TRUTH).images_.shape == (2, 3)


def test_the_sum_of_squares_decides():
    # Both true maps are nearest to the second one found, which only one can have.
    truth = np.array([[1.0, 0.6], [0.0, 0.0]])
    found = np.array([[0.2, 0.9], [0.0, 0.0]])
    display = draw(found, shape=(2, 1), truth=truth)
    np.testing.assert_array_equal(display.abundances, found[:, [1, 0]])


def test_normalized_pixels_have_sum_one_and_empty_ones_stay():
    scaled = TRUTH * np.linspace(0, 3, len(TRUTH))[:, None]
    display = draw(scaled, truth=TRUTH, normalize=True)
    np.testing.assert_allclose(display.abundances[1:], TRUTH[1:], rtol=1e-13)
    np.testing.assert_array_equal(display.abundances[0], 0)


def test_negative_shares_widen_the_color_scale():
    display = draw(FOUND - 0.5)
    assert display.images_[0, 0].get_clim() == ((FOUND - 0.5).min(), FOUND.max() - 0.5)


def test_what_transform_gives_is_drawn():
    model = NMF(3, init="nndsvda", tol=1e-2, max_iter=500).fit(SCENE.data)
    display = AbundanceMapsDisplay.from_estimator(
        model, SCENE.data, SCENE.shape, cmap="magma", colorbar=False
    )
    np.testing.assert_array_equal(
        drawn(display.images_[0]), as_maps(model.transform(SCENE.data))
    )
    assert display.figure_.get_suptitle() == "NMF"
    assert display.images_[0, 0].get_cmap().name == "magma"
    assert display.colorbar_ is None


def test_axes_are_used_as_they_are():
    figure, axes = plt.subplots(2, 3)
    display = draw(
        FOUND, truth=TRUTH, axes=axes, name="maps", vmax=2.0, interpolation="none"
    )
    assert display.figure_ is figure
    np.testing.assert_array_equal(display.axes_, axes)
    assert display.images_[1, 2].get_clim() == (0, 2)
    again = display.plot(error=True, error_kwargs={"cmap": "PiYG"})
    assert again is display
    assert display.figure_ is not figure
    assert display.images_[2, 0].get_cmap().name == "PiYG"
    _, row = plt.subplots(1, 3)
    assert draw(FOUND, axes=row).axes_.shape == (1, 3)


def test_a_norm_replaces_the_limits():
    colors = pytest.importorskip("matplotlib.colors")
    display = draw(FOUND, truth=TRUTH, norm=colors.PowerNorm(0.5, 0, 1))
    assert {image.get_clim() for image in display.images_.ravel()} == {(0, 1)}


def test_device_arrays_are_drawn(namespace):
    xp, device = namespace
    moved = xp.asarray(FOUND, device=device)
    display = draw(moved, truth=xp.asarray(TRUTH, device=device))
    np.testing.assert_array_equal(drawn(display.images_[1]), as_maps(TRUTH))


def test_bad_input_is_refused():
    with pytest.raises(NotFittedError, match="not fitted"):
        AbundanceMapsDisplay.from_estimator(NMF(2), SCENE.data, SCENE.shape)
    other = DBSCAN().fit(SCENE.data)
    with pytest.raises(TypeError, match="DBSCAN has no `transform`"):
        AbundanceMapsDisplay.from_estimator(other, SCENE.data, SCENE.shape)
    with pytest.raises(ValueError, match=r"\(9, 9\) has 81 pixels, .* are 140 rows"):
        draw(FOUND, shape=(9, 9))
    with pytest.raises(ValueError, match=r"shape \(140, 3\) of the abundances"):
        draw(FOUND, truth=TRUTH[:, :2])
    with pytest.raises(ValueError, match="names must have 3 entries"):
        draw(FOUND, names=["a"])
    with pytest.raises(ValueError, match="error=True needs truth"):
        draw(FOUND, error=True)
    _, axes = plt.subplots(1, 3)
    with pytest.raises(ValueError, match=r"axes must have shape \(2, 3\), .*truth"):
        draw(FOUND, truth=TRUTH, axes=axes)
