"""Ten kinds of digits, five labels each: how far do unlabeled images help?

Prints a table of accuracies and seconds for the estimators of this package,
scikit-learn's label spreading and an SVC that sees the labeled rows only, and saves
the figure `quickstart.png` in the current folder.
"""

from pathlib import Path
from time import perf_counter

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.semi_supervised import LabelSpreading
from sklearn.svm import SVC

from sklearn_manifold_reg.semi_supervised import (
    LabelDiffusionClassifier,
    LaplacianRegularizedClassifier,
)

LABELS_PER_CLASS = 5
DRAWS = 5

MODELS = {
    "SVC, labeled rows only": SVC(C=10),
    "scikit-learn LabelSpreading": LabelSpreading(kernel="knn", n_neighbors=10),
    "LaplacianRegularizedClassifier": LaplacianRegularizedClassifier(),
    "LabelDiffusionClassifier": LabelDiffusionClassifier(),
    '  method="poisson_mbo"': LabelDiffusionClassifier(
        method="poisson_mbo", class_priors="uniform"
    ),
}


def draw_labels(truth, rng):
    """Keep a few labels of each class; -1 marks the other rows."""
    y = np.full(len(truth), -1)
    for label in np.unique(truth):
        kept = rng.choice(np.flatnonzero(truth == label), LABELS_PER_CLASS, False)
        y[kept] = label
    return y


def measure(model, X, y, truth, X_new, truth_new):
    """Accuracy on unlabeled training rows and on new rows, and seconds of both."""
    unlabeled = y == -1
    start = perf_counter()
    if isinstance(model, SVC):
        predicted = model.fit(X[~unlabeled], y[~unlabeled]).predict(X)
    else:
        predicted = model.fit(X, y).transduction_
    new = model.predict(X_new)
    seconds = perf_counter() - start
    return (
        np.mean(predicted[unlabeled] == truth[unlabeled]),
        np.mean(new == truth_new),
        seconds,
    )


def main():
    """Print the table and save the figure."""
    X, truth = load_digits(return_X_y=True)
    X, X_new, truth, truth_new = train_test_split(
        X, truth, test_size=0.2, stratify=truth, random_state=0
    )
    print(
        f"{len(X)} images, {LABELS_PER_CLASS} labels a class; {len(X_new)} new images; "
        f"means over {DRAWS} draws of the labels\n"
    )
    rng = np.random.default_rng(0)
    targets = [draw_labels(truth, rng) for _ in range(DRAWS)]
    # Compiled kernels are loaded on first use, once in a process.
    start = perf_counter()
    MODELS["LabelDiffusionClassifier"].fit(X, targets[0])
    first_call = perf_counter() - start

    results = {
        name: np.array([measure(model, X, y, truth, X_new, truth_new) for y in targets])
        for name, model in MODELS.items()
    }
    print(f"{'':<32}{'unlabeled':>10}{'new rows':>10}{'seconds':>9}")
    for name, rows in results.items():
        unlabeled, new, seconds = rows.mean(axis=0)
        print(f"{name:<32}{unlabeled:>10.3f}{new:>10.3f}{seconds:>9.2f}")
    print(f"\nFirst call in this process: {first_call:.1f} s, with loading of kernels.")
    print(f"Figure: {save_figure(results)}")


def save_figure(results):
    """Mean accuracy of each model and each draw, unlabeled and new rows."""
    figure, ax = plt.subplots(figsize=(8, 3.4), layout="constrained")
    position = np.arange(len(results))
    for offset, column, label in [(-0.14, 0, "unlabeled rows"), (0.14, 1, "new rows")]:
        values = np.array([rows[:, column] for rows in results.values()])
        places = np.repeat(position + offset, DRAWS)
        ax.scatter(values.ravel(), places, s=14, alpha=0.4, color=f"C{column}")
        ax.scatter(
            values.mean(axis=1), position + offset, color=f"C{column}", label=label
        )
    ax.set_yticks(position, [name.strip() for name in results])
    ax.invert_yaxis()
    ax.grid(axis="x", color="0.9")
    ax.set_axisbelow(True)
    ax.set(
        title=f"digits, {LABELS_PER_CLASS} labels a class",
        xlabel="accuracy (pale: each draw of the labels)",
    )
    ax.legend(loc="lower left")
    path = Path("quickstart.png").resolve()
    figure.savefig(path, dpi=120)
    return path


if __name__ == "__main__":
    main()
