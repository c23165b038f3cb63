"""Panels of truth, data, reconstructions and errors."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_manifold_reg.inverse import (
    FilteredBackProjection,
    RadonTransform,
    TikhonovReconstructor,
)
from sklearn_manifold_reg.metrics import peak_signal_to_noise_ratio
from sklearn_manifold_reg.plotting import ReconstructionDisplay

plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def scan():
    truth = np.zeros((16, 16))
    truth[4:10, 5:12] = 1.0
    radon = RadonTransform((16, 16), np.arange(0, 180, 10))
    return truth, radon, radon @ truth.reshape(-1)


def test_panels_hold_images_and_errors():
    truth, radon, y = scan()
    models = {
        "back-projection": FilteredBackProjection(radon).fit(y[None]),
        "Tikhonov": TikhonovReconstructor(radon, alpha=1.0).fit(y[None]),
    }
    display = ReconstructionDisplay.from_estimators(models, y, truth=truth.ravel())
    assert list(display.images_) == ["truth", "data", *models]
    assert_allclose(display.images_["data"].get_array(), y.reshape(-1, 18))
    for name, model in models.items():
        image = model.predict(y[None]).reshape(16, 16)
        assert_allclose(display.images_[name].get_array(), image)
        assert_allclose(display.errors_[name].get_array(), image - truth)
        ratio = peak_signal_to_noise_ratio(truth, image)
        title = display.images_[name].axes.get_title()
        assert name in title
        assert f"{ratio:.1f} dB" in title
    limits = {display.images_[name].get_clim() for name in ("truth", *models)}
    assert len(limits) == 1


def test_without_truth_there_are_no_errors():
    _, radon, y = scan()
    model = TikhonovReconstructor(radon, alpha=1.0).fit(y[None])
    display = ReconstructionDisplay.from_estimator(model, y, colorbar=False)
    assert display.errors_ == {}
    assert display.axes_.shape == (1, 2)
    assert display.colorbar_ is None
    with pytest.raises(ValueError, match="error=True needs truth"):
        display.plot(error=True)


def test_shapes_are_checked():
    truth, _, _ = scan()
    with pytest.raises(ValueError, match="one shape"):
        ReconstructionDisplay.from_images({"a": truth, "b": truth[:-1]})
    with pytest.raises(ValueError, match="truth has 9 pixels"):
        ReconstructionDisplay.from_images({"a": truth}, truth=np.zeros(9))
    _, axes = plt.subplots(1, 3)
    with pytest.raises(ValueError, match="axes must have shape"):
        ReconstructionDisplay.from_images({"a": truth}, axes=axes)
