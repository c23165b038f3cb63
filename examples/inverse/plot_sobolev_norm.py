"""
What does the norm of the data fit change?
==========================================

Deblurring fits an image to data. Usually all frequencies of the residual count alike. A
Sobolev norm of order s > 0 lets fine detail count more, one of order s < 0 less. Does
this make images better?
"""

# %%
# Descent with white noise
# ------------------------
# A blurred image with noise, and gradient descent in five norms. Errors fall while
# descent restores the image, and rise when it starts to restore the noise.
import matplotlib.pyplot as plt
import numpy as np

from sklearn_manifold_reg.inverse import (
    BlurOperator,
    SobolevImageRestorer,
    sobolev_weights,
)

rng = np.random.default_rng(0)
shape = (128, 128)
y, x = np.indices(shape)
image = 1.0 * ((x - 60) ** 2 + (y - 70) ** 2 < 40**2)
image[30:60, 70:110] += 0.5
image[80:84, 10:120] = 0.0

reach = np.arange(-6, 7)
kernel = np.exp(-np.add.outer(reach**2, reach**2) / 4)
kernel /= kernel.sum()
blurred = BlurOperator(shape, kernel) @ image.reshape(-1)
G = (blurred + 0.01 * rng.standard_normal(blurred.shape)).reshape(1, -1)

orders = [-1.0, -0.5, 0.0, 0.5, 1.0]
steps = np.unique(np.logspace(0, 4, 40).astype(int))


def restore(s, n_steps):
    """Descend a number of steps in the norm of order s."""
    restorer = SobolevImageRestorer(
        s, length_scale=1.0, kernel=kernel, image_shape=shape, max_iter=n_steps
    )
    return restorer.fit_transform(G)


def error(restored):
    """Root mean square error."""
    return np.sqrt(np.mean((restored - image.reshape(-1)) ** 2))


curves = {s: [error(restore(s, int(n))) for n in steps] for s in orders}
for s, curve in curves.items():
    best = int(np.argmin(curve))
    print(f"s = {s:4}: error {curve[best]:.4f} after {steps[best]} steps")

# %%
# All orders reach the same error: at the best step, the norm makes no difference here.
# The number of steps does differ. A blur leaves little of fine detail, so that descent
# is slow there; positive orders make up for it, and need a tenth of the steps of
# negative ones. These in turn lose less by going on for too long.
fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
for color, (s, curve) in zip(
    plt.colormaps["viridis"](np.linspace(0, 0.9, len(orders))),
    curves.items(),
    strict=True,
):
    ax.plot(steps, curve, color=color, label=f"s = {s:g}")
ax.set(
    xscale="log",
    yscale="log",
    xlabel="steps of descent",
    ylabel="root mean square error",
)
ax.legend()

# %%
# The same number of steps, right for one order and far too many for another:
fig, axes = plt.subplots(1, 4, figsize=(10, 2.8), layout="constrained")
views = {"data": G} | {f"s = {s:g}, 300 steps": restore(s, 300) for s in (-1.0, 0, 1.0)}
for ax, (title, view) in zip(axes, views.items(), strict=True):
    ax.imshow(view.reshape(shape), cmap="gray", vmin=-0.1, vmax=1.6)
    ax.set(title=title, xticks=[], yticks=[])

# %%
# Noise of another color
# ----------------------
# With a penalty of order t, the closed form is the Wiener filter, the best linear one,
# if the noise has the spectrum :math:`1 / w_s` and images have :math:`1 / w_t`. Here
# the noise is of order -1/2: strong at high frequencies. Twenty random images and
# noises:
shape = (64, 64)
true_order, smoothness, level = -0.5, 1.5, 0.3
frequency = 2 * np.pi * np.fft.fftfreq(64)
transfer = np.exp(-2 * np.add.outer(frequency**2, frequency**2))
kernel = np.fft.fftshift(np.fft.ifft2(transfer).real)


def random_fields(order):
    """Draw twenty images with the spectrum `1 / w_order`."""
    white = np.fft.fft2(rng.standard_normal((20, *shape)))
    return np.fft.ifft2(white * sobolev_weights(shape, -order / 2)).real


images = random_fields(smoothness)
G = np.fft.ifft2(transfer * np.fft.fft2(images)).real
G = (G + level * random_fields(true_order)).reshape(20, -1)

orders = np.linspace(-1.5, 0.5, 9)
errors = []
for s in orders:
    restorer = SobolevImageRestorer(
        s, penalty="tikhonov", alpha=level**2, penalty_order=smoothness, kernel=kernel
    )
    restored = restorer.fit_transform(G).reshape(images.shape)
    errors.append(np.mean((restored - images) ** 2))

fig, ax = plt.subplots(figsize=(7, 3.5), layout="constrained")
ax.plot(orders, errors, "o-")
ax.axvline(true_order, color="0.6", linestyle="--", label="order of the noise")
ax.set(xlabel="s", ylabel="mean square error", yscale="log")
ax.legend()
