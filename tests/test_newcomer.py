"""From the landing page to a model and a plot, by what the page says to copy."""

import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import make_moons

LANDING = Path(__file__).resolve().parents[1] / "doc" / "index.rst"
PAGE = "first_model.rst"


def make_rows(n_rows, rng):
    """Draw two interleaved classes in five features of different units."""
    moons, truth = make_moons(n_rows, noise=0.09, random_state=0)
    lift = np.linalg.qr(np.random.default_rng(0).normal(size=(5, 2)))[0]
    X = moons @ lift.T + 0.02 * rng.normal(size=(n_rows, 5))
    return X * [1.0, 1000.0, 0.01, 1.0, 30.0], truth


@pytest.fixture
def newcomer(tmp_path, monkeypatch):
    """A folder with a CSV of 2000 rows and 40 labels; gives all labels."""
    frames = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    X, truth = make_rows(2000, rng)
    names = np.array(["spring", "autumn"], dtype=object)[truth]
    table = frames.DataFrame(X, columns=["height", "mass", "area", "age", "dose"])
    labels = np.full(2000, "", dtype=object)
    known = rng.permutation(2000)[:40]
    labels[known] = names[known]
    table["label"] = labels
    table.to_csv(tmp_path / "table.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return names


def test_the_landing_page_leads_there_and_two_snippets_are_enough(code_blocks):
    assert re.search(r"^ *:link: first_model$", LANDING.read_text(), re.MULTILINE)
    assert len(code_blocks(PAGE)) == 2


@pytest.mark.slow
def test_a_newcomer_gets_a_validated_model_and_a_plot(newcomer, code_blocks, capsys):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    space = {"__name__": "newcomer"}
    first, second = code_blocks(PAGE)
    exec(compile(first, f"{PAGE}, first", "exec"), space)
    assert np.mean(space["table"]["predicted"] == newcomer) > 0.99
    # Forty labels tell the accuracy to some 0.05 at best.
    assert space["scores"].shape == (5,)
    assert space["scores"].mean() > 0.9
    printed = capsys.readouterr().out
    assert printed == f"accuracy: {space['scores'].mean():.2f}\n"
    late, truth = make_rows(500, np.random.default_rng(1))
    late = type(space["X"])(late, columns=space["X"].columns)
    names = np.array(["spring", "autumn"])[truth]
    assert np.mean(space["model"].predict(late) == names) > 0.97

    exec(compile(second, f"{PAGE}, second", "exec"), space)
    figure = space["figure"]
    rows = [
        sum(len(c.get_offsets()) for c in axes.collections) for axes in figure.axes[:2]
    ]
    assert rows == [2000, 2000]
    shown = {text.get_text() for text in figure.axes[1].get_legend().get_texts()}
    assert shown == {"spring", "autumn"}
    assert Path("labels.png").stat().st_size > 10_000
    pyplot.close(figure)
