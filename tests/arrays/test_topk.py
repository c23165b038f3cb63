"""Smallest entries of rows against a stable sort."""

import numpy as np
import pytest

from sklearn_manifold_reg._arrays import asarray_like, smallest_k, to_numpy


@pytest.mark.parametrize("library", ["numpy", "torch", "array_api_strict"])
@pytest.mark.parametrize("levels", [4, 10**6])
def test_ties_go_to_the_first_index(library, levels):
    D = np.random.default_rng(0).integers(0, levels, (50, 40)).astype(float)
    if library != "numpy":
        xp = pytest.importorskip(library)
        there = asarray_like(D, xp.zeros(1, dtype=xp.float64))
    else:
        there = D
    order = np.argsort(D, axis=1, kind="stable")
    for k in (1, 7, 40):
        values, indices = smallest_k(there, k)
        np.testing.assert_array_equal(to_numpy(indices), order[:, :k])
        np.testing.assert_array_equal(
            to_numpy(values), np.take_along_axis(D, order[:, :k], axis=1)
        )


def test_k_out_of_range_is_named():
    for k in (0, 4):
        with pytest.raises(ValueError, match=r"1\.\.3"):
            smallest_k(np.ones((2, 3)), k)
