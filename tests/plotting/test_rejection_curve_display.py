import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.exceptions import NotFittedError

from sklearn_manifold_reg.kernel import GraphKernel
from sklearn_manifold_reg.metrics import rejection_auc, rejection_curve
from sklearn_manifold_reg.plotting import RejectionCurveDisplay

plt = pytest.importorskip("matplotlib.pyplot")

Y = np.array([0, 0, 0, 1, 1, 2])
PLACES = np.array([0, 1, 2, 2, 4, 7])
DISTANCES = np.abs(PLACES[:, None] - PLACES)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def legend(display):
    return [text.get_text() for text in display.ax_.get_legend().get_texts()]


def test_the_curve_is_drawn_with_its_area():
    display = RejectionCurveDisplay.from_distances(DISTANCES, Y, name="line")
    fpr, tpr, _ = rejection_curve(DISTANCES, Y)
    np.testing.assert_array_equal(display.line_.get_xdata(), fpr)
    np.testing.assert_array_equal(display.line_.get_ydata(), tpr)
    assert display.auc == rejection_auc(DISTANCES, Y)
    assert legend(display) == [f"line (AUC = {display.auc:.2f})"]
    assert display.chance_level_ is None


def test_curves_share_axes():
    first = RejectionCurveDisplay.from_distances(DISTANCES, Y, name="line")
    second = RejectionCurveDisplay.from_distances(
        np.ones_like(DISTANCES),
        Y,
        name="constant",
        ax=first.ax_,
        plot_chance_level=True,
        chance_level_kw={"color": "r"},
    )
    assert second.ax_ is first.ax_
    assert legend(second) == [
        f"line (AUC = {first.auc:.2f})",
        "constant (AUC = 0.50)",
        "Chance level (AUC = 0.5)",
    ]
    np.testing.assert_array_equal(
        second.chance_level_.get_xydata(), second.line_.get_xydata()
    )
    assert second.chance_level_.get_color() == "r"
    assert first.line_.get_color() != second.line_.get_color()


@pytest.mark.parametrize("kernel", ["log_communicability", "ppr"])
def test_a_fitted_kernel_is_drawn_as_the_distances_it_stands_for(kernel):
    # Weights by chance, so that rounding breaks no ties.
    A = np.triu(np.random.default_rng(0).random((6, 6)), 1)
    A = A + A.T
    fitted = GraphKernel(kernel, "precomputed").fit(A)
    display = RejectionCurveDisplay.from_estimator(fitted, Y, color="r")
    assert legend(display) == [f"GraphKernel (AUC = {display.auc:.2f})"]
    assert display.line_.get_color() == "r"
    K = fitted.kernel_matrix_
    own = K.diagonal()
    D = own[:, None] + own - K - K.T
    fpr, tpr, _ = rejection_curve(D, Y)
    np.testing.assert_array_equal(display.line_.get_xdata(), fpr)
    np.testing.assert_array_equal(display.line_.get_ydata(), tpr)

    fitted.set_params(output="distance").fit(A)
    same = RejectionCurveDisplay.from_estimator(fitted, Y, name="D", ax=display.ax_)
    assert same.ax_ is display.ax_
    assert same.auc == display.auc
    assert legend(same)[1] == f"D (AUC = {same.auc:.2f})"


def test_display_protocol():
    _, ax = plt.subplots()
    display = RejectionCurveDisplay.from_distances(DISTANCES, Y, ax=ax, color="k")
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert display.line_.get_color() == "k"
    assert legend(display) == [f"AUC = {display.auc:.2f}"]
    again = display.plot(name="other")
    assert again is display
    assert display.ax_ is not ax
    assert legend(display) == [f"other (AUC = {display.auc:.2f})"]
    bare = RejectionCurveDisplay(fpr=display.fpr, tpr=display.tpr).plot()
    assert bare.ax_.get_legend() is None


def test_device_arrays_are_drawn(namespace):
    xp, device = namespace
    moved = xp.asarray(DISTANCES, device=device)
    display = RejectionCurveDisplay.from_distances(moved, Y)
    host = RejectionCurveDisplay.from_distances(DISTANCES, Y)
    np.testing.assert_array_equal(display.line_.get_xydata(), host.line_.get_xydata())


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="one class only"):
        RejectionCurveDisplay.from_distances(DISTANCES, np.zeros(6))
    with pytest.raises(NotFittedError, match="not fitted"):
        RejectionCurveDisplay.from_estimator(GraphKernel(), Y)
    fitted = KMeans(2, n_init=1).fit(DISTANCES)
    with pytest.raises(TypeError, match="KMeans has no `kernel_matrix_`"):
        RejectionCurveDisplay.from_estimator(fitted, Y)
