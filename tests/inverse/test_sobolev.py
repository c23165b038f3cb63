"""Sobolev norms, and restoration by them."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from sklearn_manifold_reg._arrays import to_numpy
from sklearn_manifold_reg.graph import laplacian
from sklearn_manifold_reg.inverse import (
    BlurOperator,
    GradientOperator,
    SobolevImageRestorer,
    sobolev_norm,
    sobolev_weights,
)
from sklearn_manifold_reg.optim import SobolevMisfit

SHAPE = (16, 16)
ORDERS = [-1.5, -1.0, -0.5, 0.0, 0.5]


def noise(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def frequencies(shape):
    rows, columns = (2 * np.pi * np.fft.fftfreq(side) for side in shape)
    return np.sqrt(np.add.outer(rows**2, columns**2))


def gaussian_blur(shape, width=2.0):
    """Kernel with the transfer exp(-width xi²), which is positive."""
    transfer = np.exp(-width * frequencies(shape) ** 2)
    return np.fft.fftshift(np.fft.ifft2(transfer).real), transfer


def filtered(images, factor):
    return np.fft.ifft2(factor * np.fft.fft2(images)).real


def data_fit(G, s, kernel=None, length_scale=10.0):
    """The term that restorers minimize, of images of `SHAPE`."""
    weights = sobolev_weights(SHAPE, s, length_scale=length_scale)
    transfer = None if kernel is None else BlurOperator(SHAPE, kernel).transfer
    return SobolevMisfit(G.reshape(-1, *SHAPE), weights[:, : 16 // 2 + 1], transfer)


@pytest.mark.parametrize("shape", [(16, 16), (9, 14), (1, 5)])
def test_parseval(shape):
    r = noise(3, *shape)
    euclidean = np.linalg.norm(r, axis=(1, 2))
    for homogeneous in (False, True):
        norm = sobolev_norm(r, 0.0, homogeneous=homogeneous)
        np.testing.assert_allclose(norm, euclidean, rtol=1e-12)


@pytest.mark.parametrize("s", [-1.5, 0.7, 2.0])
def test_norm_of_a_wave_is_its_weight(s):
    wave = np.cos(2 * np.pi * (3 * np.arange(16)[:, None] + 2 * np.arange(16)) / 16)
    xi = 2 * np.pi * np.hypot(3, 2) / 16
    for homogeneous, weight in ((False, 1 + 25 * xi**2), (True, xi**2)):
        norm = sobolev_norm(wave, s, length_scale=5.0, homogeneous=homogeneous)
        assert norm == pytest.approx(weight ** (s / 2) * np.linalg.norm(wave))


def test_dual_orders_bound_inner_products():
    """<f, g> is at most |f|_s |g|_-s, and equal for g = w_s f."""
    f, g = noise(2, *SHAPE)
    for s in (0.5, 1.0, 2.0):
        assert abs(np.sum(f * g)) <= sobolev_norm(f, s) * sobolev_norm(g, -s)
        pair = filtered(f, sobolev_weights(SHAPE, s))
        assert np.sum(f * pair) == pytest.approx(
            sobolev_norm(f, s) * sobolev_norm(pair, -s)
        )


def test_homogeneous_weights_leave_the_mean_out():
    for s in (-1.0, 2.0):
        weights = sobolev_weights(SHAPE, s, homogeneous=True)
        assert weights[0, 0] == 0
        assert np.isfinite(weights).all()
        assert sobolev_norm(np.ones(SHAPE), s, homogeneous=True) < 1e-12
    # Far above 1 / length_scale both kinds agree, up to the unit.
    ratio = sobolev_weights(SHAPE, -1.0, length_scale=1e4) * 1e8
    ratio = ratio[1:] / sobolev_weights(SHAPE, -1.0, homogeneous=True)[1:]
    np.testing.assert_allclose(ratio, 1, rtol=1e-6)


@pytest.mark.parametrize("s", [-1.0, 0.5, 2.0])
def test_norm_on_a_graph(s):
    rng = np.random.default_rng(0)
    W = sparse.random_array((30, 30), density=0.3, rng=rng)
    L = laplacian(sparse.csr_array(W + W.T), normalization=None)
    values, vectors = np.linalg.eigh(L.to_csr().to_scipy().toarray())
    x = noise(30, 3)
    weights = (1 + 4 * values) ** s
    expected = np.sqrt(np.sum(weights[:, None] * (vectors.T @ x) ** 2, axis=0))
    norms = sobolev_norm(x, s, length_scale=2.0, laplacian=L)
    np.testing.assert_allclose(norms, expected, rtol=1e-6)
    one = sobolev_norm(x[:, 0], s, length_scale=2.0, laplacian=L)
    assert one == pytest.approx(expected[0])


@pytest.mark.parametrize("s", ORDERS)
def test_without_blur_and_penalty_descent_finds_the_image(s):
    G = noise(2, 256)
    restorer = SobolevImageRestorer(s, length_scale=1.0, max_iter=20_000)
    np.testing.assert_allclose(restorer.fit_transform(G), G, atol=1e-10)
    assert restorer.residual_norm_.max() < 1e-10


@pytest.mark.parametrize("n_steps", [1, 2, 37])
@pytest.mark.parametrize("blurred", [True, False])
def test_closed_form_is_the_iterate_of_descent(n_steps, blurred):
    G = noise(2, 256)
    kernel = noise(3, 4, seed=1) if blurred else None
    restorer = SobolevImageRestorer(0.5, kernel=kernel, max_iter=n_steps).fit(G)
    misfit = data_fit(G, 0.5, kernel)
    u = np.zeros((2, *SHAPE))
    for _ in range(n_steps):
        u -= misfit.grad(u) / misfit.lipschitz
    images = restorer.transform(G).reshape(u.shape)
    np.testing.assert_allclose(images, u, atol=1e-10)
    assert restorer.n_iter_ == n_steps
    blur = np.eye(256)
    if blurred:
        blur = BlurOperator(SHAPE, kernel).to_csr().to_scipy().toarray()
    residual = (u.reshape(2, -1) @ blur.T - G).reshape(u.shape)
    np.testing.assert_allclose(restorer.residual_norm_, sobolev_norm(residual, 0.5))


def test_order_of_the_blur_is_inverted_in_one_step():
    """If abs(k)² = w_-a, then s = a makes every rate of descent the same."""
    a = 1.0
    transfer = sobolev_weights(SHAPE, -a / 2, length_scale=2.0)
    kernel = np.fft.fftshift(np.fft.ifft2(transfer).real)
    u = noise(1, *SHAPE)
    G = filtered(u, transfer).reshape(1, -1)
    restorer = SobolevImageRestorer(a, length_scale=2.0, kernel=kernel, max_iter=1)
    np.testing.assert_allclose(restorer.fit_transform(G), u.reshape(1, -1), atol=1e-12)
    restorer.set_params(s=0.0)
    assert abs(restorer.fit_transform(G) - u.reshape(1, -1)).max() > 0.1


def test_discrepancy_stops_at_the_first_step_within():
    kernel, transfer = gaussian_blur(SHAPE)
    G = filtered(noise(3, *SHAPE), transfer).reshape(3, -1)
    norms = np.array(
        [
            SobolevImageRestorer(0.3, kernel=kernel, max_iter=t).fit(G).residual_norm_
            for t in range(1, 41)
        ]
    )
    assert (np.diff(norms, axis=0) < 0).all()
    bound = norms[15:25].mean()
    restorer = SobolevImageRestorer(0.3, kernel=kernel, discrepancy=bound)
    restorer.fit(G)
    first = np.argmax(norms <= bound, axis=0)
    assert (restorer.residual_norm_ <= bound).all()
    np.testing.assert_allclose(restorer.residual_norm_, norms[first, range(3)])
    assert restorer.n_iter_ == first.max() + 1
    # Zero itself is within a large bound, and no step within an impossible one.
    assert not SobolevImageRestorer(discrepancy=1e9).fit_transform(G).any()
    strict = SobolevImageRestorer(kernel=kernel, discrepancy=0.0, max_iter=7)
    assert strict.fit(G).n_iter_ == 7


@pytest.mark.parametrize("s", ORDERS)
@pytest.mark.parametrize("homogeneous", [False, True])
def test_tikhonov_is_the_wiener_filter(s, homogeneous):
    kernel, transfer = gaussian_blur(SHAPE)
    options = {"length_scale": 3.0, "homogeneous": homogeneous}
    G = noise(2, 256)
    images = SobolevImageRestorer(
        s,
        penalty="tikhonov",
        alpha=0.09,
        penalty_order=1.5,
        kernel=kernel,
        **options,
    ).fit_transform(G)
    weights = sobolev_weights(SHAPE, s, **options)
    if homogeneous:
        weights[0, 0] = 1.0
    prior = 0.09 * sobolev_weights(SHAPE, 1.5, **options)
    factor = transfer * weights / (transfer**2 * weights + prior)
    expected = filtered(G.reshape(2, *SHAPE), factor).reshape(2, -1)
    np.testing.assert_allclose(images, expected, atol=1e-12)


def test_expected_errors_of_the_paper_model():
    """The order of the noise is the best, by as much as was computed beforehand."""
    shape, sigma, t = (64, 64), 0.3, 1.5
    kernel, transfer = gaussian_blur(shape)
    noise_spectrum = sigma**2 * sobolev_weights(shape, 0.5)
    prior_spectrum = sobolev_weights(shape, -t)
    impulse = np.zeros((1, 64 * 64))
    impulse[0, 0] = 1.0
    errors = []
    for s in ORDERS:
        restorer = SobolevImageRestorer(
            s, penalty="tikhonov", alpha=sigma**2, penalty_order=t, kernel=kernel
        )
        factor = np.fft.fft2(restorer.fit_transform(impulse).reshape(shape))
        bias = np.abs(1 - factor * transfer) ** 2 * prior_spectrum
        errors.append(np.mean(bias + np.abs(factor) ** 2 * noise_spectrum))
    np.testing.assert_allclose(
        np.array(errors) * 1e4, [9.75, 9.26, 8.97, 9.92, 19.3], rtol=0.01
    )


@pytest.mark.parametrize("s", [-0.5, 0.0, 0.5])
@pytest.mark.parametrize("blurred", [True, False])
def test_total_variation_is_minimal(s, blurred):
    """Duality: the residual's pull is the divergence of a field within the bound."""
    alpha = 0.1
    kernel = np.array([[0.25, 0.5, 0.25]]) if blurred else None
    G = noise(1, 256) * 0.3 + (np.arange(256) // 64 % 2)
    restorer = SobolevImageRestorer(
        s,
        length_scale=1.0,
        penalty="tv",
        alpha=alpha,
        kernel=kernel,
        max_iter=20_000,
        tol=1e-9,
    )
    u = restorer.fit_transform(G)
    misfit = data_fit(G, s, kernel, length_scale=1.0)
    gradient = GradientOperator(SHAPE)

    def objective(image):
        steps = (gradient @ image.reshape(-1)).reshape(2, -1)
        lengths = np.linalg.norm(steps, axis=0)
        return misfit.value(image.reshape(1, *SHAPE)) + alpha * lengths.sum()

    # At the minimum, -f'(u) is in the subdifferential of the total variation R, so
    # that <-f'(u), u> = R(u): the duality gap of u and its own gradient.
    pull = -misfit.grad(u.reshape(1, *SHAPE)).reshape(-1)
    steps = (gradient @ u.reshape(-1)).reshape(2, -1)
    penalty = alpha * np.linalg.norm(steps, axis=0).sum()
    assert pull @ u.reshape(-1) == pytest.approx(penalty, rel=1e-4)
    best = objective(u)
    for seed in range(5):
        for size in (1e-1, 1e-2, 1e-3):
            assert objective(u + size * noise(256, seed=seed)) > best


def test_total_variation_limits():
    G = noise(2, 256)
    flat = SobolevImageRestorer(0.0, penalty="tv", alpha=50.0, max_iter=5000)
    images = flat.fit_transform(G)
    np.testing.assert_allclose(
        images, np.repeat(G.mean(axis=1), 256).reshape(2, 256), atol=1e-3
    )
    faint = SobolevImageRestorer(0.0, penalty="tv", alpha=1e-7)
    np.testing.assert_allclose(faint.fit_transform(G), G, atol=1e-6)


def test_total_variation_warns_at_max_iter():
    restorer = SobolevImageRestorer(penalty="tv", max_iter=3)
    with pytest.warns(ConvergenceWarning, match="2 images still changed by up to"):
        restorer.fit(noise(2, 64))


def test_units_of_intensity_do_not_matter():
    G = noise(1, 256)
    for penalty, power in ((None, 0), ("tikhonov", 0), ("tv", 1)):
        one = SobolevImageRestorer(0.0, penalty=penalty, alpha=0.1, tol=1e-4)
        other = clone(one).set_params(alpha=0.1 * 100.0**power)
        np.testing.assert_allclose(
            other.fit_transform(100 * G), 100 * one.fit_transform(G), rtol=1e-9
        )


def test_mirrored_border_has_no_jump():
    """A ramp is torn at a periodic border and kept by a mirrored one."""
    ramp = np.multiply.outer(np.arange(16.0), np.ones(16)).reshape(1, -1)
    errors = []
    for boundary in ("periodic", "symmetric"):
        restorer = SobolevImageRestorer(
            0.0, length_scale=2.0, penalty="tikhonov", alpha=0.1, boundary=boundary
        )
        image = restorer.fit_transform(ramp)
        errors.append(abs(image - ramp / 1.1).max())
    assert errors[1] < 0.25 * errors[0]


def test_mirrored_blur_is_that_of_the_operator():
    """Even kernels: without noise, one step of Tikhonov finds the stationary point."""
    kernel = np.array([[0.1, 0.2, 0.1], [0.2, 0.8, 0.2], [0.1, 0.2, 0.1]])
    blur = BlurOperator(SHAPE, kernel, boundary="symmetric")
    u = noise(256)
    G = (blur @ u).reshape(1, -1)
    restorer = SobolevImageRestorer(
        0.0, penalty="tikhonov", alpha=1e-14, kernel=kernel, boundary="symmetric"
    )
    np.testing.assert_allclose(restorer.fit_transform(G)[0], u, atol=1e-7)
    assert restorer.residual_norm_[0] < 1e-8
    early = SobolevImageRestorer(0.0, kernel=kernel, boundary="symmetric", max_iter=1)
    image = early.fit_transform(G)[0]
    rest = np.linalg.norm(blur @ image - G[0])
    assert early.residual_norm_[0] == pytest.approx(rest)
    stopped = clone(early).set_params(max_iter=50, discrepancy=rest).fit(G)
    assert stopped.n_iter_ == 1


@pytest.mark.parametrize("penalty", [None, "tikhonov", "tv"])
def test_images_do_not_mix(penalty):
    G = noise(3, 256)
    restorer = SobolevImageRestorer(penalty=penalty, alpha=0.3, tol=1e-2, max_iter=500)
    together = restorer.fit_transform(G)
    for number in range(3):
        alone = restorer.transform(G[number : number + 1])
        np.testing.assert_allclose(alone[0], together[number], atol=1e-12)


@pytest.mark.parametrize("penalty", [None, "tikhonov", "tv"])
def test_other_array_libraries(namespace, penalty):
    xp, device = namespace
    G = noise(2, 64)
    restorer = SobolevImageRestorer(
        penalty=penalty,
        alpha=0.3,
        tol=1e-2,
        max_iter=500,
        kernel=[[0.5, 0.5]],
        boundary="symmetric",
        discrepancy=2.0,
    )
    expected = restorer.fit_transform(G)
    moved = xp.asarray(G, device=device)
    images = clone(restorer).fit_transform(moved)
    assert images.device == moved.device
    np.testing.assert_allclose(to_numpy(images), expected, atol=1e-10)


def test_bad_input():
    G = noise(2, 64)
    with pytest.raises(ValueError, match=r"image_shape=\(5, 5\) has 25 pixels.* 64"):
        SobolevImageRestorer(image_shape=(5, 5)).fit(G)
    with pytest.raises(ValueError, match=r"\(9, 1\) is larger than images of shape"):
        SobolevImageRestorer(kernel=np.ones((9, 1))).fit(G)
    with pytest.raises(ValueError, match="'alpha' parameter"):
        SobolevImageRestorer(alpha=-1.0).fit(G)
    with pytest.raises(ValueError, match="'s' parameter"):
        SobolevImageRestorer(np.inf).fit(G)
    with pytest.raises(ValueError, match="Input X contains NaN"):
        SobolevImageRestorer().fit(np.where(G > 2, np.nan, G))
    with pytest.raises(ValueError, match="s must be a finite number, got nan"):
        sobolev_weights((4, 4), np.nan)
    with pytest.raises(ValueError, match="length_scale must be a positive finite"):
        sobolev_norm(G, 1.0, length_scale=0.0)
    with pytest.raises(ValueError, match=r"got shape \(64,\); give the laplacian"):
        sobolev_norm(G[0], 1.0)
    with pytest.raises(ValueError, match="defined for images, not for graphs"):
        sobolev_norm(G[0], 1.0, homogeneous=True, laplacian=np.eye(64))


def test_float32_stays():
    G = noise(2, 64).astype(np.float32)
    for penalty in (None, "tikhonov", "tv"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            images = SobolevImageRestorer(penalty=penalty).fit_transform(G)
        assert images.dtype == np.float32
    assert sobolev_norm(G.reshape(2, 8, 8), -1.0).dtype == np.float32
