"""Reconstructions from sinograms: accuracy on phantoms, time, memory.

Prints, for first guesses Psi and for what the graph Laplacian makes of them
(graphLa+Psi): relative error, peak signal-to-noise ratio and structural similarity, on
the COULE phantom with angles and noise of the paper, on the Shepp-Logan phantom
(where scikit-image is installed) and on a slice of a patient; errors as the noise
vanishes; times of the graph, of the solve and of a plain ADMM for the same objective,
with the memory of the solve.
"""

import argparse
import time
import tracemalloc
from pathlib import Path

import numpy as np
from _timing import print_table

from sklearn_manifold_reg.graph import window_laplacian
from sklearn_manifold_reg.inverse import GraphLaplacianReconstructor, RadonTransform
from sklearn_manifold_reg.metrics import (
    peak_signal_to_noise_ratio,
    structural_similarity,
)
from sklearn_manifold_reg.optim import gram_diagonal, mean_diagonal

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
GUESSES = {"FBP": "fbp", "Tikhonov": "tikhonov", "TV": "tv"}


def coule(side=256):
    image = np.load(DATA / "ct_coule_280.npz")["image"].astype(float)
    step = 256 // side
    return image.reshape(side, step, side, step).mean(axis=(1, 3))


def shepp_logan(side=256):
    from skimage.data import shepp_logan_phantom
    from skimage.transform import resize

    return resize(shepp_logan_phantom(), (side, side), anti_aliasing=True)


def slice_of_patient():
    hu = np.load(DATA / "ct_slice_small.npz")["hu"].astype(float)
    return np.clip((hu + 1000) / 2000, 0, 1)


def scan(image, n_angles=120, noise=0.02, seed=0):
    radon = RadonTransform(image.shape, np.linspace(0, 179, n_angles))
    y = radon @ image.reshape(-1)
    e = np.random.default_rng(seed).standard_normal(y.size)
    e *= noise * np.linalg.norm(y) / np.linalg.norm(e)
    return radon, y + e, np.linalg.norm(e)


def scores(image, x):
    x = x.reshape(image.shape)
    return [
        np.linalg.norm(x - image) / np.linalg.norm(image),
        peak_signal_to_noise_ratio(image, x),
        structural_similarity(image, x),
    ]


def accuracy(name, image, **options):
    radon, y, delta = scan(image, **options)
    rows = []
    for label, psi in {**GUESSES, "truth": image.reshape(-1)}.items():
        model = GraphLaplacianReconstructor(
            radon, initial=psi, noise_level=delta, max_iter=500
        ).fit(y[None])
        guess = model._first_guesses(y[None], [delta])[0]
        start = time.perf_counter()
        result = model._solve(y, guess, model.alpha_, delta)
        seconds = time.perf_counter() - start
        before = scores(image, guess) if label != "truth" else ["", "", ""]
        rows.append(
            [name, label, *before, *scores(image, result.x), result.n_iter, seconds]
        )
    return rows


def vanishing_noise(image, noises):
    rows = []
    for noise in noises:
        radon, y, delta = scan(image, noise=noise)
        row = [noise]
        for psi in GUESSES.values():
            model = GraphLaplacianReconstructor(
                radon, initial=psi, noise_level=delta, max_iter=500
            ).fit(y[None])
            result = model.reconstruct(y, return_result=True)
            row += [scores(image, x)[0] for x in (result.first_guess, result.x)]
        rows.append(row)
    return rows


def plain_admm(A, L, y, alpha, tol=1e-4, max_rounds=60):
    """Splitting of L x with a fixed weight, x by conjugate gradients from the last.

    It may stop before it has converged, at more than its share of time.
    """
    back = A.adjoint() @ y
    d_A, d_L = gram_diagonal(A, None, back), gram_diagonal(L, None, back)
    rho = 0.3 * mean_diagonal(d_A) / mean_diagonal(d_L)
    scale = d_A + rho * d_L
    x = np.zeros_like(back)
    v = u = L @ x
    for rounds in range(1, max_rounds + 1):  # noqa: B007
        old = x
        r = back + rho * (L.adjoint() @ (v - u))
        r -= A.adjoint() @ (A @ x) + rho * (L.adjoint() @ (L @ x))
        goal = 1e-2 * np.linalg.norm(r)
        p = z = r / scale
        rz = r @ z
        for _ in range(50):
            q = A.adjoint() @ (A @ p) + rho * (L.adjoint() @ (L @ p))
            step = rz / (p @ q)
            x, r = x + step * p, r - step * q
            if np.linalg.norm(r) <= goal:
                break
            z = r / scale
            rz, last = r @ z, rz
            p = z + rz / last * p
        Lx = L @ x
        v = (Lx + u) * rho / (rho + alpha)
        u = u + Lx - v
        if np.linalg.norm(x - old) <= tol * np.linalg.norm(x):
            break
    return x, rounds


def speed(image):
    radon, y, delta = scan(image)
    model = GraphLaplacianReconstructor(radon, noise_level=delta).fit(y[None])
    guess = model._first_guesses(y[None], [delta])[0]
    rows = []
    for stored in (False, True):
        window_laplacian(guess[:256], (16, 16), stored=stored)
        start = time.perf_counter()
        window_laplacian(guess, image.shape, stored=stored)
        kind = "stored" if stored else "no matrix"
        rows.append([f"graph, {kind}", time.perf_counter() - start, "", ""])
    tracemalloc.start()
    start = time.perf_counter()
    result = model.reconstruct(y, return_result=True)
    seconds = time.perf_counter() - start
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    rows.append([f"first guess and solve ({peak:.0f} MB)", seconds, "", ""])
    L = model._penalty(y, guess).operator

    def objective(x):
        misfit = 0.5 * np.linalg.norm(radon @ x - y) ** 2
        return misfit + 0.5 * result.alpha * np.linalg.norm(L @ x) ** 2

    start = time.perf_counter()
    ours = model._solve(y, guess, "discrepancy", delta)
    seconds = time.perf_counter() - start
    rows.append(["solve, weight found", seconds, ours.n_iter, objective(ours.x)])
    start = time.perf_counter()
    x, rounds = plain_admm(radon, L, y, result.alpha)
    admm = time.perf_counter() - start
    rows.append(["plain ADMM, weight given", admm, rounds, objective(x)])
    rows.append(["ratio", seconds / admm, "", ""])
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=256)
    options = parser.parse_args()

    image = coule(options.side)
    rows = accuracy("COULE", image)
    try:
        rows += accuracy("Shepp-Logan", shepp_logan(options.side))
    except ImportError:
        print("scikit-image is not installed: no Shepp-Logan phantom.\n")
    rows += accuracy("slice", slice_of_patient())
    header = ["image", "Psi", "error", "dB", "SSIM", "graphLa+Psi error", "dB", "SSIM"]
    print_table([*header, "steps", "seconds"], rows)

    print("\nRelative errors as the noise vanishes, Psi and graphLa+Psi.\n")
    header = ["noise", *(f"{a}{b}" for b in GUESSES for a in ("", "graphLa+"))]
    print_table(header, vanishing_noise(coule(min(options.side, 128)), NOISES))

    print(f"\nTimes, {options.side} x {options.side} pixels, 120 angles.\n")
    print_table(["", "seconds", "steps", "objective"], speed(image))


NOISES = (0.1, 0.05, 0.02, 0.01, 0.005, 0.002)

if __name__ == "__main__":
    main()
