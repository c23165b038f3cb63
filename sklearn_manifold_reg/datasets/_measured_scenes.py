"""Measured hyperspectral scenes with estimates of their abundances."""

import hashlib
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.datasets import get_data_home
from sklearn.utils import Bunch

from sklearn_manifold_reg.utils._optional import import_optional
from sklearn_manifold_reg.utils._sklearn import validate_params

_FOLDER = "sklearn_manifold_reg"


class _Scene(NamedTuple):
    """A prepared file, and what it does not say itself."""

    filename: str
    checksum: str
    # Nanometers of the first and last of evenly spaced bands, and their number.
    bands: tuple[float, float, int]
    description: str


_TRUTH = """\
Abundances and endmembers are those of F. Zhu, "Hyperspectral Unmixing: Ground Truth
Labeling, Datasets, Benchmark Performances and Survey", 2017, arXiv:1708.05125: an
estimate by experts, not a measurement on the ground.
"""

_SAMSON = _Scene(
    filename="samson.npz",
    checksum="e76f8ce7c8bfe688831f2681e59c8d3cfada4d6f49d5b6a15e7e469a3fd6ffd6",
    bands=(401.0, 889.0, 156),
    description=f"""\
Samson scene
============

95 x 95 pixels, 156 bands from 401 to 889 nm, three materials: rock, tree and water.

{_TRUTH}
Each of the endmembers is scaled to maximum 1: compare their shapes, not their sizes.
`endmembers_pure` are mean spectra of the pixels whose abundance exceeds 0.99, as
reflectance. The source names the range of the wavelengths; they are taken to be even.

Source: image from the repository ricardoborsoi/MUA_SparseUnmixing, truth from
maxkochanoff/Hyperspectral-Images-Unmixing, both on GitHub.
Preparation: pixels from column-major order to rows; reflectance kept exactly as whole
numbers and their scale, 1402.
Terms: none stated at the source. Cite it, and do not ship the data.
""",
)

_JASPER_RIDGE = _Scene(
    filename="jasper_ridge.npz",
    checksum="2c6a96fe3054ea4287ddd2576d8495f3a5a3f6bc115c960b7cafe9aae3717dd6",
    bands=(380.0, 2500.0, 224),
    description=f"""\
Jasper Ridge scene
==================

100 x 100 pixels, 198 of the 224 bands of AVIRIS from 380 to 2500 nm, four materials:
tree, water, dirt and road.

{_TRUTH}
`endmembers_pure` are mean spectra of the pixels whose abundance exceeds 0.99, as
reflectance. `band_index` numbers the bands from 1. The source names the range of the
wavelengths; the 224 bands are taken to be even.

Source: repository shuaikaishi/PGMSU on GitHub.
Preparation: pixels from column-major order to rows; reflectance is kept as whole
numbers and their scale, 5000.
Terms: GPL-3 for the code of the repository, none stated for the data. Cite the source,
and do not ship the data.
""",
)

_CONSTRAINTS = {
    "data_home": [str, PathLike, None],
    "download_if_missing": ["boolean"],
    "url": [str, None],
}


@validate_params(_CONSTRAINTS, prefer_skip_nested_validation=True)
def fetch_samson(*, data_home=None, download_if_missing=True, url=None):
    """Load the Samson scene: rock, trees and water in 156 bands.

    =================   =================
    Pixels              95 x 95
    Bands               156
    Materials           3
    Values              reflectance, real, between 0 and 1
    =================   =================

    Parameters
    ----------
    data_home : str or path-like, default=None
        Folder of data sets; None takes scikit-learn's,
        :func:`sklearn.datasets.get_data_home`. The file lies in it as
        `sklearn_manifold_reg/samson.npz`.
    download_if_missing : bool, default=True
        Whether a missing file is downloaded from `url`.
    url : str, default=None
        Address that holds the prepared file. The file has no public one so far: with
        None it must lie in `data_home` already.

    Returns
    -------
    scene : :class:`~sklearn.utils.Bunch`
        Dictionary-like, with

        image : ndarray of shape (95, 95, 156)
            Reflectance, a view of `data`.
        data : ndarray of shape (9025, 156)
            Pixels, row by row.
        abundances : ndarray of shape (9025, 3)
            Shares of the materials, an expert's estimate; rows have sum 1 to float32.
        endmembers : ndarray of shape (3, 156)
            Spectra of the materials, each scaled to maximum 1.
        endmembers_pure : ndarray of shape (3, 156)
            Mean reflectance of the pixels with abundance above 0.99.
        names : ndarray of shape (3,)
            Names of the materials.
        shape : tuple of two int
            Rows and columns of the image.
        wavelengths : ndarray of shape (156,)
            Nanometers, taken to be even from 401 to 889.
        DESCR : str
            Source, preparation and terms.

    Raises
    ------
    OSError
        If the file is missing and cannot be downloaded, or has another checksum.
    ImportError
        If a file is to be downloaded and pooch, the extra `data`, is not installed.

    See Also
    --------
    fetch_jasper_ridge : A scene of four materials.
    make_mixed_scene : A made scene, whose truth is exact.

    Examples
    --------
    >>> from sklearn_manifold_reg.datasets import fetch_samson
    >>> scene = fetch_samson()  # doctest: +SKIP
    >>> scene.image.shape  # doctest: +SKIP
    (95, 95, 156)
    """
    scene, _ = _load(_SAMSON, data_home, download_if_missing, url)
    return scene


