"""The table behind "Choose your estimator": complete, true, and drawn as it is."""

import ast
import importlib.util
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.datasets import make_blobs
from sklearn.utils.validation import check_is_fitted

from sklearn_manifold_reg.graph import NeighborsGraph
from sklearn_manifold_reg.inverse import RadonTransform
from sklearn_manifold_reg.utils import all_estimators

ROOT = Path(__file__).parents[2]
DOC = ROOT / "doc"


def load_module():
    path = DOC / "_ext" / "estimator_table.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


estimator_table = load_module()
TABLE = estimator_table.load_table()
LEAVES = [
    pytest.param(leaf, id=f"{leaf.labels}-{leaf.output}-{leaf.input}-{leaf.title}")
    for leaf in TABLE.leaves
]


def values(leaf):
    """Small data under the names that the page defines."""
    rng = np.random.default_rng(0)
    h = w = 12
    X, truth = make_blobs(h * w, 4, center_box=(-3, 3), random_state=0)
    shares = rng.dirichlet(np.full(3, 0.5), h * w)
    pixels = shares @ rng.uniform(0.2, 1.0, (3, 6))
    images = np.zeros((4, h, w))
    for image, corner in zip(images, (2, 3, 4, 5), strict=True):
        image[corner : corner + 5, 3:9] = 1.0
    images = images.reshape(4, -1)
    operator = RadonTransform((h, w), np.arange(0, 180, 15))
    measurements = (operator @ images.T).T
    y = truth if leaf.output == "classes" else X[:, 0].copy()
    if leaf.labels == "few":
        y[np.arange(h * w) % 8 != 0] = -1 if leaf.output == "classes" else np.nan
    return {
        "X": X,
        "y": y,
        "W": NeighborsGraph(connectivity="mst").fit(X).affinity_,
        "h": h,
        "w": w,
        "pixels": pixels,
        "attributes": np.array(["a", "b", "c"])[truth],
        "images": images + 0.02 * rng.standard_normal(images.shape),
        "measurements": measurements + 0.02 * rng.standard_normal(measurements.shape),
        "operator": operator,
    }


@pytest.mark.parametrize("leaf", LEAVES)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_code_runs_and_gives_what_is_wanted(leaf):
    given = values(leaf)
    scope = dict(given)
    exec(TABLE.snippet(leaf), scope)
    assert leaf.name in leaf.code
    n_rows = len(given["images"] if "images" in leaf.code else given["X"])
    if leaf.output == "groups":
        labels = scope["groups"]
        assert labels.shape == (n_rows,)
        assert len(np.unique(labels)) == 3
    elif leaf.output == "coordinates":
        assert scope["coordinates"].shape == (n_rows, 2)
        assert np.isfinite(scope["coordinates"]).all()
    elif leaf.output == "abundances":
        assert scope["abundances"].shape == (n_rows, 3)
        assert np.all(scope["abundances"] >= 0)
    elif leaf.output == "kernel":
        kernel = scope["K"] if "K" in scope else scope["features"]
        assert kernel.shape == (n_rows, n_rows)
    elif leaf.output == "reconstruction" and leaf.labels == "none":
        found = scope.get("restored", scope["images"])
        assert found.shape == given["images"].shape
        assert np.linalg.norm(found - given["images"]) < 0.8 * np.linalg.norm(
            given["images"]
        )
    else:
        assert isinstance(scope["model"], BaseEstimator)
        check_is_fitted(scope["model"])


def test_every_public_estimator_has_its_place():
    """A new class needs a leaf, or a line among those beside."""
    public = {name for name, _ in all_estimators()}
    leaves = {leaf.name for leaf in TABLE.leaves if leaf.is_ours}
    assert public - leaves == set(TABLE.beside)
    assert leaves <= public


@pytest.mark.parametrize("leaf", LEAVES)
def test_leaf_names_pages_that_exist(leaf):
    folder, _, page = leaf.more.partition("auto_examples/")
    source = DOC / f"{leaf.more}.rst" if folder else ROOT / f"examples/{page}.py"
    assert source.is_file()
    if leaf.is_ours:
        module, _, name = leaf.path.rpartition(".")
        assert name in importlib.import_module(module).__all__


def test_names_in_code_are_explained():
    """What a line reads is data that the page names, or made on the line before."""
    explained = {*TABLE.names, "h", "w"}
    imported = {*TABLE.imports, *estimator_table.public_names(), "np", "abs"}
    for leaf in TABLE.leaves:
        names = [n for n in ast.walk(ast.parse(leaf.code)) if isinstance(n, ast.Name)]
        made = {n.id for n in names if isinstance(n.ctx, ast.Store)}
        assert {n.id for n in names} - made - imported <= explained


def test_no_two_leaves_are_the_same():
    keys = [(f.labels, f.output, f.input, f.sizes, f.title) for f in TABLE.leaves]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("question", estimator_table.QUESTIONS)
def test_every_answer_leads_somewhere(question):
    given = {
        answer
        for leaf in TABLE.leaves
        for answer in (leaf.sizes if question == "size" else [getattr(leaf, question)])
    }
    assert given == set(TABLE.answers(question))


def test_unknown_answer_is_refused(tmp_path):
    text = estimator_table.TABLE.read_text(encoding="utf-8")
    path = tmp_path / "choose.toml"
    path.write_text(text.replace('labels = "few"', 'labels = "some"'), encoding="utf-8")
    with pytest.raises(ValueError, match=r"'some' is no answer to 'labels'"):
        estimator_table.load_table(path)


def test_figure_is_drawn_from_the_table():
    svg = estimator_table.FIGURE.read_text(encoding="utf-8")
    assert svg == estimator_table.draw(TABLE), (
        "run `python doc/_ext/estimator_table.py --write`"
    )
    texts = {node.text for node in ElementTree.fromstring(svg).iter()}
    assert {leaf.title for leaf in TABLE.leaves} <= texts
    assert "doc/choose.svg" in (ROOT / "README.md").read_text(encoding="utf-8")
