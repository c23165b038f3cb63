from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.datasets import make_blobs
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError

from sklearn_manifold_reg.graph import KernelGraph
from sklearn_manifold_reg.manifold import SpectralEmbedding
from sklearn_manifold_reg.plotting import SpectrumDisplay

plt = pytest.importorskip("matplotlib.pyplot")

VALUES = np.array([0.0, 0.01, 0.02, 0.5, 0.6])


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_eigenvalues_and_the_largest_gap_are_drawn():
    display = SpectrumDisplay.from_eigenvalues(VALUES)
    np.testing.assert_array_equal(display.line_.get_xdata(), [1, 2, 3, 4, 5])
    np.testing.assert_array_equal(display.line_.get_ydata(), VALUES)
    np.testing.assert_allclose(display.gaps_, np.diff(VALUES))
    assert display.n_below_gap_ == 3
    corners = display.gap_.get_paths()[0].vertices
    assert corners[:, 1].min() == 0.02
    assert corners[:, 1].max() == 0.5


def test_eigenvalues_left_out_count():
    display = SpectrumDisplay.from_eigenvalues(VALUES[1:], first=1)
    np.testing.assert_array_equal(display.line_.get_xdata(), [2, 3, 4, 5])
    assert display.n_below_gap_ == 3


def test_the_gap_after_the_constant_alone_is_no_answer():
    assert SpectrumDisplay.from_eigenvalues([0.0, 0.8, 0.9, 1.05]).n_below_gap_ == 3
    display = SpectrumDisplay.from_eigenvalues([0.0, 0.8])
    assert display.n_below_gap_ is None
    assert display.gap_ is None


@pytest.mark.parametrize("drop_first", [True, False])
@pytest.mark.parametrize("n_clusters", [2, 4])
def test_estimators_of_blobs_show_their_number(n_clusters, drop_first):
    centers = 8 * np.array([[0, 0], [0, 1], [1, 0], [1, 1]])[:n_clusters]
    X, _ = make_blobs(120, centers=centers, random_state=0)
    model = SpectralEmbedding(7, KernelGraph(gamma=0.2), drop_first=drop_first).fit(X)
    display = SpectrumDisplay.from_estimator(model)
    assert display.n_below_gap_ == n_clusters
    assert display.ax_.get_title() == "SpectralEmbedding"


def test_a_density_shares_the_scale_of_eigenvalues():
    density = SimpleNamespace(grid=np.linspace(0, 2, 50), density=np.ones(50))
    display = SpectrumDisplay.from_eigenvalues(VALUES, density=density)
    np.testing.assert_array_equal(display.density_.get_ydata(), density.grid)
    np.testing.assert_array_equal(display.density_.get_xdata(), density.density)
    assert display.ax_density_.get_ylim() == display.ax_.get_ylim()
    assert SpectrumDisplay.from_eigenvalues(VALUES).density_ is None


def test_display_protocol():
    _, ax = plt.subplots()
    display = SpectrumDisplay.from_eigenvalues(
        VALUES, ax=ax, name="blobs", color="k", gap_kwargs={"alpha": 0.1}
    )
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert ax.get_title() == "blobs"
    assert display.line_.get_color() == "k"
    assert display.gap_.get_alpha() == 0.1
    again = display.plot()
    assert again is display
    assert display.ax_ is not ax


def test_bad_input_is_refused():
    with pytest.raises(NotFittedError):
        SpectrumDisplay.from_estimator(SpectralEmbedding())
    with pytest.raises(TypeError, match="PCA has no `eigenvalues_`"):
        SpectrumDisplay.from_estimator(PCA(1).fit(np.eye(3)))
    with pytest.raises(ValueError, match="must ascend"):
        SpectrumDisplay.from_eigenvalues(VALUES[::-1])
    with pytest.raises(ValueError, match="finite numbers"):
        SpectrumDisplay.from_eigenvalues([0.0, np.nan])
    with pytest.raises(TypeError, match="`grid` and `density`"):
        SpectrumDisplay.from_eigenvalues(VALUES, density=np.ones(3))
