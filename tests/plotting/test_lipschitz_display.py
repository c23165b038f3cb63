import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from sklearn_manifold_reg.graph import NeighborsGraph
from sklearn_manifold_reg.plotting import LipschitzDisplay
from sklearn_manifold_reg.semi_supervised import (
    LaplacianRegularizedRegressor,
    ManifoldLipschitzRegressor,
)

plt = pytest.importorskip("matplotlib.pyplot")

rng = np.random.default_rng(0)
X = rng.random((50, 2))
Y = np.full((50, 2), np.nan)
Y[:10] = X[:10] ** 2
GRAPH = NeighborsGraph(n_neighbors=6, connectivity="mst")
MODEL = ManifoldLipschitzRegressor(GRAPH).fit(X, Y[:, 0])


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_colors_are_gradients_and_areas_are_weights():
    display = LipschitzDisplay.from_estimator(MODEL, X)
    np.testing.assert_array_equal(display.scatter_.get_array(), MODEL.gradient_)
    np.testing.assert_array_equal(display.scatter_.get_offsets(), X)
    areas = display.scatter_.get_sizes()
    assert np.argmax(areas) == np.argmax(MODEL.lambda_)
    np.testing.assert_allclose(np.corrcoef(areas, MODEL.lambda_)[0, 1], 1)
    assert display.quiver_ is None
    assert f"{MODEL.lipschitz_:.3g}" in display.ax_.get_title()


def test_two_outputs_are_arrows():
    model = ManifoldLipschitzRegressor(GRAPH).fit(X, Y)
    display = LipschitzDisplay.from_estimator(model, X)
    np.testing.assert_array_equal(display.quiver_.U, model.transduction_[:, 0])
    np.testing.assert_array_equal(display.quiver_.V, model.transduction_[:, 1])
    other = LipschitzDisplay.from_estimator(MODEL, X, arrows=X)
    np.testing.assert_array_equal(other.quiver_.U, X[:, 0])


def test_display_protocol():
    _, ax = plt.subplots()
    display = LipschitzDisplay.from_estimator(MODEL, X, ax=ax, name="f", colorbar=False)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert ax.get_title() == "f"
    assert display.colorbar_ is None
    assert display.plot(s=5, arrow_kwargs={"color": "red"}) is display
    assert display.ax_ is not ax
    assert np.all(display.scatter_.get_sizes() == 5)


def test_what_cannot_be_drawn():
    with pytest.raises(NotFittedError):
        LipschitzDisplay.from_estimator(ManifoldLipschitzRegressor(), X)
    other = LaplacianRegularizedRegressor(GRAPH).fit(X, Y[:, 0])
    with pytest.raises(TypeError, match="has no `gradient_` and `lambda_`"):
        LipschitzDisplay.from_estimator(other, X)
    with pytest.raises(ValueError, match="is no layout in the plane"):
        LipschitzDisplay.from_estimator(MODEL, X[:, :1])
    with pytest.raises(ValueError, match=r"positions must have shape \(50, 2\)"):
        LipschitzDisplay.from_estimator(MODEL, X, positions=X[:4])
    with pytest.raises(ValueError, match=r"arrows must have shape \(50, 2\)"):
        LipschitzDisplay.from_estimator(MODEL, X, arrows=X[:4])
