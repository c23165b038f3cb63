"""Column-wise block operations against plain NumPy, across libraries."""

import numpy as np
import pytest

from sklearn_manifold_reg._arrays import (
    asarray_like,
    column_dots,
    column_norms,
    descend,
    subtract,
    to_numpy,
    turn,
)


def blocks(n, c, dtype, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal((n, c)).astype(dtype) for _ in range(4)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 1), (7, 3), (5000, 10), (30, 700)])
def test_updates_are_numpy_s(shape, dtype):
    P, Q, X, R = blocks(*shape, dtype)
    step = np.random.default_rng(1).standard_normal(shape[1])
    tol = 1e-5 if dtype == np.float32 else 1e-13
    np.testing.assert_allclose(column_dots(P, Q), (P * Q).sum(axis=0), atol=1e2 * tol)
    want_x = X + step.astype(dtype) * P
    want_r = R - step.astype(dtype) * Q
    x, r, squares = descend(step, P, Q, X, R)
    assert x is X
    assert r is R
    np.testing.assert_allclose(x, want_x, rtol=tol, atol=tol)
    np.testing.assert_allclose(r, want_r, rtol=tol, atol=tol)
    np.testing.assert_allclose(
        squares, (want_r.astype(float) ** 2).sum(axis=0), rtol=tol
    )
    want_s = P - step.astype(dtype) * Q
    s, squares = subtract(step, Q, P.copy())
    np.testing.assert_allclose(s, want_s, rtol=tol, atol=tol)
    np.testing.assert_allclose(
        squares, (want_s.astype(float) ** 2).sum(axis=0), rtol=tol
    )
    want_p = R + step.astype(dtype) * P
    np.testing.assert_allclose(turn(R, step, P), want_p, rtol=tol, atol=tol)


@pytest.mark.parametrize("library", ["torch", "array_api_strict"])
def test_other_libraries_agree(library):
    xp = pytest.importorskip(library)
    host = blocks(50, 3, np.float64)
    there = [asarray_like(b, xp.zeros(1, dtype=xp.float64)) for b in host]
    step = np.array([0.5, -1.0, 0.0])
    np.testing.assert_allclose(column_norms(there[0]), column_norms(host[0]))
    got = descend(step, *there)
    want = descend(step, *host)
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(to_numpy(a), b, atol=1e-14)
    p = turn(got[1], step, there[0])
    np.testing.assert_allclose(to_numpy(p), turn(want[1], step, host[0]), atol=1e-14)


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
@pytest.mark.parametrize("library", ["numpy", "torch", "array_api_strict"])
def test_complex_blocks(library, dtype):
    xp = pytest.importorskip(library)
    real = blocks(60, 3, np.float64)
    Q, R = ((a + 1j * b).astype(dtype) for a, b in (real[:2], real[2:]))
    step = np.array([0.5, -1.0, 0.0])
    want = R - step.astype(dtype) * Q
    there = [
        xp.asarray(b.tolist(), dtype=getattr(xp, np.dtype(dtype).name)) for b in (Q, R)
    ]
    tol = 1e-5 if dtype == np.complex64 else 1e-13
    dots = np.real(Q.conj() * R).sum(axis=0)
    np.testing.assert_allclose(column_dots(*there), dots, atol=10 * tol)
    np.testing.assert_allclose(
        column_norms(there[0]), np.linalg.norm(Q, axis=0), rtol=tol
    )
    got, squares = subtract(step, *there)
    assert got.dtype == there[1].dtype
    np.testing.assert_allclose(to_numpy(got), want, atol=tol)
    np.testing.assert_allclose(squares, np.linalg.norm(want, axis=0) ** 2, rtol=tol)


def test_sums_do_not_depend_on_threads():
    P, Q, *_ = blocks(100_000, 5, np.float32)
    one = column_dots(P, Q, n_jobs=1)
    np.testing.assert_array_equal(one, column_dots(P, Q, n_jobs=2))
    exact = (P.astype(float) * Q).sum(axis=0)
    np.testing.assert_allclose(one, exact, rtol=1e-6, atol=1e-3)
