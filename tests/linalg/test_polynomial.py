"""Functions of operators by Chebyshev polynomials."""

import numpy as np
import pytest
from scipy import linalg, sparse

from sklearn_manifold_reg.linalg import as_operator, chebyshev_operator

n = 40
PATH = sparse.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(n, n)).tocsr()
B = np.random.default_rng(0).normal(size=(n, 3))


@pytest.mark.parametrize(
    "function",
    [lambda x: (1 + 3 * x) ** 1.5, lambda x: np.exp(-2 * x), lambda x: 1 + x**3],
    ids=["fractional", "heat", "cubic"],
)
def test_against_eigenvectors(function):
    operator = chebyshev_operator(as_operator(PATH), function, upper=4.0)
    values, vectors = linalg.eigh(PATH.toarray())
    expected = vectors @ (function(values)[:, None] * (vectors.T @ B))
    np.testing.assert_allclose(operator @ B, expected, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(operator @ B[:, 0], expected[:, 0], atol=1e-10)


def test_polynomials_are_exact_at_their_degree():
    operator = chebyshev_operator(as_operator(PATH), lambda x: x**3, upper=4.0)
    assert len(operator.coefficients) == 4


def test_it_is_symmetric():
    operator = chebyshev_operator(as_operator(PATH), np.exp, upper=4.0)
    x, y = B[:, 0], B[:, 1]
    assert operator.adjoint() is operator
    assert (operator @ x) @ y == pytest.approx(x @ (operator @ y))


def test_rough_functions_are_refused():
    with pytest.raises(ValueError, match=r"too rough on \[0, 4\]"):
        chebyshev_operator(as_operator(PATH), lambda x: np.sign(x - 1), upper=4.0)


def test_device_arrays(namespace):
    xp, device = namespace
    options = {"dtype": xp.float64, "device": device}
    A = as_operator(xp.asarray(PATH.toarray().tolist(), **options))
    operator = chebyshev_operator(A, np.exp, upper=4.0)
    got = operator @ xp.asarray(B.tolist(), **options)
    values = [[float(v) for v in got[i, :]] for i in range(n)]
    np.testing.assert_allclose(values, linalg.expm(PATH.toarray()) @ B, rtol=1e-9)
