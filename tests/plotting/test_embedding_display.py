import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.datasets import make_swiss_roll
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError

from sklearn_manifold_reg.manifold import DiffusionMap, SpectralEmbedding
from sklearn_manifold_reg.plotting import EmbeddingDisplay, GraphDisplay

plt = pytest.importorskip("matplotlib.pyplot")
colors = pytest.importorskip("matplotlib.colors")

X, POSITION = make_swiss_roll(150, random_state=0)
MODEL = SpectralEmbedding(4).fit(X[:100])


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def places(scatter):
    return np.asarray(scatter.get_offsets())


@pytest.mark.parametrize("components", [(0, 1), (3, 2), (-1, 0)])
def test_rows_lie_at_the_chosen_columns(components):
    display = EmbeddingDisplay.from_estimator(MODEL, components=components)
    np.testing.assert_array_equal(
        places(display.scatter_), MODEL.embedding_[:, components]
    )
    assert display.ax_.get_xlabel() == f"column {components[0]}"
    assert display.ax_.get_title() == "SpectralEmbedding"
    assert display.scatter_new_ is None


def test_three_columns_are_drawn_in_space():
    display = EmbeddingDisplay.from_estimator(MODEL, components=(0, 1, 2))
    np.testing.assert_array_equal(
        np.stack(display.scatter_._offsets3d, axis=1), MODEL.embedding_[:, :3]
    )
    assert display.ax_.get_zlabel() == "column 2"
    _, plane = plt.subplots()
    with pytest.raises(ValueError, match='projection="3d" for three'):
        display.plot(plane)


@pytest.mark.parametrize("model", [MODEL, DiffusionMap(2).fit(X[:100])], ids=type)
def test_new_rows_are_where_transform_puts_them_on_one_color_scale(model):
    display = EmbeddingDisplay.from_estimator(
        model, values=POSITION[:100], X_new=X[100:], values_new=POSITION[100:]
    )
    np.testing.assert_array_equal(
        places(display.scatter_new_), model.transform(X[100:])[:, :2]
    )
    limits = POSITION.min(), POSITION.max()
    assert display.scatter_.get_clim() == limits
    assert display.scatter_new_.get_clim() == limits
    assert display.colorbar_ is not None
    assert display.plot(colorbar=False).colorbar_ is None


def test_classes_of_old_and_new_rows_share_colors_and_a_legend():
    old, new = np.array(["a", "b"])[np.arange(100) % 2], np.full(50, "b")
    display = EmbeddingDisplay.from_estimator(
        MODEL, values=old, X_new=X[100:], values_new=new
    )
    assert [t.get_text() for t in display.legend_.get_texts()] == ["a", "b"]
    old_faces = display.scatter_.get_facecolors()
    new_faces = display.scatter_new_.get_facecolors()
    np.testing.assert_array_equal(new_faces[0], old_faces[1])
    assert not np.array_equal(old_faces[0], old_faces[1])


def test_rows_without_values_beside_rows_with_values_are_gray():
    display = EmbeddingDisplay.from_estimator(
        MODEL, X_new=X[100:], values_new=np.arange(50) % 3
    )
    faces = display.scatter_.get_facecolors()
    np.testing.assert_allclose(faces, [colors.to_rgba("#d9d9d9")] * 100)


def test_colors_are_those_of_the_graph_display():
    labels = np.arange(100) % 4
    ours = EmbeddingDisplay.from_embedding(MODEL.embedding_, values=labels)
    graph = GraphDisplay.from_estimator(
        MODEL, X[:100], positions=MODEL.embedding_[:, :2], values=labels
    )
    np.testing.assert_array_equal(
        ours.scatter_.get_facecolors(), graph.scatter_.get_facecolors()
    )


def test_labels_of_a_clusterer_are_its_colors():
    class Clusterer(BaseEstimator):
        def fit(self, X, y=None):
            self.embedding_ = X[:, :2]
            self.labels_ = (X[:, 0] > 0).astype(int)
            return self

    model = Clusterer().fit(X)
    display = EmbeddingDisplay.from_estimator(model)
    np.testing.assert_array_equal(display.values, model.labels_)
    with pytest.raises(TypeError, match="no `transform` to embed X_new"):
        EmbeddingDisplay.from_estimator(model, X_new=X)


def test_options_reach_the_artists():
    _, ax = plt.subplots()
    display = EmbeddingDisplay.from_estimator(
        MODEL, X_new=X[100:], ax=ax, name="roll", s=5, new_kwargs={"color": "r"}
    )
    assert display.ax_ is ax
    assert ax.get_title() == "roll"
    assert set(display.scatter_.get_sizes()) == {5.0}
    np.testing.assert_array_equal(
        display.scatter_new_.get_facecolors(), [colors.to_rgba("r")]
    )
    again = EmbeddingDisplay.from_estimator(MODEL, values=POSITION[:100], c="k")
    assert again.colorbar_ is None
    np.testing.assert_array_equal(again.scatter_.get_facecolors(), [[0, 0, 0, 1]])


def test_bad_input_is_refused():
    with pytest.raises(NotFittedError):
        EmbeddingDisplay.from_estimator(SpectralEmbedding())
    with pytest.raises(TypeError, match="PCA has no `embedding_`"):
        EmbeddingDisplay.from_estimator(PCA(2).fit(X))
    with pytest.raises(ValueError, match="larger n_components"):
        EmbeddingDisplay.from_estimator(MODEL, components=(0, 4))
    with pytest.raises(ValueError, match="two or three columns"):
        EmbeddingDisplay.from_estimator(MODEL, components=(0,))
    with pytest.raises(ValueError, match=r"values must have shape \(100,\)"):
        EmbeddingDisplay.from_estimator(MODEL, values=POSITION)
    with pytest.raises(ValueError, match="values_new must have shape"):
        EmbeddingDisplay.from_estimator(MODEL, X_new=X[100:], values_new=POSITION)
