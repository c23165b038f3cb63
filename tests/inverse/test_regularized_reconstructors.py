"""Tikhonov, total variation and graph Laplacian: accuracy, limits, failures."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.sparse.linalg import LinearOperator
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Ridge

from sklearn_manifold_reg._arrays import to_numpy
from sklearn_manifold_reg.graph import window_laplacian
from sklearn_manifold_reg.inverse import (
    FilteredBackProjection,
    GradientOperator,
    GraphLaplacianReconstructor,
    RadonTransform,
    TikhonovReconstructor,
    TotalVariationReconstructor,
)
from sklearn_manifold_reg.inverse._noise import estimate_noise

MODELS = [
    TikhonovReconstructor,
    TotalVariationReconstructor,
    GraphLaplacianReconstructor,
]


def phantom(n=32):
    y, x = np.mgrid[:n, :n] / n
    image = np.zeros((n, n))
    image[(x - 0.5) ** 2 + (y - 0.5) ** 2 < 0.16] = 0.4
    image[(x - 0.4) ** 2 + (y - 0.45) ** 2 < 0.02] = 1.0
    image[(x > 0.55) & (x < 0.7) & (y > 0.4) & (y < 0.7)] = 0.7
    return image


def scan(n=32, n_angles=30, noise=0.02, seed=0):
    """Radon transform, true image, measurements and the norm of their noise."""
    radon = RadonTransform((n, n), np.linspace(0, 180, n_angles, endpoint=False))
    x = phantom(n).reshape(-1)
    y = radon @ x
    e = np.random.default_rng(seed).standard_normal(y.size)
    e *= noise * np.linalg.norm(y) / np.linalg.norm(e)
    return radon, x, y + e, np.linalg.norm(e)


def error(x, truth):
    return np.linalg.norm(x - truth) / np.linalg.norm(truth)


@pytest.mark.parametrize("initial", ["fbp", "tikhonov", "tv"])
def test_graph_improves_every_first_guess(initial):
    radon, x, y, delta = scan()
    model = GraphLaplacianReconstructor(radon, initial=initial, noise_level=delta)
    result = model.fit(y[None]).reconstruct(y, return_result=True)
    assert error(result.x, x) < 0.7 * error(result.first_guess, x)
    assert_allclose(result.residual_norm, 1.01 * delta, rtol=1e-3)
    assert result.converged
    assert result.optimality < 1e-4


def test_better_guesses_give_better_images():
    radon, x, y, delta = scan()
    errors = []
    for initial in ("adjoint", "tikhonov", "tv", x):
        model = GraphLaplacianReconstructor(radon, initial=initial, noise_level=delta)
        errors.append(error(model.fit(y[None]).reconstruct(y), x))
    assert np.all(np.diff(errors) < 0)


@pytest.mark.parametrize("model", MODELS)
def test_error_vanishes_with_the_noise(model):
    errors = []
    for noise in (0.05, 0.01, 0.002):
        radon, x, y, delta = scan(noise=noise)
        fitted = model(radon, noise_level=delta, max_iter=500).fit(y[None])
        errors.append(error(fitted.predict(y[None])[0], x))
    assert errors[1] < 0.8 * errors[0]
    assert errors[2] < 0.8 * errors[1]


@pytest.mark.parametrize("normalization", ["frobenius", "none", "symmetric"])
def test_squared_penalty_equals_a_direct_solve(normalization):
    radon, _, y, delta = scan(n=16, n_angles=20)
    model = GraphLaplacianReconstructor(
        radon,
        noise_level=delta,
        radius=2,
        bandwidth=0.2,
        weight_normalization=normalization,
        tol=1e-9,
        max_iter=2000,
    )
    result = model.fit(y[None]).reconstruct(y, return_result=True)
    L = window_laplacian(
        result.first_guess,
        (16, 16),
        radius=2,
        bandwidth=0.2,
        normalization=normalization,
    )
    A, dense = radon.to_csr().to_scipy().toarray(), L @ np.eye(256)
    expected = np.linalg.solve(A.T @ A + result.alpha * dense.T @ dense, A.T @ y)
    assert error(result.x, expected) < 1e-5


def test_identity_denoises_and_guesses_the_shape():
    x = phantom().reshape(-1)
    noise = 0.1 * np.random.default_rng(0).standard_normal(x.size)
    X = (x + noise)[None]
    for model in MODELS:
        fitted = model(noise_level=np.linalg.norm(noise)).fit(X)
        assert fitted.image_shape_ == (32, 32)
        assert error(fitted.predict(X)[0], x) < 0.8 * error(X[0], x)


def test_operators_of_all_kinds_agree():
    radon, _, y, delta = scan(n=16)
    sparse = radon.to_csr().to_scipy()
    linear = LinearOperator(
        sparse.shape, matvec=lambda v: sparse @ v, rmatvec=lambda v: sparse.T @ v
    )
    images = [
        TikhonovReconstructor(A, noise_level=delta, image_shape=(16, 16), tol=1e-8)
        .fit(y[None])
        .reconstruct(y)
        for A in (radon, sparse, sparse.toarray(), linear)
    ]
    for image in images[1:]:
        assert_allclose(image, images[0], atol=1e-6)


def test_regularizers_of_all_kinds():
    radon, _, y, delta = scan(n=16)
    gradient, same = (
        TikhonovReconstructor(radon, noise_level=delta, regularizer=R)
        .fit(y[None])
        .reconstruct(y)
        for R in ("gradient", GradientOperator((16, 16)).to_csr().to_scipy())
    )
    assert_allclose(gradient, same, atol=1e-3)
    A = radon.to_csr().to_scipy().toarray()
    ridge = TikhonovReconstructor(radon, regularizer="identity", alpha=2.0, tol=1e-9)
    expected = np.linalg.solve(A.T @ A + 2 * np.eye(256), A.T @ y)
    assert_allclose(ridge.fit(y[None]).reconstruct(y), expected, atol=1e-6)


def test_alpha_learned_from_pairs_is_near_the_best():
    radon, x, y, _ = scan(n=16)
    model = TikhonovReconstructor(radon, alpha="learn").fit(y[None], x[None])

    def miss(alpha):
        return error(
            TikhonovReconstructor(radon, alpha=alpha).fit(y[None]).reconstruct(y), x
        )

    best = min(miss(model.alpha_ * factor) for factor in (0.5, 0.8, 1.25, 2.0))
    assert miss(model.alpha_) < best * 1.001


def test_cross_validation_needs_no_noise_level():
    radon, x, y, _ = scan()
    model = GraphLaplacianReconstructor(radon, alpha="gcv").fit(y[None])
    result = model.reconstruct(y, return_result=True)
    assert result.noise_level is None
    assert error(result.x, x) < 0.8 * error(result.first_guess, x)


@pytest.mark.parametrize("model", MODELS)
def test_nonnegative_images(model):
    radon, x, y, delta = scan(n=16)
    options = {"smoothing": 0.0} if model is TotalVariationReconstructor else {}
    free, positive = (
        model(radon, noise_level=delta, positive=positive, **options)
        .fit(y[None])
        .reconstruct(y, return_result=True)
        for positive in (False, True)
    )
    assert positive.x.min() >= 0
    assert positive.residual_norm < 1.01 * delta * (1 + 2e-3)
    if model is TikhonovReconstructor:
        assert free.x.min() < 0
        assert_allclose(positive.residual_norm, 1.01 * delta, rtol=2e-3)
    assert error(positive.x, x) < error(free.x, x) * 1.05


def test_penalties_of_the_graph():
    """Smoothed absolute values tend to the exact ones."""
    radon, x, y, delta = scan(n=16, n_angles=12)
    found = {}
    for penalty in ("l2", "l1", "lq"):
        model = GraphLaplacianReconstructor(radon, penalty=penalty, noise_level=delta)
        found[penalty] = model.fit(y[None]).reconstruct(y)
        assert error(found[penalty], x) < 0.15
    assert error(found["lq"], found["l1"]) < error(found["l2"], found["l1"])


def test_published_smoothing_is_the_square():
    """With weights of norm one |L x| is far below 0.1: Notes of the class."""
    radon, _, y, delta = scan(n=16)
    square, smoothed = (
        GraphLaplacianReconstructor(radon, noise_level=delta, tol=1e-6, **options)
        .fit(y[None])
        .reconstruct(y)
        for options in ({}, {"penalty": "lq", "smoothing": 0.1})
    )
    assert error(smoothed, square) < 0.01


def test_units_of_images_do_not_matter():
    radon, _, y, delta = scan(n=16)
    one, other = (
        GraphLaplacianReconstructor(
            radon, noise_level=c * delta, bandwidth="auto", tol=1e-6
        )
        .fit(c * y[None])
        .reconstruct(c * y)
        for c in (1.0, 1000.0)
    )
    assert_allclose(other / 1000, one, atol=1e-4)


def test_refinement_is_the_next_first_guess():
    radon, _, y, delta = scan(n=16)
    once = GraphLaplacianReconstructor(radon, noise_level=delta).fit(y[None])
    result = once.reconstruct(y)
    again = GraphLaplacianReconstructor(radon, noise_level=delta, initial=result)
    twice = GraphLaplacianReconstructor(radon, noise_level=delta, n_refine=1)
    assert_allclose(
        twice.fit(y[None]).reconstruct(y), again.fit(y[None]).reconstruct(y)
    )


def test_first_guesses_of_all_kinds():
    radon, _x, y, delta = scan(n=16)
    options = {"noise_level": delta}
    guess = FilteredBackProjection(radon).fit(y[None]).predict(y[None])
    images = [
        GraphLaplacianReconstructor(radon, initial=initial, **options)
        .fit(y[None])
        .reconstruct(y)
        for initial in (
            "fbp",
            FilteredBackProjection(radon),
            guess,
            guess.reshape(16, 16),
            lambda _: guess.reshape(16, 16),
        )
    ]
    for image in images[1:]:
        assert_allclose(image, images[0])


def test_learned_first_guess():
    """graphLa+Net: a regressor from sinograms to images."""
    radon, _, _, _ = scan(n=16)
    rng = np.random.default_rng(0)
    images = rng.random((20, 1)) * phantom(16).reshape(-1)
    X = (radon @ images.T).T
    model = GraphLaplacianReconstructor(radon, initial=Ridge(), relative_noise=0.01)
    learned = model.fit(X, images).predict(X[:2])
    frozen = FrozenEstimator(Ridge().fit(X, images))
    model = GraphLaplacianReconstructor(radon, initial=frozen, relative_noise=0.01)
    assert_allclose(model.fit(X).predict(X[:2]), learned)
    with pytest.raises(ValueError, match="learns from true images"):
        GraphLaplacianReconstructor(radon, initial=Ridge(), relative_noise=0.01).fit(X)


def test_batches_and_threads_do_not_change_images():
    radon, _, y, delta = scan(n=64, n_angles=6)
    X = np.stack([y, 0.5 * y, y[::-1]])
    options = {"noise_level": delta, "max_iter": 60}
    model = GraphLaplacianReconstructor(radon, n_jobs=2, **options).fit(X)
    together = model.predict(X)
    model.n_jobs = 1
    assert np.array_equal(together, model.predict(X))
    assert np.array_equal(together[1], model.reconstruct(X[1]))


@pytest.mark.parametrize("model", MODELS)
def test_other_array_libraries_agree(namespace, model):
    xp, device = namespace
    radon, _, y, delta = scan(n=8, n_angles=6, noise=0.1)
    options = {"noise_level": delta, "tol": 1e-6}
    if model is GraphLaplacianReconstructor:
        options["radius"] = 1
    expected = model(radon, **options).fit(y[None]).predict(y[None])
    X = xp.asarray(y[None], device=device)
    found = model(radon, **options).fit(X).predict(X)
    assert found.device == X.device
    assert_allclose(to_numpy(found), expected, atol=1e-4)


def test_single_precision_stays_single():
    radon, x, y, delta = scan()
    X = y[None].astype(np.float32)
    for model in MODELS:
        image = model(radon, noise_level=delta).fit(X).predict(X)
        assert image.dtype == np.float32
        assert error(image[0], x) < 0.2


@pytest.mark.parametrize("shape", [(400,), (40, 30)])
def test_noise_is_estimated(shape):
    rng = np.random.default_rng(0)
    smooth = (
        np.add.outer(*(np.sin(np.linspace(0, 6, side)) for side in shape))
        if len(shape) == 2
        else np.sin(np.linspace(0, 6, *shape))
    )
    e = 0.1 * rng.standard_normal(shape)
    found = estimate_noise((smooth + e).reshape(-1), shape)
    assert_allclose(found, np.linalg.norm(e), rtol=0.15)
    radon, x, y, _ = scan()
    model = TikhonovReconstructor(radon).fit(y[None])
    with pytest.warns(UserWarning, match="knows no noise level"):
        assert error(model.reconstruct(y), x) < 0.35


def test_noise_above_the_data_leaves_a_constant():
    radon, _, y, _ = scan(n=16)
    model = GraphLaplacianReconstructor(radon, noise_level=2 * np.linalg.norm(y))
    with pytest.warns(UserWarning, match="noise level is larger"):
        result = model.fit(y[None]).reconstruct(y, return_result=True)
    assert np.ptp(result.x) == 0
    shadow = radon @ np.ones(256)
    assert_allclose(result.x, shadow @ y / (shadow @ shadow))
    assert result.alpha == np.inf


def test_constant_first_guess_is_the_plain_window_graph():
    radon, _, y, delta = scan(n=16)
    images = [
        GraphLaplacianReconstructor(radon, initial=np.full(256, c), noise_level=delta)
        .fit(y[None])
        .reconstruct(y)
        for c in (0.0, 3.0)
    ]
    assert_allclose(images[0], images[1], atol=2e-3)


class Broken(RegressorMixin, BaseEstimator):
    """Predicts NaN."""

    def fit(self, X, y=None):
        return self

    def predict(self, X):
        return np.full((len(X), 256), np.nan)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = False
        return tags


def test_bad_input_is_named():
    radon, _x, y, delta = scan(n=16)
    X = y[None]
    graph = GraphLaplacianReconstructor
    for options, text in (
        ({"noise_level": 0.0}, "noise_level=0 leaves no discrepancy"),
        ({"relative_noise": 0}, "relative_noise=0 leaves no discrepancy"),
        ({"noise_level": 1.0, "relative_noise": 0.1}, "give one of them"),
        ({"alpha": "learn"}, "compares with true images"),
        ({"penalty": "lq", "positive": True}, "not 'lq'"),
        ({"penalty": "l1", "alpha": "gcv"}, "without corners"),
        ({"image_shape": (3, 3)}, "9 pixels, but there are 256"),
    ):
        with pytest.raises(ValueError, match=text):
            graph(radon, **options).fit(X)
    with pytest.raises(ValueError, match=r"690 measurements, but X has 689"):
        graph(radon, noise_level=delta).fit(X[:, :-1])
    with pytest.raises(ValueError, match="NaN"):
        graph(radon, noise_level=delta).fit(np.where(X.mean() < X, X, np.nan))
    with pytest.raises(ValueError, match="complex"):
        graph(radon.to_csr().to_scipy() * 1j, noise_level=delta).fit(X)
    with pytest.raises(ValueError, match="inverts a RadonTransform"):
        graph(initial="fbp", noise_level=delta).fit(X)
    for initial, text in (
        (np.zeros(9), "Psi, gave 9 values"),
        (Broken(), "Psi, gave an image with NaN"),
        (np.zeros((2, 256)), "holds 2 images for 1 rows"),
    ):
        model = graph(radon, initial=initial, noise_level=delta).fit(X)
        with pytest.raises(ValueError, match=text):
            model.predict(X)
    with pytest.raises(ValueError, match="positive=True goes with smoothing=0"):
        TotalVariationReconstructor(radon, positive=True).fit(X)
    with pytest.raises(ValueError, match="takes images of 9 pixels"):
        TikhonovReconstructor(radon, regularizer=np.eye(9)).fit(X)
    with pytest.raises(ValueError, match="one image, a vector"):
        TikhonovReconstructor(radon, noise_level=delta).fit(X).reconstruct(X)
