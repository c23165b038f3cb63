"""
Where do new rows go in a spectral embedding?
=============================================

A swiss roll is a strip that lies rolled up in space. Laplacian eigenmaps unroll it: the
first column of the embedding runs along the strip. scikit-learn's embedding knows the
rows that it was fitted on and no others; here `transform` places further rows, each by
itself, among their neighbors, so that the embedding can stand in a pipeline.
"""

# %%
# Half of the roll is embedded, the other half comes later
# --------------------------------------------------------
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_swiss_roll

from sklearn_manifold_reg.manifold import SpectralEmbedding
from sklearn_manifold_reg.plotting import EmbeddingDisplay, SpectrumDisplay

X, along = make_swiss_roll(1600, random_state=0)
model = SpectralEmbedding(n_components=6).fit(X[::2])
late = model.transform(X[1::2])
for name, column, position in (
    ("fitted", model.embedding_[:, 0], along[::2]),
    ("new", late[:, 0], along[1::2]),
):
    ranks = [np.argsort(np.argsort(values)) for values in (column, position)]
    correlation = abs(np.corrcoef(ranks)[0, 1])
    print(
        f"{name} rows: rank correlation with the place on the strip {correlation:.3f}"
    )

# %%
# The roll, its embedding, and its spectrum
# -----------------------------------------
# Triangles are new rows. The second column is a wave of twice the frequency along the
# same strip, hence the arch. Eigenvalues grow as squares, and the largest gap means
# nothing: a strip has no clusters.
figure = plt.figure(figsize=(13, 4), layout="constrained")
ax = figure.add_subplot(1, 3, 1, projection="3d")
EmbeddingDisplay.from_embedding(
    X[::2],
    values=along[::2],
    embedding_new=X[1::2],
    values_new=along[1::2],
    components=(0, 1, 2),
    ax=ax,
    name="rows",
    colorbar=False,
    new_kwargs={"s": 12, "linewidths": 0.2},
)
ax.view_init(8, -75)
EmbeddingDisplay.from_estimator(
    model,
    values=along[::2],
    X_new=X[1::2],
    values_new=along[1::2],
    ax=figure.add_subplot(1, 3, 2),
    new_kwargs={"s": 12, "linewidths": 0.2},
)
SpectrumDisplay.from_estimator(
    model, ax=figure.add_subplot(1, 3, 3), name="eigenvalues"
)
plt.show()
