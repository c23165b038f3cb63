"""
Which materials are in an image, and where?
===========================================

A pixel of a hyperspectral image mixes the spectra of all that lies in it. Linear
unmixing finds the spectra of the materials, the endmembers, and the share of each in
every pixel, the abundances. On a made scene both are known.
"""

# %%
# How much do pure pixels and noise matter?
# -----------------------------------------
# `LinearUnmixer` takes its spectra from the image, so it needs a pixel of each material
# alone. Ten scenes for each purity, the largest share of a material in any pixel, and
# each ratio of signal to noise in decibels: mean angles to the true spectra, and errors
# of the abundances, over all of them.
import numpy as np

from sklearn_manifold_reg.datasets import make_mixed_scene
from sklearn_manifold_reg.decomposition import LinearUnmixer
from sklearn_manifold_reg.metrics import (
    abundance_rmse,
    match_components,
    spectral_angle_distance,
)
from sklearn_manifold_reg.plotting import AbundanceMapsDisplay, EndmembersDisplay


def score(scene, unmixer):
    """Mean angle in radians, and root mean square error of the abundances."""
    order = match_components(scene.endmembers, unmixer.components_)
    abundances = unmixer.transform(scene.data)[:, order]
    return (
        spectral_angle_distance(scene.endmembers, unmixer.components_),
        abundance_rmse(scene.abundances, abundances),
    )


for purity in (1.0, 0.9, 0.7):
    for snr in (None, 30, 20):
        scores = []
        for seed in range(10):
            scene = make_mixed_scene(purity=purity, snr=snr, random_state=seed)
            unmixer = LinearUnmixer(4, random_state=0).fit(scene.data)
            scores.append(score(scene, unmixer))
        angle, error = np.mean(scores, axis=0)
        print(
            f"purity {purity}, signal to noise {snr} dB: "
            f"angle {angle:.3f} rad, error {error:.3f}"
        )

# %%
# Spectra
# -------
# One scene with pure pixels, 30 dB. Dashes are the truth.
scene = make_mixed_scene(snr=30, random_state=0)
unmixer = LinearUnmixer(4, random_state=0).fit(scene.data)
EndmembersDisplay.from_estimator(
    unmixer, wavelengths=scene.wavelengths, truth=scene.endmembers
)

# %%
# Maps
# ----
# With spectra from pure pixels, what is left is noise: that of each pixel, and that of
# the pixels which the spectra come from.
display = AbundanceMapsDisplay.from_estimator(
    unmixer, scene.data, scene.shape, truth=scene.abundances, error=True
)

# %%
# Without pure pixels the most extreme ones stand in for them: every material looks
# purer than it is, and the error has the shape of the maps. The table says how much:
# where no pixel is pure, noise hardly matters any more.
scene = make_mixed_scene(purity=0.7, snr=30, random_state=0)
unmixer = LinearUnmixer(4, random_state=0).fit(scene.data)
display = AbundanceMapsDisplay.from_estimator(
    unmixer, scene.data, scene.shape, truth=scene.abundances, error=True
)
