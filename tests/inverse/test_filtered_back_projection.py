"""Filtered back-projection, and what it shares with other reconstructors."""

import numpy as np
import pytest
from scipy.sparse.linalg import aslinearoperator
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold

from sklearn_manifold_reg._arrays import to_numpy
from sklearn_manifold_reg.inverse import FilteredBackProjection, RadonTransform
from sklearn_manifold_reg.inverse._filtered_back_projection import filter_response
from sklearn_manifold_reg.inverse._reconstructor import Reconstructor

FILTERS = ["ramp", "shepp-logan", "cosine", "hamming", "hann", None]


def disk(side, radius=0.3):
    y, x = np.indices((side, side)) - side // 2
    return 1.0 * (x**2 + y**2 < (radius * side) ** 2)


def psnr(image, truth):
    return 10 * np.log10(1 / np.mean((image - truth) ** 2))


def reconstruct(radon, sinogram, filter="ramp"):
    X = sinogram.reshape(1, -1)
    image = FilteredBackProjection(radon, filter=filter).fit(X).predict(X)
    return image.reshape(radon.image_shape)


@pytest.mark.parametrize("side", [64, 65])
@pytest.mark.parametrize("filter", FILTERS)
def test_equals_iradon(filter, side, compiled):
    transform = pytest.importorskip("skimage.transform")
    u = np.random.default_rng(0).random((side, side))
    angles = np.linspace(0, 180, 30, endpoint=False)
    sinogram = transform.radon(u, theta=angles, circle=False)
    theirs = transform.iradon(sinogram, angles, circle=False, filter_name=filter)
    ours = reconstruct(RadonTransform(u.shape, angles), sinogram, filter)
    # The first row and column may lie beyond the last detector, where they stop
    # to interpolate. Their last two windows are off their period by a sample.
    inside = (slice(1, side - 1),) * 2
    tolerance = 0.005 if filter in ("hamming", "hann") else 1e-12
    np.testing.assert_allclose(
        ours[inside], theirs[inside], atol=tolerance * theirs.max()
    )


def test_disk_comes_back():
    u = disk(96)
    radon = RadonTransform(u.shape, np.linspace(0, 180, 180, endpoint=False))
    X = (radon @ u.reshape(-1)).reshape(1, -1)
    model = FilteredBackProjection(radon, filter="hann").fit(X)
    image = model.predict(X).reshape(u.shape)
    assert abs(image[disk(96, 0.2) > 0] - 1).max() < 0.02
    assert abs(image[disk(96, 0.4) == 0]).max() < 0.02
    assert model.score(X, u.reshape(1, -1)) > 0.95


def test_more_angles_come_closer():
    u = disk(64)
    errors = []
    for n_angles in (10, 30, 90):
        radon = RadonTransform(u.shape, np.linspace(0, 180, n_angles, endpoint=False))
        sinogram = radon @ u.reshape(-1)
        errors.append(np.linalg.norm(reconstruct(radon, sinogram) - u))
    assert errors[0] > errors[1] > errors[2]


def test_no_filter_is_back_projection():
    """At right angles, where shadows are one wide, it is the adjoint itself."""
    radon = RadonTransform((12, 12), [0, 90])
    y = np.random.default_rng(0).normal(size=radon.shape[0])
    expected = (radon.adjoint() @ y).reshape(12, 12) * np.pi / 4
    np.testing.assert_allclose(reconstruct(radon, y, None), expected, atol=1e-12)


def test_images_do_not_mix():
    radon = RadonTransform((16, 16), np.linspace(0, 170, 18))
    X = np.random.default_rng(0).normal(size=(4, radon.shape[0]))
    model = FilteredBackProjection(radon).fit(X)
    together = model.predict(X)
    one_by_one = np.concatenate([model.predict(X[i : i + 1]) for i in range(4)])
    np.testing.assert_allclose(together, one_by_one, atol=1e-13)
    np.testing.assert_allclose(
        model.predict(X[:1] + 2 * X[1:2]), together[:1] + 2 * together[1:2], atol=1e-12
    )


@pytest.mark.parametrize("n_detectors", [5, 64, 91, 363])
def test_ramp_filter(n_detectors):
    """Close to abs(f), at both ends and between, windows at most one."""
    ramp = filter_response("ramp", n_detectors)
    frequency = np.linspace(0, 0.5, len(ramp))
    assert 2 * (len(ramp) - 1) >= 2 * n_detectors
    np.testing.assert_allclose(ramp, frequency, atol=1 / (2 * len(ramp)))
    assert ramp[0] > 0
    previous = ramp
    for name in ("shepp-logan", "cosine", "hann"):
        response = filter_response(name, n_detectors)
        assert (response <= previous + 1e-15).all()
        previous = response


@pytest.mark.slow
def test_accuracy_on_a_phantom_with_noise(shared_data):
    """Geometry and noise of the runs that later methods are compared with."""
    u = shared_data("ct_coule_280")["image"].astype(np.float64)
    radon = RadonTransform(u.shape, np.linspace(0, 179, 120), n_detectors=362)
    y = radon @ u.reshape(-1)
    noise = np.random.default_rng(0).standard_normal(len(y))
    y = y + 0.02 * np.linalg.norm(y) / np.linalg.norm(noise) * noise
    assert psnr(reconstruct(radon, y), u) == pytest.approx(25.15, abs=0.5)
    assert psnr(reconstruct(radon, y, "hann"), u) > psnr(reconstruct(radon, y), u) + 1


