"""Configuration of the documentation."""

import re
import sys
from pathlib import Path

from sklearn_manifold_reg import __version__

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

project = "sklearn-manifold-reg"
author = "The sklearn-manifold-reg developers"
copyright = f"2026, {author}"
version = release = __version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "estimator_map",
    "mathml",
]
templates_path = ["_templates"]
html_math_renderer = "mathml"
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
        "../examples/cluster",
        "../examples/manifold",
        "../examples/decomposition",
        "../examples/inverse",
        "../examples/kernel",
        "../examples/graph",
        "../examples/model_selection",
        "../examples/metrics",
    ],
    "capture_repr": (),
    "download_all_examples": False,
    "plot_gallery": "True",
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
}

html_theme = "pydata_sphinx_theme"
html_title = "sklearn-manifold-reg"
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
# Pages alone in their section, whose navigation would be empty.
html_sidebars = {
    page: []
    for page in ("choose", "contributing", "first_model", "migration", "recipes")
}
html_theme_options = {
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
}


def allow_pages_without_pictures(_app, config):
    """Leave figures of the gallery out of pages where the gallery is not run."""
    if str(config.plot_gallery) in ("0", "False"):
        config.suppress_warnings.append("image.not_readable")


def insert_upcoming_changes(_app, docname, source):
    """Put the fragments of `whats_new/upcoming` in place of their mark."""
    if docname != "whats_new/index":
        return
    fragments = sorted((HERE / "whats_new" / "upcoming").glob("*.rst"))
    text = "".join(fragment.read_text() for fragment in fragments)
    source[0] = source[0].replace(".. upcoming changes", text)


def escape_markup(_app, _what, _name, _obj, _options, lines):
    """Keep `coef_` and |x| outside literals from being read as links."""
    for number, line in enumerate(lines):
        if line.lstrip().startswith((">>>", "...", "..")):
            continue
        parts = line.split("`")
        parts[::2] = [
            re.sub(r"(?<=[a-z])_(?![\w\\])|\|", r"\\\g<0>", part) for part in parts[::2]
        ]
        lines[number] = "`".join(parts)


def skip_foreign_methods(_app, _what, name, obj, _skip, _options):
    """Leave out methods that scikit-learn defines or generates."""
    foreign = (getattr(obj, "__module__", None) or "").startswith("sklearn.")
    return True if foreign or re.fullmatch(r"set_\w+_request", name) else None


def setup(app):
    """Connect the hooks above."""
    app.connect("config-inited", allow_pages_without_pictures)
    app.connect("source-read", insert_upcoming_changes)
    app.connect("autodoc-process-docstring", escape_markup, priority=900)
    app.connect("autodoc-skip-member", skip_foreign_methods)