@validate_params(_CONSTRAINTS, prefer_skip_nested_validation=True)
def fetch_jasper_ridge(*, data_home=None, download_if_missing=True, url=None):
    """Load the Jasper Ridge scene: trees, water, dirt and road in 198 bands.

    =================   =================
    Pixels              100 x 100
    Bands               198
    Materials           4
    Values              reflectance, real, between 0 and 1.09
    =================   =================

    Parameters
    ----------
    data_home : str or path-like, default=None
        Folder of data sets; None takes scikit-learn's,
        :func:`sklearn.datasets.get_data_home`. The file lies in it as
        `sklearn_manifold_reg/jasper_ridge.npz`.
    download_if_missing : bool, default=True
        Whether a missing file is downloaded from `url`.
    url : str, default=None
        Address that holds the prepared file. The file has no public one so far: with
        None it must lie in `data_home` already.

    Returns
    -------
    scene : :class:`~sklearn.utils.Bunch`
        Dictionary-like, with

        image : ndarray of shape (100, 100, 198)
            Reflectance, a view of `data`.
        data : ndarray of shape (10000, 198)
            Pixels, row by row.
        abundances : ndarray of shape (10000, 4)
            Shares of the materials, an expert's estimate; rows have sum 1 to float32.
        endmembers : ndarray of shape (4, 198)
            Spectra of the materials.
        endmembers_pure : ndarray of shape (4, 198)
            Mean reflectance of the pixels with abundance above 0.99.
        names : ndarray of shape (4,)
            Names of the materials.
        shape : tuple of two int
            Rows and columns of the image.
        band_index : ndarray of shape (198,)
            Numbers of the bands among the 224 of AVIRIS, from 1.
        wavelengths : ndarray of shape (198,)
            Nanometers, the 224 bands being taken to be even from 380 to 2500.
        DESCR : str
            Source, preparation and terms.

    Raises
    ------
    OSError
        If the file is missing and cannot be downloaded, or has another checksum.
    ImportError
        If a file is to be downloaded and pooch, the extra `data`, is not installed.

    See Also
    --------
    fetch_samson : A scene of three materials.
    make_mixed_scene : A made scene, whose truth is exact.

    Examples
    --------
    >>> from sklearn_manifold_reg.datasets import fetch_jasper_ridge
    >>> scene = fetch_jasper_ridge()  # doctest: +SKIP
    >>> scene.image.shape  # doctest: +SKIP
    (100, 100, 198)
    """
    scene, arrays = _load(_JASPER_RIDGE, data_home, download_if_missing, url)
    scene.band_index = arrays["band_index"].astype(np.int64)
    scene.wavelengths = scene.wavelengths[scene.band_index - 1]
    return scene


def _load(
    scene: _Scene,
    data_home: str | PathLike | None,
    download_if_missing: bool,
    url: str | None,
) -> tuple[Bunch, dict[str, np.ndarray]]:
    path = _find(scene, data_home, url if download_if_missing else None)
    with np.load(path, allow_pickle=False) as archive:
        arrays = dict(archive)
    image = arrays["image"] / float(arrays["scale"])
    n_rows, n_columns, n_bands = image.shape
    abundances = arrays["abundances"].reshape(n_rows * n_columns, -1)
    bunch = Bunch(
        image=image,
        data=image.reshape(-1, n_bands),
        abundances=abundances.astype(np.float64),
        endmembers=arrays["endmembers"],
        endmembers_pure=arrays["endmembers_pure"].astype(np.float64),
        names=arrays["names"],
        shape=(n_rows, n_columns),
        wavelengths=np.linspace(*scene.bands),
        DESCR=scene.description,
    )
    return bunch, arrays


def _find(scene: _Scene, data_home: str | PathLike | None, url: str | None) -> Path:
    """Return the place of the file, whose bytes are those that are known."""
    path = Path(get_data_home(data_home)) / _FOLDER / scene.filename
    if not path.exists():
        if url is None:
            raise OSError(
                f"{path} is missing. It has no public address: put the file there, or "
                "give an address that holds it by url, with download_if_missing=True. "
                f"Its SHA256 is {scene.checksum}."
            )
        return _download(scene, path, url)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != scene.checksum:
        raise OSError(
            f"{path} has the SHA256 {found}, but {scene.checksum} is expected: the "
            "file is damaged or another. Remove or replace it."
        )
    return path


def _download(scene: _Scene, path: Path, url: str) -> Path:
    pooch = import_optional("pooch", extra="data", purpose=f"Loading {url}")
    try:
        # Pooch removes what it has downloaded where the checksum is another.
        pooch.retrieve(
            url,
            known_hash=f"sha256:{scene.checksum}",
            fname=path.name,
            path=path.parent,
        )
    except ValueError as error:
        raise OSError(
            f"{url} does not hold {path.name} with the SHA256 {scene.checksum}."
        ) from error
    return path