def test_float32_stays(compiled):
    radon = RadonTransform((16, 16), np.linspace(0, 170, 18))
    X = np.random.default_rng(0).normal(size=(2, radon.shape[0]))
    exact = FilteredBackProjection(radon).fit(X).predict(X)
    narrow = FilteredBackProjection(radon).fit(X.astype(np.float32))
    images = narrow.predict(X.astype(np.float32))
    assert images.dtype == np.float32
    np.testing.assert_allclose(images, exact, atol=1e-5)


@pytest.mark.parametrize("filter", ["ramp", None])
def test_other_array_libraries(namespace, filter):
    xp, device = namespace
    radon = RadonTransform((16, 16), np.linspace(0, 170, 18))
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(2, radon.shape[0])), rng.normal(size=(2, 256))
    host = FilteredBackProjection(radon, filter=filter).fit(X, y)
    moved = [xp.asarray(array, device=device) for array in (X, y)]
    model = clone(host).fit(*moved)
    images = model.predict(moved[0])
    assert images.device == moved[0].device
    np.testing.assert_allclose(to_numpy(images), host.predict(X), atol=1e-12)
    assert model.score(*moved) == pytest.approx(host.score(X, y))


def test_without_operator_images_are_returned():
    X = np.random.default_rng(0).normal(size=(3, 16))
    model = FilteredBackProjection().fit(X, X)
    np.testing.assert_array_equal(model.predict(X), X)
    assert model.image_shape_ == (4, 4)
    assert model.score(X, X) == 1
    assert FilteredBackProjection().fit(X[:, :15]).image_shape_ == (1, 15)


def test_score_is_over_all_pixels():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(3, 16)), rng.normal(size=(3, 16))
    model = FilteredBackProjection().fit(X)
    expected = 1 - np.sum((X - y) ** 2) / np.sum((y - y.mean()) ** 2)
    assert model.score(X, y) == pytest.approx(expected)
    ones = np.ones((2, 16))
    assert model.score(ones, ones) == 1
    assert model.score(2 * ones, ones) == 0
    weight = np.array([1.0, 0.0, 2.0])
    repeated = ([0, 2, 2],)
    assert model.score(X, y, sample_weight=weight) == pytest.approx(
        model.score(X[repeated], y[repeated])
    )


def test_search_for_the_filter():
    """Noise asks for a smooth window, of which true images tell."""
    u = disk(32).reshape(1, -1)
    radon = RadonTransform((32, 32), np.linspace(0, 180, 40, endpoint=False))
    rng = np.random.default_rng(0)
    y = np.repeat(u, 4, axis=0)
    X = (radon @ y.T).T + 2.0 * rng.normal(size=(4, radon.shape[0]))
    search = GridSearchCV(
        FilteredBackProjection(radon), {"filter": ["ramp", "hann"]}, cv=KFold(2)
    ).fit(X, y)
    assert search.best_params_ == {"filter": "hann"}


def test_bad_input():
    radon = RadonTransform((4, 4), [0, 90])
    n_measurements = radon.shape[0]
    model = FilteredBackProjection(radon)
    X = np.ones((2, n_measurements))
    with pytest.raises(ValueError, match=rf"makes {n_measurements} meas.* has 7 col"):
        model.fit(np.ones((2, 7)))
    with pytest.raises(ValueError, match=r"y has 5 columns, but the images .* 16 pix"):
        model.fit(X, np.ones((2, 5)))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.fit(X, np.ones((3, 16)))
    with pytest.raises(ValueError, match="Input X contains NaN"):
        model.fit(np.where(np.arange(n_measurements) == 3, np.nan, X))
    with pytest.raises(ValueError, match="Complex data not supported"):
        model.fit(X + 1j)
    with pytest.raises(ValueError, match=r"y has shape \(2,\), but the images"):
        model.fit(X).score(X, np.ones(2))
    with pytest.raises(ValueError, match="'operator' parameter"):
        FilteredBackProjection(aslinearoperator(np.eye(4))).fit(np.ones((2, 4)))
    with pytest.raises(ValueError, match="'filter' parameter"):
        FilteredBackProjection(radon, filter="box").fit(X)


class Inverse(Reconstructor):
    """The least a reconstructor can be, for what is checked on their behalf."""

    def __init__(self, operator=None, image_shape=None):
        self.operator = operator
        self.image_shape = image_shape

    def fit(self, X, y=None):
        self._start(X, y, self.image_shape)
        return self

    def _reconstruct(self, X):
        return (self.operator_.adjoint() @ X.T).T


def test_operators_of_any_kind():
    A = np.random.default_rng(0).normal(size=(5, 12))
    X = np.ones((1, 5))
    for operator in (A, aslinearoperator(A)):
        model = Inverse(operator, image_shape=(3, 4)).fit(X)
        assert model.image_shape_ == (3, 4)
        np.testing.assert_allclose(model.predict(X), X @ A)
    assert Inverse(A).fit(X).image_shape_ == (1, 12)
    with pytest.raises(ValueError, match=r"\(5, 5\) has 25 pixels, but there are 12"):
        Inverse(A, image_shape=(5, 5)).fit(X)
    with pytest.raises(ValueError, match="operator is complex"):
        Inverse(A + 1j).fit(X)
    with pytest.raises(ValueError, match=r"\(5, 12\) makes 5 .* has 6 columns"):
        Inverse(A).fit(np.ones((1, 6)))
