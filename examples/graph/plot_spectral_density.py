"""
What dimension does a graph have?
=================================

Weyl's law: on a shape of d dimensions, the number of eigenvalues of the Laplacian
below x grows like :math:`x^{d/2}`. A graph of samples inherits this, so its spectrum
tells how many dimensions the samples fill, whatever space they lie in. No eigenvalue is
computed: :func:`~sklearn_manifold_reg.linalg.spectral_density` needs products with
random vectors only.
"""

# %%
# A curve, a surface and a solid, all in ten dimensions
# -----------------------------------------------------
import matplotlib.pyplot as plt
import numpy as np

from sklearn_manifold_reg.graph import NeighborsGraph, laplacian
from sklearn_manifold_reg.linalg import count_eigenvalues, spectral_density

rng = np.random.default_rng(0)
n_samples = 6000


def torus(n_dimensions):
    """Points of a flat torus, turned at random into ten dimensions."""
    angles = rng.uniform(0, 2 * np.pi, size=(n_samples, n_dimensions))
    flat = np.concatenate([np.cos(angles), np.sin(angles)], axis=1)
    turn = np.linalg.qr(rng.normal(size=(10, 10)))[0]
    return flat @ turn[: 2 * n_dimensions]


# %%
# Density and counts
# ------------------
# Lines are estimates from 16 random vectors, smoothed. Points are exact: signs of the
# pivots of a sparse factorization count the eigenvalues below a number. They are drawn
# where that is quick, on graphs of few dimensions.
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for d in (1, 2, 3):
    W = NeighborsGraph(12, weights="connectivity").fit(torus(d)).affinity_
    L = laplacian(W)
    result = spectral_density(L, n_moments=300, n_probes=16)
    left.plot(result.grid, result.density / n_samples, f"C{d}")
    share = result.cumulative / n_samples
    # Below ten eigenvalues and above a third of all the law is not to be expected.
    seen = (result.cumulative > 10) & (result.grid < 0.25) & (result.grid > 0.003)
    slope = np.polyfit(np.log(result.grid[seen]), np.log(share[seen]), 1)[0]
    right.loglog(result.grid[seen], share[seen], f"C{d}", label=f"{d}: {2 * slope:.1f}")
    if d < 3:
        ends = np.geomspace(0.01, 0.2, 5)
        counts = [count_eigenvalues(L, -np.inf, x, method="inertia") for x in ends]
        right.loglog(ends, [c.count / n_samples for c in counts], f"C{d}o")
left.set(xlabel="eigenvalue", ylabel="density", title="Spectral density")
right.set(xlabel="x", title="Share of eigenvalues below x")
right.legend(title="dimension, and twice the slope")
plt.show()
