import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.decomposition import NMF
from sklearn.exceptions import NotFittedError

from sklearn_manifold_reg.datasets import make_mixed_scene
from sklearn_manifold_reg.plotting import EndmembersDisplay

plt = pytest.importorskip("matplotlib.pyplot")

SCENE = make_mixed_scene((10, 12), 4, n_bands=30, random_state=0)
ORDER = np.array([2, 0, 3, 1])
# Other spectra of the same shapes: angles do not see the factors.
FOUND = (SCENE.endmembers * np.array([[1.0], [0.2], [3.0], [0.7]]))[ORDER]


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def legend(display):
    return [text.get_text() for text in display.legend_.get_texts()]


def heights(lines):
    return np.stack([line.get_ydata() for line in lines])


def test_spectra_are_drawn_over_their_wavelengths():
    display = EndmembersDisplay.from_components(FOUND, wavelengths=SCENE.wavelengths)
    np.testing.assert_array_equal(heights(display.lines_), FOUND)
    for line in display.lines_:
        np.testing.assert_array_equal(line.get_xdata(), SCENE.wavelengths)
    assert display.truth_lines_ == []
    assert legend(display) == [f"material {k}" for k in range(4)]
    assert display.ax_.get_xlabel() == "wavelength"
    bands = EndmembersDisplay.from_components(FOUND)
    np.testing.assert_array_equal(bands.lines_[0].get_xdata(), np.arange(30))
    assert bands.ax_.get_xlabel() == "band"


def test_spectra_stand_in_the_order_of_the_truth():
    display = EndmembersDisplay.from_components(
        FOUND, truth=SCENE.endmembers, names=["a", "b", "c", "d"]
    )
    np.testing.assert_array_equal(heights(display.lines_), FOUND[np.argsort(ORDER)])
    np.testing.assert_array_equal(heights(display.truth_lines_), SCENE.endmembers)
    np.testing.assert_allclose(display.angles, 0, atol=1e-7)
    assert legend(display) == [f"{name} (0.00 rad)" for name in "abcd"] + ["truth"]
    for line, truth in zip(display.lines_, display.truth_lines_, strict=True):
        assert truth.get_color() == line.get_color()
        assert truth.get_linestyle() == "--"
        assert line.get_linestyle() == "-"
    assert len({line.get_color() for line in display.lines_}) == 4


def test_the_sum_of_angles_decides_and_the_legend_tells_it():
    # The second spectrum found is nearest to both true ones, which only one can have.
    def direction(angle):
        return np.array([np.cos(angle), np.sin(angle)])

    truth = np.stack([direction(0.0), direction(0.5)])
    found = np.stack([direction(1.2), direction(0.2)])
    display = EndmembersDisplay.from_components(found, truth=truth)
    np.testing.assert_array_equal(display.components, found[[1, 0]])
    np.testing.assert_allclose(display.angles, [0.2, 0.7])
    assert legend(display)[0] == "material 0 (0.20 rad)"


def test_a_zero_spectrum_is_at_a_right_angle():
    truth = np.eye(2, 3)
    found = np.stack([np.zeros(3), truth[0]])
    display = EndmembersDisplay.from_components(found, truth=truth, normalize=True)
    np.testing.assert_allclose(display.angles, [0, np.pi / 2])
    np.testing.assert_array_equal(display.components, [truth[0], np.zeros(3)])


def test_normalized_spectra_of_equal_shape_coincide():
    display = EndmembersDisplay.from_components(
        FOUND, truth=SCENE.endmembers, normalize=True
    )
    np.testing.assert_allclose(
        heights(display.lines_), heights(display.truth_lines_), rtol=1e-12
    )
    np.testing.assert_allclose(np.linalg.norm(heights(display.lines_), axis=1), 1)


def test_components_of_an_estimator_are_drawn():
    model = NMF(4, init="nndsvda", tol=1e-2, max_iter=500).fit(SCENE.data)
    _, ax = plt.subplots()
    display = EndmembersDisplay.from_estimator(
        model, ax=ax, linewidth=3, truth=SCENE.endmembers, truth_kwargs={"color": "k"}
    )
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert ax.get_title() == "NMF"
    drawn = sorted(map(tuple, heights(display.lines_)))
    assert drawn == sorted(map(tuple, model.components_))
    assert display.lines_[0].get_linewidth() == 3
    assert {line.get_color() for line in display.truth_lines_} == {"k"}
    again = display.plot(name="other")
    assert again is display
    assert display.ax_ is not ax
    assert display.ax_.get_title() == "other"


def test_device_arrays_are_drawn(namespace):
    xp, device = namespace
    moved = xp.asarray(FOUND, device=device)
    truth = xp.asarray(SCENE.endmembers, device=device)
    places = xp.asarray(SCENE.wavelengths, device=device)
    display = EndmembersDisplay.from_components(moved, truth=truth, wavelengths=places)
    np.testing.assert_array_equal(heights(display.truth_lines_), SCENE.endmembers)


def test_bad_input_is_refused():
    with pytest.raises(NotFittedError, match="not fitted"):
        EndmembersDisplay.from_estimator(NMF(2))
    other = KMeans(2, n_init=1).fit(SCENE.data)
    with pytest.raises(TypeError, match="KMeans has no `components_`"):
        EndmembersDisplay.from_estimator(other)
    draw = EndmembersDisplay.from_components
    with pytest.raises(ValueError, match=r"shape \(4, 30\) of the components, got \(3"):
        draw(FOUND, truth=SCENE.endmembers[:3])
    with pytest.raises(ValueError, match=r"wavelengths must have shape \(30,\)"):
        draw(FOUND, wavelengths=np.arange(4))
    with pytest.raises(ValueError, match=r"names must have 4 entries.*got 2"):
        draw(FOUND, names=["a", "b"])
    with pytest.raises(ValueError, match="components contains NaN"):
        draw(np.full((2, 2), np.nan))
