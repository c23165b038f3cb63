"""The table `choose.toml`: which estimator for which data and which question.

`python doc/_ext/estimator_table.py --write` draws it into `doc/choose.svg`, the figure
of README.md.
"""

import ast
import sys
import tomllib
from dataclasses import dataclass
from html import escape
from pathlib import Path

DOC = Path(__file__).resolve().parents[1]
TABLE = DOC / "choose.toml"
FIGURE = DOC / "choose.svg"
QUESTIONS = ("labels", "output", "input", "size")


@dataclass(frozen=True)
class Leaf:
    """One answer: an estimator, a line of code and where to read on.

    Attributes
    ----------
    labels, output, input : str
        The answers to the first three questions.
    sizes : tuple of str
        The answers to the last one.
    path : str
        The class, from the root of its package on.
    companion : str
        What the class is put together with, or "".
    why : str
        When to take it.
    code : str
        Code without imports.
    more : str
        Name of a page of the documentation.
    """

    labels: str
    output: str
    input: str
    sizes: tuple[str, ...]
    path: str
    companion: str
    why: str
    code: str
    more: str

    @property
    def name(self):
        """Name of the class."""
        return self.path.rpartition(".")[2]

    @property
    def title(self):
        """Names of the class and its companion."""
        return f"{self.name} + {self.companion}" if self.companion else self.name

    @property
    def is_ours(self):
        """Whether the class is one of this package."""
        return self.path.startswith("sklearn_manifold_reg.")


@dataclass(frozen=True)
class Table:
    """The questions, the leaves, and what the page says around them.

    Attributes
    ----------
    questions : dict of str to dict
        For each question its `title` and its answers.
    leaves : tuple of Leaf
        In the order of the questions, and of recommendation.
    names : dict of str to str
        What the names in the code stand for.
    imports : dict of str to str
        Modules of names of other packages.
    beside : dict of str to str
        Public estimators that are no leaf, and what they are for.
    """

    questions: dict
    leaves: tuple[Leaf, ...]
    names: dict
    imports: dict
    beside: dict

    def answers(self, question):
        """Keys and texts of the answers to a question."""
        texts = self.questions[question]
        return {key: text for key, text in texts.items() if key != "title"}

    def branches(self, leaves, question):
        """Leaves for each answer to a question that has any."""
        for answer in self.answers(question):
            chosen = [leaf for leaf in leaves if getattr(leaf, question) == answer]
            if chosen:
                yield answer, chosen

    def snippet(self, leaf):
        """Code of a leaf with its imports."""
        tree = ast.parse(leaf.code)
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        ours = public_names()
        modules = {}
        for name in sorted(used):
            module = self.imports.get(name) or ours.get(name)
            if module:
                modules.setdefault(module, []).append(name)
        lines = ["import numpy as np"] if "np" in used else []
        lines += [
            f"from {module} import {', '.join(names)}"
            for module, names in sorted(modules.items())
        ]
        return "\n".join([*lines, "", leaf.code])


def public_names():
    """Subpackage of each public estimator."""
    from sklearn_manifold_reg.utils import all_estimators

    return {
        name: thing.__module__.rpartition(".")[0] for name, thing in all_estimators()
    }


def load_table(path=TABLE):
    """Read the table, refusing answers that no question has.

    Parameters
    ----------
    path : path-like
        A file in TOML.

    Returns
    -------
    table : Table
        Its content.
    """
    raw = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    sizes = [key for key in raw["questions"]["size"] if key != "title"]
    leaves = []
    for entry in raw["leaf"]:
        for question in QUESTIONS:
            answer = entry.get(question, sizes[0])
            if answer not in raw["questions"][question] or answer == "title":
                raise ValueError(
                    f"{entry['class']}: {answer!r} is no answer to {question!r} in "
                    f"[questions.{question}]."
                )
        foreign = entry["class"].startswith("sklearn.")
        leaves.append(
            Leaf(
                labels=entry["labels"],
                output=entry["output"],
                input=entry["input"],
                sizes=(entry["size"],) if "size" in entry else tuple(sizes),
                path=entry["class"]
                if foreign
                else f"sklearn_manifold_reg.{entry['class']}",
                companion=entry.get("with", ""),
                why=entry["why"],
                code=entry["code"].strip(),
                more=entry["more"],
            )
        )
    return Table(
        questions=raw["questions"],
        leaves=tuple(leaves),
        names=raw["names"],
        imports=raw["imports"],
        beside=raw["beside"],
    )


