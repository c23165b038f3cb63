import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from shutil import copy

import numpy as np
import pytest

from sklearn_manifold_reg.datasets import fetch_jasper_ridge, fetch_samson

FOLDER = "sklearn_manifold_reg"
FETCHERS = {"samson": fetch_samson, "jasper_ridge": fetch_jasper_ridge}


@pytest.fixture(params=FETCHERS)
def name(request):
    return request.param


@pytest.fixture
def home(name, shared_data, tmp_path):
    """Return a data home that holds the prepared file."""
    with shared_data(name) as archive:
        source = archive.zip.filename
    folder = tmp_path / FOLDER
    folder.mkdir()
    copy(source, folder)
    return tmp_path


def test_the_file_is_turned_into_reflectance(name, home, shared_data):
    scene = FETCHERS[name](data_home=home)
    raw = shared_data(name)
    # The stored whole numbers come back exactly.
    stored = scene.image * float(raw["scale"])
    np.testing.assert_array_equal(np.rint(stored), raw["image"])
    np.testing.assert_allclose(stored, raw["image"], rtol=1e-14)
    n_rows, n_columns = scene.shape
    np.testing.assert_array_equal(scene.data[n_columns + 3], scene.image[1, 3])
    assert np.shares_memory(scene.data, scene.image)
    np.testing.assert_array_equal(
        scene.abundances.reshape(n_rows, n_columns, -1), raw["abundances"]
    )
    np.testing.assert_array_equal(scene.endmembers, raw["endmembers"])
    assert scene.data.dtype == scene.abundances.dtype == np.float64


def test_the_truth_is_one_of_the_linear_mixing_model(name, home):
    scene = FETCHERS[name](data_home=home)
    A = scene.abundances
    assert A.min() >= 0
    np.testing.assert_allclose(A.sum(axis=1), 1, rtol=0, atol=2e-7)
    # Spectra of pure pixels are in the unit of the image.
    for material, pure in enumerate(scene.endmembers_pure):
        mean = scene.data[A[:, material] > 0.99].mean(axis=0)
        np.testing.assert_allclose(pure, mean, rtol=1e-5)
    assert len(scene.names) == len(scene.endmembers)

    # The maps lie on the image, and not on its transpose.
    def residual(maps):
        spectra = np.linalg.lstsq(maps, scene.data)[0]
        return np.mean((scene.data - maps @ spectra) ** 2)

    n_rows, n_columns = scene.shape
    turned = A.reshape(n_rows, n_columns, -1).swapaxes(0, 1).reshape(A.shape)
    assert residual(A) < 0.5 * residual(turned)


def test_names_belong_to_the_spectra(name, home):
    scene = FETCHERS[name](data_home=home)
    assert len(scene.wavelengths) == scene.data.shape[1]
    assert np.all(np.diff(scene.wavelengths) > 0)
    names = scene.names.tolist()
    pure = scene.endmembers_pure
    red = np.argmin(np.abs(scene.wavelengths - 670))
    infrared = np.argmin(np.abs(scene.wavelengths - 850))
    # Leaves absorb red light and reflect infrared; water is dark there.
    rise = pure[:, infrared] / pure[:, red]
    assert np.argmax(rise) == names.index("tree")
    assert np.argmin(pure[:, infrared]) == names.index("water")


def test_bands_left_out_leave_gaps(shared_data, tmp_path):
    (tmp_path / FOLDER).mkdir()
    with shared_data("jasper_ridge") as archive:
        copy(archive.zip.filename, tmp_path / FOLDER)
    scene = fetch_jasper_ridge(data_home=tmp_path)
    steps = np.diff(scene.wavelengths) / ((2500 - 380) / 223)
    np.testing.assert_allclose(steps, np.diff(scene.band_index), rtol=1e-10)
    assert scene.band_index[0] == 4
    assert scene.wavelengths[0] == pytest.approx(380 + 3 * 2120 / 223)


def test_the_description_names_source_and_terms(name, home):
    text = FETCHERS[name](data_home=home).DESCR
    for word in ("Source: ", "Terms: ", "none stated", "arXiv:1708.05125"):
        assert word in text


def test_the_data_home_is_that_of_scikit_learn(name, home, monkeypatch):
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(home))
    assert FETCHERS[name]().DESCR == FETCHERS[name](data_home=str(home)).DESCR


@pytest.mark.parametrize("download", [True, False])
def test_a_missing_file_says_where_to_put_it(name, download, tmp_path):
    place = tmp_path / FOLDER / f"{name}.npz"
    with pytest.raises(OSError, match="no public address: put the file") as caught:
        FETCHERS[name](data_home=tmp_path, download_if_missing=download)
    assert str(place) in str(caught.value)
    assert "SHA256 is " in str(caught.value)


def test_another_checksum_is_refused(name, tmp_path):
    path = tmp_path / FOLDER / f"{name}.npz"
    path.parent.mkdir()
    path.write_bytes(b"not the file")
    with pytest.raises(OSError, match=r"is damaged or another\. Remove or replace"):
        FETCHERS[name](data_home=tmp_path)
    assert path.read_bytes() == b"not the file"


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def serve():
    """Serve a folder on this machine alone."""
    servers = []

    def start(folder):
        handler = partial(QuietHandler, directory=folder)
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_missing_file_is_downloaded_once(name, home, serve, tmp_path_factory):
    pytest.importorskip("pooch")
    empty = tmp_path_factory.mktemp("home")
    url = f"{serve(home / FOLDER)}/{name}.npz"
    with pytest.raises(OSError, match="is missing"):
        FETCHERS[name](data_home=empty, download_if_missing=False, url=url)
    scene = FETCHERS[name](data_home=empty, url=url)
    copied = empty / FOLDER / f"{name}.npz"
    assert copied.read_bytes() == (home / FOLDER / copied.name).read_bytes()
    again = FETCHERS[name](data_home=empty, url="http://127.0.0.1:1/nowhere")
    np.testing.assert_array_equal(again.data, scene.data)


def test_a_download_with_another_checksum_leaves_nothing(name, serve, tmp_path):
    pytest.importorskip("pooch")
    served = tmp_path / "served"
    served.mkdir()
    (served / "file.npz").write_bytes(b"not the file")
    with pytest.raises(OSError, match=r"does not hold .* with the SHA256"):
        FETCHERS[name](data_home=tmp_path, url=f"{serve(served)}/file.npz")
    assert not list((tmp_path / FOLDER).iterdir())


def test_a_download_without_pooch_names_the_extra(name, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(ImportError, match=r"sklearn-manifold-reg\[data\]"):
        FETCHERS[name](data_home=tmp_path, url="http://127.0.0.1:1/nowhere")
