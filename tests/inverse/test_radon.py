"""Line integrals: exact ones, those of scikit-image, threads, geometry, bad input."""

import numpy as np
import pytest

from sklearn_manifold_reg.inverse import RadonTransform


def gaussian(shape, center, width):
    y, x = np.indices(shape)
    squared = (y - center[0]) ** 2 + (x - center[1]) ** 2
    return np.exp(-squared / (2 * width**2))


def sinogram(radon, image):
    return (radon @ image.reshape(-1)).reshape(radon.measurement_shape)


ANGLES = np.linspace(0, 360, 40, endpoint=False)


@pytest.mark.parametrize("shape", [(48, 48), (41, 56), (60, 38)])
def test_integrals_of_a_gaussian_are_exact(shape, compiled):
    width, center = 4.0, (21, 18)
    radon = RadonTransform(shape, ANGLES)
    found = sinogram(radon, gaussian(shape, center, width))
    t = np.deg2rad(ANGLES)
    shadow = np.cos(t) * (center[1] - shape[1] // 2)
    shadow = shadow - np.sin(t) * (center[0] - shape[0] // 2)
    place = np.arange(radon.measurement_shape[0]) - radon.measurement_shape[0] // 2
    gap = place[:, None] - shadow
    exact = np.sqrt(2 * np.pi) * width * np.exp(-(gap**2) / (2 * width**2))
    # Linear interpolation errs by an eighth of the second derivative at most.
    bound = 1 / (8 * width**2)
    np.testing.assert_allclose(found, exact, atol=bound * exact.max())


def test_right_angles_sum_rows_and_columns(compiled):
    u = np.random.default_rng(0).normal(size=(5, 5))
    radon = RadonTransform((5, 5), [0, 90, 180, 270, 360, -90], n_detectors=5)
    down, along = u.sum(axis=0), u.sum(axis=1)
    expected = np.stack([down, along[::-1], down[::-1], along, down, along], axis=1)
    np.testing.assert_allclose(sinogram(radon, u), expected, atol=1e-13)


def test_diagonal_rays(compiled):
    """At 45 degrees the middle ray runs through the pixels of a diagonal."""
    u = np.random.default_rng(0).normal(size=(7, 7))
    radon = RadonTransform((7, 7), [45, 135])
    middle = radon.measurement_shape[0] // 2
    expected = np.sqrt(2) * np.array([np.trace(u), np.trace(u[::-1])])
    np.testing.assert_allclose(sinogram(radon, u)[middle], expected, atol=1e-12)


def test_quarter_turns():
    """A turned image seen from a turned place looks the same."""
    u = np.random.default_rng(0).normal(size=(9, 9))
    radon = RadonTransform((9, 9), ANGLES)
    turned = RadonTransform((9, 9), ANGLES + 90)
    np.testing.assert_allclose(
        sinogram(turned, np.rot90(u, 1)), sinogram(radon, u), atol=1e-12
    )


def test_few_detectors_are_the_middle_of_many(compiled):
    u = np.random.default_rng(0).normal(size=(10, 8))
    many = sinogram(RadonTransform(u.shape, ANGLES, n_detectors=31), u)
    for n_detectors in (1, 4, 9):
        few = RadonTransform(u.shape, ANGLES, n_detectors=n_detectors)
        first = 31 // 2 - n_detectors // 2
        np.testing.assert_allclose(
            sinogram(few, u), many[first : first + n_detectors], atol=1e-12
        )
    assert not many[[0, -1]].any()


def test_default_detectors_see_everything():
    for shape in ((20, 20), (21, 21), (20, 33), (1, 4)):
        radon = RadonTransform(shape, ANGLES)
        wide = RadonTransform(shape, ANGLES, n_detectors=radon.shape[1] + 99)
        ones = np.ones(radon.shape[1])
        # The corner farthest from the center may cast a part of its shadow beyond.
        seen = np.sum(radon @ ones) / np.sum(wide @ ones)
        assert 0.999 < seen <= 1 + 1e-12


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_threads_do_not_change_a_bit(dtype):
    rng = np.random.default_rng(0)
    u = rng.normal(size=(64 * 64, 2)).astype(dtype)
    angles = np.linspace(0, 180, 61)
    y = rng.normal(size=(91 * 61, 2)).astype(dtype)
    products = [
        (radon @ u, radon.adjoint() @ y)
        for radon in (
            RadonTransform((64, 64), angles, n_jobs=n_jobs) for n_jobs in (1, 2, 3)
        )
    ]
    for ahead, back in products[1:]:
        np.testing.assert_array_equal(ahead, products[0][0])
        np.testing.assert_array_equal(back, products[0][1])


@pytest.mark.parametrize("shape", [(64, 64), (63, 63), (50, 64), (64, 41)])
def test_geometry_of_scikit_image(shape):
    transform = pytest.importorskip("skimage.transform")
    u = gaussian(shape, (22, 30), 5.0) + 0.5 * gaussian(shape, (35, 15), 4.0)
    angles = np.linspace(0, 180, 30, endpoint=False)
    theirs = transform.radon(u, theta=angles, circle=False)
    ours = sinogram(RadonTransform(shape, angles), u)
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, atol=0.005 * theirs.max())


@pytest.mark.parametrize("side", [64, 63])
def test_as_many_detectors_as_pixels_see_the_circle(side):
    transform = pytest.importorskip("skimage.transform")
    u = gaussian((side, side), (25, 35), 4.0)
    y, x = np.indices(u.shape) - side // 2
    u[x**2 + y**2 >= (side // 2) ** 2] = 0
    angles = np.linspace(0, 180, 30, endpoint=False)
    theirs = transform.radon(u, theta=angles, circle=True)
    ours = sinogram(RadonTransform(u.shape, angles, n_detectors=side), u)
    np.testing.assert_allclose(ours, theirs, atol=0.01 * theirs.max())


def test_read_only_and_strided_blocks():
    rng = np.random.default_rng(0)
    u = np.asfortranarray(rng.normal(size=(144, 6)))
    u.flags.writeable = False
    radon = RadonTransform((12, 12), ANGLES)
    expected = radon.to_csr().to_scipy() @ u[:, ::2]
    np.testing.assert_allclose(radon @ u[:, ::2], expected, atol=1e-12)


@pytest.mark.parametrize(
    ("angles", "message"),
    [
        ([], r"at least one angle in degrees, got shape \(0,\)"),
        (30.0, "must be a vector"),
        ([[0.0, 1.0]], "must be a vector"),
        ([0.0, np.nan], "angles must be finite, got nan at 1"),
        ([np.inf, 0.0], "angles must be finite, got inf at 0"),
        (["a"], "must be real numbers in degrees"),
        ([1j], "must be real numbers in degrees, got complex128"),
    ],
)
def test_bad_angles(angles, message):
    with pytest.raises(ValueError, match=message):
        RadonTransform((4, 4), angles)


def test_no_threads():
    with pytest.raises(ValueError, match="n_jobs=0 has no meaning"):
        RadonTransform((4, 4), [0], n_jobs=0)


@pytest.mark.parametrize("n_detectors", [0, -3, 2.5])
def test_bad_detectors(n_detectors):
    with pytest.raises(ValueError, match="n_detectors must be a positive integer"):
        RadonTransform((4, 4), [0], n_detectors=n_detectors)
