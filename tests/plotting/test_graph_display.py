import numpy as np
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError

from sklearn_manifold_reg.graph import NeighborsGraph
from sklearn_manifold_reg.plotting import GraphDisplay

plt = pytest.importorskip("matplotlib.pyplot")
colors = pytest.importorskip("matplotlib.colors")

SQUARE = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
# A path 0 - 1 - 2 - 3 with weights 1, 2, 4 and a loop at 0, which is no edge.
PATH = sparse.csr_array(
    np.array([[5.0, 1, 0, 0], [1, 0, 2, 0], [0, 2, 0, 4], [0, 0, 4, 0]])
)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def drawn_edges(display):
    return {
        tuple(sorted(map(tuple, segment.tolist())))
        for segment in display.lines_.get_segments()
    }


@pytest.mark.parametrize("form", [sparse.csr_array, sparse.coo_matrix, np.asarray])
def test_each_edge_is_drawn_once_between_its_nodes(form):
    affinity = form(PATH.toarray())
    display = GraphDisplay.from_graph(affinity, SQUARE)
    assert len(display.lines_.get_segments()) == 3
    expected = {
        tuple(sorted((tuple(SQUARE[i]), tuple(SQUARE[i + 1])))) for i in range(3)
    }
    assert drawn_edges(display) == expected
    np.testing.assert_array_equal(display.scatter_.get_offsets(), SQUARE)


def test_heavier_edges_are_wider():
    display = GraphDisplay.from_graph(PATH, SQUARE)
    widths = np.asarray(display.lines_.get_linewidths())
    assert np.all(np.diff(widths[np.argsort(display.weights)]) > 0)


def test_display_protocol():
    _, ax = plt.subplots()
    display = GraphDisplay.from_graph(PATH, SQUARE, ax=ax, name="path")
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert ax.get_title() == "path"
    again = display.plot()
    assert again is display
    assert display.ax_ is not ax


def test_numbers_get_a_color_scale_and_nan_is_gray():
    values = np.array([0.0, 1.0, np.nan, 2.0])
    display = GraphDisplay.from_graph(PATH, SQUARE, values=values)
    display.figure_.canvas.draw()
    assert display.colorbar_ is not None
    assert display.plot(colorbar=False).colorbar_ is None
    display.figure_.canvas.draw()
    faces = display.scatter_.get_facecolors()
    assert len(np.unique(faces, axis=0)) == 4
    np.testing.assert_allclose(faces[2], colors.to_rgba("#d9d9d9"))


@pytest.mark.parametrize(
    "values",
    [
        np.array([0, 1, -1, 1]),
        np.array(["a", "b", -1, "b"], dtype=object),
        np.array([False, True, -1, True], dtype=object),
    ],
)
def test_classes_get_a_legend_and_unlabeled_nodes_are_gray(values):
    display = GraphDisplay.from_graph(PATH, SQUARE, values=values)
    faces = display.scatter_.get_facecolors()
    assert [text.get_text() for text in display.legend_.get_texts()] == [
        str(values[0]),
        str(values[1]),
    ]
    np.testing.assert_array_equal(faces[1], faces[3])
    np.testing.assert_allclose(faces[2], colors.to_rgba("#d9d9d9"))


def test_minus_one_and_one_alone_are_classes():
    display = GraphDisplay.from_graph(PATH, SQUARE, values=np.array([-1, 1, 1, -1]))
    assert [t.get_text() for t in display.legend_.get_texts()] == ["-1", "1"]


def test_options_reach_the_artists():
    display = GraphDisplay.from_graph(
        PATH, SQUARE, values=[0, 1, 0, 1], line_kwargs={"linewidths": 3.0}, c="k", s=7
    )
    assert set(display.lines_.get_linewidths()) == {3.0}
    assert set(display.scatter_.get_sizes()) == {7.0}
    np.testing.assert_array_equal(display.scatter_.get_facecolors(), [[0, 0, 0, 1]])


def test_builder_and_estimator_with_a_graph_are_drawn():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 2))
    builder = NeighborsGraph(n_neighbors=6, connectivity="mst").fit(X)
    display = GraphDisplay.from_estimator(builder, X)
    assert display.ax_.get_title() == "NeighborsGraph"

    class Model(BaseEstimator):
        def fit(self, X, y=None):
            self.graph_ = builder
            self.transduction_ = (X[:, 0] > 0).astype(int)
            return self

    model = Model().fit(X)
    of_model = GraphDisplay.from_estimator(model, X)
    assert drawn_edges(of_model) == drawn_edges(display)
    np.testing.assert_array_equal(of_model.values, model.transduction_)


def test_more_columns_need_positions():
    X = np.random.default_rng(0).normal(size=(30, 4))
    builder = NeighborsGraph(n_neighbors=6, connectivity="mst").fit(X)
    with pytest.raises(ValueError, match="pass positions="):
        GraphDisplay.from_estimator(builder, X)
    plane = PCA(2).fit_transform(X)
    display = GraphDisplay.from_estimator(builder, X, positions=plane)
    np.testing.assert_array_equal(display.scatter_.get_offsets(), plane)


def test_bad_input_is_refused():
    with pytest.raises(NotFittedError):
        GraphDisplay.from_estimator(NeighborsGraph(), SQUARE)
    with pytest.raises(TypeError, match="neither `affinity_` nor `graph_`"):
        GraphDisplay.from_estimator(PCA(2).fit(SQUARE), SQUARE)
    with pytest.raises(ValueError, match="square"):
        GraphDisplay.from_graph(PATH[:, :2], SQUARE)
    with pytest.raises(ValueError, match=r"positions must have shape \(4, 2\)"):
        GraphDisplay.from_graph(PATH, SQUARE[:3])
    with pytest.raises(ValueError, match=r"values must have shape \(4,\)"):
        GraphDisplay.from_graph(PATH, SQUARE, values=[1.0, 2.0])


def test_a_graph_without_edges_is_drawn():
    display = GraphDisplay.from_graph(sparse.csr_array((4, 4)), SQUARE)
    assert len(display.lines_.get_segments()) == 0