STYLE = """
  .page { fill: #ffffff; stroke: #d1d5da; }
  text { fill: #1f2328; font: 14px system-ui, sans-serif; }
  .question { fill: #59636e; font-size: 13px; }
  .answer { font-weight: 600; }
  .class { font: 600 13px ui-monospace, Menlo, Consolas, monospace; }
  .input { fill: #59636e; font-size: 13px; }
  .box { fill: #eef3fb; stroke: #8fa9d6; }
  .line { fill: none; stroke: #8fa9d6; stroke-width: 1.5; }
  @media (prefers-color-scheme: dark) {
    .page { fill: #14181e; stroke: #3d444d; }
    text { fill: #e6edf3; }
    .question, .input { fill: #9da7b3; }
    .box { fill: #1d2a3f; stroke: #4d6ea8; }
    .line { stroke: #4d6ea8; }
  }
"""
ROW, GAP, TOP = 24, 14, 58
COLUMNS = {"labels": 20, "output": 150, "class": 320, "input": 640}
BOX = {"labels": 92, "output": 132}
WIDTH = 880


def draw(table):
    """Draw the table as a tree, one line for each estimator of a branch.

    Parameters
    ----------
    table : Table
        What to draw.

    Returns
    -------
    svg : str
        A document, light or dark as the reader's system is.
    """
    marks, y = [], TOP
    for labels, of_labels in table.branches(table.leaves, "labels"):
        ends = []
        for output, of_output in table.branches(of_labels, "output"):
            rows = _rows(table, of_output)
            middle = y + ROW * (len(rows) - 1) / 2
            for title, inputs in rows:
                right = COLUMNS["output"] + BOX["output"]
                marks += [
                    _line(right, middle, COLUMNS["class"] - 8, y),
                    _text("class", COLUMNS["class"], y, title),
                    _text("input", COLUMNS["input"], y, inputs),
                ]
                y += ROW
            marks.append(_box("output", middle, table.answers("output")[output]))
            ends.append(middle)
            y += GAP
        middle = (ends[0] + ends[-1]) / 2
        right = COLUMNS["labels"] + BOX["labels"]
        marks += [_line(right, middle, COLUMNS["output"], end) for end in ends]
        marks.append(_box("labels", middle, table.answers("labels")[labels]))
        y += GAP
    height = y + 4
    heads = [("labels", "Labels?"), ("output", "Wanted"), ("class", "Estimator")]
    marks += [_text("question", COLUMNS[key], 28, text) for key, text in heads]
    marks.append(_text("question", COLUMNS["input"], 28, "From"))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'width="{WIDTH}" height="{height}" role="img" '
            'aria-labelledby="title desc">',
            '<title id="title">Choose your estimator</title>',
            '<desc id="desc">From the labels there are, over what is wanted, to the '
            "class to take and the data it takes.</desc>",
            f"<style>{STYLE}</style>",
            f'<rect class="page" x="0.5" y="0.5" width="{WIDTH - 1}" '
            f'height="{height - 1}" rx="8"/>',
            *marks,
            "</svg>",
            "",
        ]
    )


def _rows(table, leaves):
    """Title of each estimator of a branch, and the data it takes."""
    sizes = table.answers("size")
    inputs = {}
    for leaf in leaves:
        noun = table.answers("input")[leaf.input].lower()
        inputs.setdefault((leaf.title, leaf.sizes), []).append(noun)
    return [
        (
            title,
            ", ".join(dict.fromkeys(nouns))
            + (f" · {sizes[size[0]].lower()}" if len(size) < len(sizes) else ""),
        )
        for (title, size), nouns in inputs.items()
    ]


def _text(kind, x, y, text):
    return f'<text class="{kind}" x="{x}" y="{y + 5:g}">{escape(text)}</text>'


def _box(column, y, text):
    x, width = COLUMNS[column], BOX[column]
    rect = f'x="{x}" y="{y - 15:g}" width="{width}" height="30" rx="6"'
    label = f'x="{x + width / 2:g}" y="{y + 5:g}" text-anchor="middle"'
    return (
        f'<rect class="box" {rect}/><text class="answer" {label}>{escape(text)}</text>'
    )


def _line(x0, y0, x1, y1):
    bend = (x0 + x1) / 2
    return (
        f'<path class="line" d="M{x0} {y0:g}C{bend:g} {y0:g} {bend:g} {y1:g} '
        f'{x1} {y1:g}"/>'
    )


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("usage: python doc/_ext/estimator_table.py --write")
    FIGURE.write_text(draw(load_table()), encoding="utf-8")
