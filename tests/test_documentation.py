"""Pages of the site: what each guide ends with, and names in the migration table."""

import re
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import sklearn_manifold_reg
from sklearn_manifold_reg.graph import NeighborsGraph

DOC = Path(__file__).resolve().parents[1] / "doc"
GUIDES = [p for p in sorted((DOC / "guide").glob("*.rst")) if p.stem != "index"]


def headings(page):
    """Titles of the sections of a page, subsections left out."""
    return re.findall(r"^(\S.*)\n-{4,}$", page.read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_guides_end_with_cost_alternatives_and_references(page):
    # One page is about the cost of everything.
    cost = "Cost" if page.stem != "performance_and_arrays" else "Arrays on a GPU"
    assert headings(page)[-3:] == [cost, "When to use something else", "References"]
    references = page.read_text().rpartition("References\n---")[2]
    # Authors, title in quotes or of a book, year.
    assert re.search(r"^(- |\.\. \[\d+\] )\S.*", references, flags=re.MULTILINE)
    assert re.search(r"\b(19|20)\d\d\b", references)


# Sections of the migration page whose names are those within one package.
ROOTS = {
    "PyGSP": "pygsp.",
    "UMAP": "umap.",
    "graphlearning": "graphlearning.",
    "scikit-learn": "sklearn.",
}


def migration_rows():
    """Full names there and cells here; lines that go on belong to the row above."""
    rows, root = [], ""
    lines = (DOC / "migration.rst").read_text().splitlines()
    for line, rule in pairwise(lines):
        if re.fullmatch("-{4,}", rule):
            root = ROOTS.get(line, "")
        found = re.match(r"^(.{68})  (\S.*)$", line)
        if not found or line.startswith("==") or line.startswith("There"):
            continue
        there, here = found.group(1).strip(), found.group(2)
        if there:
            rows.append([root + re.match(r"`([\w.]+)", there).group(1), here])
        else:
            rows[-1][1] += " " + here
    return rows


def resolve(dotted):
    """Import what a dotted name means."""
    parts = dotted.split(".")
    thing = import_module(parts[0])
    for place, part in enumerate(parts[1:], start=2):
        if not hasattr(thing, part):
            import_module(".".join(parts[:place]))
        thing = getattr(thing, part)
    return thing


NAMES_THERE = [there for there, _ in migration_rows()]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("package", sorted({n.split(".")[0] for n in NAMES_THERE}))
def test_names_of_other_packages_exist(package):
    pytest.importorskip(package)
    for name in NAMES_THERE:
        if name.split(".")[0] == package:
            assert resolve(name) is not None


def test_names_of_this_package_exist():
    rows = migration_rows()
    assert len(rows) > 40
    public = {
        name
        for init in Path(sklearn_manifold_reg.__file__).parent.glob("*/__init__.py")
        for name in getattr(
            import_module(f"sklearn_manifold_reg.{init.parent.name}"), "__all__", []
        )
    }
    named = set()
    for _, here in rows:
        for code in re.findall(r"`([^`]+)`", here):
            named |= set(re.findall(r"\b([A-Z]\w+[a-z]\w+|[a-z]+_[a-z_]+(?=\())", code))
    named -= {"KFold", "None", "False", "to_scipy_sparse_array"}
    assert named <= public
    assert {"NeighborsGraph", "LabelDiffusionClassifier", "filter_signal"} <= named


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_index_of_faiss_in_the_recipes_finds_neighbors(code_blocks):
    pytest.importorskip("faiss")
    blocks = code_blocks("recipes.rst")
    (recipe,) = [block for block in blocks if "import faiss" in block]
    X = np.random.default_rng(0).normal(size=(300, 5)).astype(np.float32)
    space = {"X": X}
    exec(compile(recipe, "recipes.rst", "exec"), space)
    exact = NeighborsGraph(n_neighbors=10).fit(X)
    found, wanted = space["graph"].neighbors_.indices, exact.neighbors_.indices
    hits = [len(set(a) & set(b)) for a, b in zip(found, wanted, strict=True)]
    assert np.mean(hits) > 9.5
