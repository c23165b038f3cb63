"""
How few labels are enough?
==========================

With one label a class, harmonic label propagation forgets classes: its solution is
almost constant, with spikes at the labels, and the largest score is decided by chance.
The more unlabeled rows there are, the worse it gets. Poisson learning takes the labels
for centered sources instead and keeps all classes. Where the sizes of the classes are
known, "poisson_mbo" does better still. From some ten labels a class the methods are
close to each other, and "harmonic" is as good as any.
"""

# %%
# Digits with 1 to 20 labels a class
# ----------------------------------
# The graph does not depend on labels: it is built once and passed as "precomputed".
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.svm import SVC

from sklearn_manifold_reg.graph import NeighborsGraph
from sklearn_manifold_reg.semi_supervised import LabelDiffusionClassifier

X, truth = load_digits(return_X_y=True)
affinity = NeighborsGraph(n_neighbors=10).fit(X).affinity_
rng = np.random.default_rng(0)


def draw_labels(labels_per_class):
    """Keep some labels of each class; -1 marks the other rows."""
    y = np.full(len(truth), -1)
    for label in range(10):
        rows = np.flatnonzero(truth == label)
        y[rng.choice(rows, labels_per_class, replace=False)] = label
    return y


methods = {
    "harmonic": LabelDiffusionClassifier("precomputed", method="harmonic"),
    "poisson": LabelDiffusionClassifier("precomputed"),
    "poisson_mbo": LabelDiffusionClassifier(
        "precomputed", method="poisson_mbo", class_priors="uniform"
    ),
}

# %%
# Accuracy on the unlabeled rows, three draws of the labels
# ---------------------------------------------------------
counts = [1, 2, 5, 10, 20]
draws = 3
accuracy = {name: np.empty((len(counts), draws)) for name in ["SVC", *methods]}
for i, count in enumerate(counts):
    for draw in range(draws):
        y = draw_labels(count)
        hidden = y == -1
        predicted = SVC(C=10).fit(X[~hidden], y[~hidden]).predict(X[hidden])
        accuracy["SVC"][i, draw] = np.mean(predicted == truth[hidden])
        for name, model in methods.items():
            predicted = model.fit(affinity, y).transduction_[hidden]
            accuracy[name][i, draw] = np.mean(predicted == truth[hidden])

# %%
# On the right, the classes that the methods predict from one label a class: bars of
# equal height would be right.
y = draw_labels(1)
figure, (left, right) = plt.subplots(
    1, 2, figsize=(11, 3.8), layout="constrained", width_ratios=[1, 1.2]
)
for (name, values), marker in zip(accuracy.items(), "so^D", strict=True):
    left.errorbar(
        counts, values.mean(axis=1), values.std(axis=1), label=name, marker=marker
    )
left.set(xscale="log", xlabel="labels a class", ylabel="accuracy on unlabeled rows")
left.set_xticks(counts, counts)
left.minorticks_off()
left.legend()
for k, name in enumerate(methods):
    predicted = methods[name].fit(affinity, y).transduction_
    shares = np.bincount(predicted, minlength=10) / len(predicted)
    right.bar(
        np.arange(10) + 0.27 * (k - 1), shares, 0.25, color=f"C{k + 1}", label=name
    )
right.set(xlabel="class", ylabel="share of rows given it", xticks=range(10))
right.set_title("one label a class")
right.legend()
plt.show()
