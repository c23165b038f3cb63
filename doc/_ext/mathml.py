"""Formulas as MathML, which browsers draw without a script and without network."""

import re
from html import escape

from docutils.nodes import SkipNode
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)


def convert(node, as_block):
    """Convert a formula; one with a mistake stays as it is, with a warning."""
    # The converter takes the numbers of `\frac12` for one, and knows no `\dots`.
    source = re.sub(r"(frac)(\d)(\d)", r"\1{\2}{\3}", node.astext())
    source = re.sub(r"\\dots\b", r"\\ldots", source)
    try:
        return tex2mathml(source, as_block=as_block)
    except MathError as error:
        LOGGER.warning("%s in %r", error, source, location=node)
        return escape(source)


def visit_inline(writer, node):
    """Write a formula of a sentence."""
    writer.body.append(f'<span class="formula">{convert(node, False)}</span>')
    raise SkipNode


def visit_block(writer, node):
    """Write a formula of its own line."""
    writer.body.append(f'<div class="formula">{convert(node, True)}</div>')
    raise SkipNode


def setup(app):
    """Register the renderer."""
    app.add_html_math_renderer(
        "mathml",
        inline_renderers=(visit_inline, None),
        block_renderers=(visit_block, None),
    )
    return {"parallel_read_safe": True, "parallel_write_safe": True}
