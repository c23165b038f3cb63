"""The directive `estimator-map`: the table of estimators as a page.

The page is a nested list, readable as it is. `choose.js` puts a form above it, whose
answers hide the leaves that do not apply.
"""

from html import escape

from docutils import nodes
from estimator_table import QUESTIONS, TABLE, load_table, public_names
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective

LEVELS = QUESTIONS[:3]


class EstimatorMap(SphinxDirective):
    """The form and the list of all leaves."""

    def run(self):
        """Make the nodes of the page."""
        self.env.note_dependency(str(TABLE))
        table = load_table()
        tree = self.branches(table, table.leaves, LEVELS)
        tree["classes"].append("choose-tree")
        form = nodes.raw("", form_html(table), format="html")
        for reference in tree.findall(addnodes.pending_xref):
            reference["refwarn"] = True  # a warning where the class is gone
        return [form, tree]

    def branches(self, table, leaves, levels):
        """List of the answers to the first of some questions, and what is below."""
        if not levels:
            items = [self.leaf(table, leaf) for leaf in leaves]
            return nodes.bullet_list("", *items)
        items = []
        for answer, below in table.branches(leaves, levels[0]):
            text = nodes.strong("", self.spoken(table, levels[0], answer))
            head = nodes.paragraph("", "", text, classes=["choose-answer"])
            below = self.branches(table, below, levels[1:])
            items.append(
                nodes.list_item("", head, below, classes=[f"choose-{levels[0]}"])
            )
        return nodes.bullet_list("", *items)

    @staticmethod
    def spoken(table, question, answer):
        """Word an answer so that it is understood without its question."""
        text = table.answers(question)[answer]
        return {"labels": f"{text} labeled", "input": f"From: {text.lower()}"}.get(
            question, text
        )

    def leaf(self, table, leaf):
        """Class, reason, code and where to read on."""
        if leaf.is_ours:
            title = f":class:`~{leaf.path}`"
        else:
            page = f"https://scikit-learn.org/stable/modules/generated/{leaf.path}.html"
            title = f"`{leaf.name} <{page}>`__"
        if leaf.companion:
            title += f" + {leaf.companion}"
        sizes = ""
        if len(leaf.sizes) < len(table.answers("size")):
            sizes = f" ({table.answers('size')[leaf.sizes[0]].lower()})"
        code = table.snippet(leaf).replace("\n", "\n   ")
        text = (
            f"{title}{sizes}\n\n{leaf.why[0].upper()}{leaf.why[1:]}.\n\n"
            f".. code-block:: python\n\n   {code}\n\n"
            f"Read on: :doc:`/{leaf.more}`\n"
        )
        answers = [f"labels-{leaf.labels}", f"output-{leaf.output}"]
        answers += [f"input-{leaf.input}", *(f"size-{size}" for size in leaf.sizes)]
        content = self.parse_text_to_nodes(text)
        return nodes.list_item("", *content, classes=["choose-leaf", *answers])


class EstimatorNames(SphinxDirective):
    """What the names in the code stand for."""

    def run(self):
        """Make a list of definitions."""
        names = load_table().names
        return self.parse_text_to_nodes(
            "\n".join(f"`{name}`\n   {meaning}\n" for name, meaning in names.items())
        )


class EstimatorsBeside(SphinxDirective):
    """The estimators that are no leaf."""

    def run(self):
        """Make a list."""
        modules = public_names()
        text = "\n".join(
            f"- :class:`~{modules[name]}.{name}` {purpose}"
            for name, purpose in load_table().beside.items()
        )
        return self.parse_text_to_nodes(text)


def form_html(table):
    """Write groups of radio buttons, hidden until the script shows them.

    Parameters
    ----------
    table : Table
        What to choose from.

    Returns
    -------
    html : str
        A form.
    """
    groups = []
    for question in QUESTIONS:
        options = {"": "Any", **table.answers(question)}
        buttons = "".join(
            f'<label><input type="radio" name="{question}" value="{key}"'
            f"{' checked' if not key else ''}><span>{escape(text)}</span></label>"
            for key, text in options.items()
        )
        title = escape(table.questions[question]["title"])
        groups.append(
            f'<fieldset><legend>{title}</legend><div class="choose-options">'
            f"{buttons}</div></fieldset>"
        )
    return (
        '<form id="choose" hidden aria-label="Choose your estimator">'
        + "".join(groups)
        + '<p class="choose-found"><output id="choose-found"></output> '
        '<button type="reset">Start over</button></p></form>'
    )


def add_assets(app, _pagename, _template, _context, doctree):
    """Load script and style on the pages that hold the form only."""
    if doctree is not None and any(
        'id="choose"' in raw.astext() for raw in doctree.findall(nodes.raw)
    ):
        app.add_css_file("choose.css")
        app.add_js_file("choose.js", loading_method="defer")


def setup(app):
    """Register the directives."""
    app.add_directive("estimator-map", EstimatorMap)
    app.add_directive("estimator-names", EstimatorNames)
    app.add_directive("estimators-beside", EstimatorsBeside)
    app.connect("html-page-context", add_assets)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
