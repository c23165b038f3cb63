"""What estimators show before and after a fit: links, names of columns."""

import importlib
import tomllib
from inspect import signature
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_html_repr

from sklearn_manifold_reg import graph, semi_supervised
from sklearn_manifold_reg.utils import all_estimators

API = Path(__file__).resolve().parents[1] / "doc" / "api" / "index.rst"
ESTIMATORS = dict(all_estimators())
ROOT = "https://sklearn-manifold-reg.github.io/api/generated/"

REQUIRED = {
    "RadiusGraph": {"radius": 3.0},
    "TransductiveSearchCV": {
        "estimator": semi_supervised.LabelDiffusionClassifier(),
        "param_grid": {},
    },
}


def make(name, **parameters):
    return ESTIMATORS[name](**REQUIRED.get(name, {}), **parameters)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_display_links_to_the_page_of_the_class(name):
    estimator = make(name)
    link = estimator._get_doc_link()
    module, _, class_name = (
        link.removeprefix(ROOT).removesuffix(".html").rpartition(".")
    )
    assert link == f"{ROOT}{module}.{class_name}.html"
    # Pages are made for the names of the modules that the reference lists.
    assert getattr(importlib.import_module(module), class_name) is ESTIMATORS[name]
    assert module in API.read_text().split()
    assert link in estimator_html_repr(estimator)


def test_the_site_is_the_one_that_the_project_names():
    project = tomllib.loads((API.parents[2] / "pyproject.toml").read_text())["project"]
    assert ROOT.startswith(project["urls"]["Documentation"] + "/")


def test_steps_of_a_pipeline_link_to_their_pages():
    model = semi_supervised.LabelDiffusionClassifier(graph.NeighborsGraph())
    shown = estimator_html_repr(make_pipeline(StandardScaler(), model))
    for name in ("semi_supervised.LabelDiffusionClassifier", "graph.NeighborsGraph"):
        assert f"{ROOT}sklearn_manifold_reg.{name}.html" in shown


# Affinities and walks reach few of the rows: their output is sparse, which data
# frames do not hold. scikit-learn's own error says so.
SPARSE = {
    name
    for name, estimator in ESTIMATORS.items()
    if issubclass(estimator, graph._builder.GraphBuilder)
} | {"GraphRandomFeatures"}
TRANSFORMERS = [n for n in ESTIMATORS if hasattr(ESTIMATORS[n], "transform")]


def fitted(name, library, **parameters):
    """Fit on a data frame, and give it with the transformed rows."""
    frames = pytest.importorskip(library)
    rng = np.random.default_rng(0)
    X = np.abs(rng.normal(size=(36, 4))) + np.arange(36)[:, None] % 3
    if name == "PrecomputedGraph":
        X = np.ones((36, 36)) - np.eye(36)
    columns = [f"band {j}" for j in range(X.shape[1])]
    frame = frames.DataFrame(dict(zip(columns, X.T, strict=True)))
    if library == "pandas":
        frame.index = [f"row {i}" for i in range(len(X))]
    if "random_state" in signature(ESTIMATORS[name]).parameters:
        parameters["random_state"] = 0
    transformer = make(name, **parameters).set_output(transform=library)
    return frame, transformer.fit(frame)


@pytest.mark.filterwarnings("ignore:.*:UserWarning")
@pytest.mark.filterwarnings("ignore:.*:sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("name", sorted(set(TRANSFORMERS) - SPARSE))
def test_output_frames_have_names_of_columns(name, library):
    frame, transformer = fitted(name, library)
    names = list(transformer.get_feature_names_out())
    for found in (
        transformer.transform(frame),
        clone(transformer).set_output(transform=library).fit_transform(frame),
    ):
        assert list(found.columns) == names
        if library == "pandas":
            assert list(found.index) == list(frame.index)
    prefix = name.lower()
    own = [f"{prefix}{j}" for j in range(len(names))]
    assert names in (own, list(frame.columns))
    assert len(set(names)) == len(names)


@pytest.mark.filterwarnings("ignore:.*:UserWarning")
@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("name", sorted(SPARSE & set(TRANSFORMERS)))
def test_sparse_output_is_refused_by_frames(name, library):
    frame, transformer = fitted(name, library)
    with pytest.raises(ValueError, match="outputs a scipy sparse matrix"):
        transformer.transform(frame)
    plain = transformer.set_output(transform="default").transform(frame)
    assert sparse.issparse(plain)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_projected_walks_have_names_of_columns(library):
    frame, transformer = fitted("GraphRandomFeatures", library, projection=3)
    found = transformer.transform(frame)
    assert list(found.columns) == [f"graphrandomfeatures{j}" for j in range(3)]
