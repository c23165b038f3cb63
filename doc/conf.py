"""Configuration of the documentation."""

from pathlib import Path

from sklearn_manifold_reg import __version__

HERE = Path(__file__).parent

project = "sklearn-manifold-reg"
author = "The sklearn-manifold-reg developers"
copyright = f"2026, {author}"
version = release = __version__

extensions = [
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "_templates", "whats_new/upcoming/*"]
default_role = "literal"

autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"
numpydoc_show_class_members = False

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/plot_",
    "ignore_pattern": r"quickstart\.py",
    "backreferences_dir": "api/generated/backreferences",
    "doc_module": ("sklearn_manifold_reg",),
    "subsection_order": [
        "../examples/semi_supervised",
        "../examples/graph",
        "../examples/model_selection",
    ],
    "capture_repr": (),
    "download_all_examples": False,
    "plot_gallery": "True",
    "show_memory": False,
    "show_signature": False,
}

html_theme = "pydata_sphinx_theme"
html_title = "sklearn-manifold-reg"
html_show_sourcelink = False
html_theme_options = {
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
}


def insert_upcoming_changes(app, docname, source):
    """Put the fragments of `whats_new/upcoming` in place of their mark."""
    if docname != "whats_new/index":
        return
    fragments = sorted((HERE / "whats_new" / "upcoming").glob("*.rst"))
    text = "".join(fragment.read_text() for fragment in fragments)
    source[0] = source[0].replace(".. upcoming changes", text)


def setup(app):
    """Connect the hook above."""
    app.connect("source-read", insert_upcoming_changes)
