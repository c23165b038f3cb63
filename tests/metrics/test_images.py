"""Scores of images: closed forms and scikit-image."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_manifold_reg.metrics import (
    peak_signal_to_noise_ratio,
    structural_similarity,
)


def pair(seed=0):
    rng = np.random.default_rng(seed)
    image = rng.random((20, 17))
    return image, image + 0.1 * rng.standard_normal(image.shape)


def test_scores_of_equal_and_shifted_images():
    image, _ = pair()
    assert peak_signal_to_noise_ratio(image, image) == np.inf
    assert_allclose(structural_similarity(image, image), 1)
    assert_allclose(peak_signal_to_noise_ratio(image, image + 0.1, data_range=1), 20)
    # A shift leaves variances alone: only the factor of the means is below one.
    c, flat = 0.01**2, np.zeros((9, 9))
    shifted = structural_similarity(flat, flat + 0.5, data_range=1)
    assert_allclose(shifted, c / (0.25 + c), rtol=1e-9)


def test_scale_does_not_matter():
    image, noisy = pair()
    for score in (peak_signal_to_noise_ratio, structural_similarity):
        assert_allclose(score(50 * image, 50 * noisy), score(image, noisy))


def test_equal_those_of_scikit_image():
    metrics = pytest.importorskip("skimage.metrics")
    image, noisy = pair()
    for window in (7, 11):
        assert_allclose(
            structural_similarity(image, noisy, data_range=1.0, window=window),
            metrics.structural_similarity(
                image, noisy, data_range=1.0, win_size=window
            ),
        )
    assert_allclose(
        peak_signal_to_noise_ratio(image, noisy, data_range=1.0),
        metrics.peak_signal_noise_ratio(image, noisy, data_range=1.0),
    )


def test_bad_images_are_refused():
    image, noisy = pair()
    with pytest.raises(ValueError, match="y_pred has shape"):
        peak_signal_to_noise_ratio(image, noisy[:-1])
    with pytest.raises(ValueError, match="must be positive"):
        peak_signal_to_noise_ratio(np.ones((8, 8)), noisy[:8, :8])
    with pytest.raises(ValueError, match="window=8 must be odd"):
        structural_similarity(image, noisy, window=8)
    with pytest.raises(ValueError, match="reshape rows of pixels"):
        structural_similarity(image.reshape(-1), noisy.reshape(-1))
    with pytest.raises(ValueError, match="NaN"):
        structural_similarity(image, np.where(noisy > 0.9, np.nan, noisy))
