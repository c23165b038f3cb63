"""Functions of operators and their traces, against dense decompositions."""

import numpy as np
import pytest
from scipy import linalg, sparse
from sklearn.exceptions import ConvergenceWarning

from sklearn_manifold_reg._arrays import asarray_like, to_numpy
from sklearn_manifold_reg.graph import laplacian
from sklearn_manifold_reg.linalg import (
    NullSpace,
    Power,
    apply_chebyshev,
    apply_function,
    as_operator,
    chebyshev_coefficients,
    jackson_damping,
    log_pseudo_determinant,
    spectral_interval,
    trace_function,
)

n = 60
RNG = np.random.default_rng(0)
PATH = sparse.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(n, n)).tocsr()
B = RNG.normal(size=(n, 3))
HERMITIAN = RNG.normal(size=(n, n)) + 1j * RNG.normal(size=(n, n))
HERMITIAN = (HERMITIAN + HERMITIAN.conj().T) / n
FUNCTIONS = [lambda x: np.exp(-3 * x), np.sin, lambda x: 1 / (1 + x), lambda x: x**5]


def dense(A, function, B):
    values, vectors = linalg.eigh(A.toarray() if sparse.issparse(A) else A)
    return vectors @ (function(values)[:, None] * (vectors.conj().T @ B))


def clusters(n_nodes=400, seed=0):
    """Random weights around three pieces that do not touch."""
    rng = np.random.default_rng(seed)
    parts = []
    for size in (n_nodes // 2, n_nodes // 4, n_nodes - n_nodes // 2 - n_nodes // 4):
        W = sparse.random_array((size, size), density=8 / size, rng=rng)
        ring = sparse.eye_array(size, k=1) + sparse.eye_array(size, k=1 - size)
        parts.append(W + W.T + ring + ring.T)
    W = sparse.csr_array(sparse.block_diag(parts))
    W.setdiag(0)
    W.eliminate_zeros()
    return W


class TestApplyChebyshev:
    @pytest.mark.parametrize("degree", [0, 1, 2, 3, 4, 7, 8, 9, 30])
    def test_polynomials_are_exact(self, degree, compiled):
        rng = np.random.default_rng(degree)
        power = rng.normal(size=(4, degree + 1)) / 4.0 ** np.arange(degree + 1)
        bank = chebyshev_coefficients(
            [np.polynomial.Polynomial(row) for row in power], 4.0, degree=degree
        )
        got = apply_chebyshev(PATH, B, bank, 4.0)
        for product, row in zip(got, power, strict=True):
            expected = dense(PATH, np.polynomial.Polynomial(row), B)
            np.testing.assert_allclose(product, expected, atol=1e-12)

    @pytest.mark.parametrize(
        "form",
        [sparse.csr_array, lambda A: A.toarray(), sparse.linalg.aslinearoperator],
        ids=["sparse", "dense", "products only"],
    )
    def test_banks_are_their_filters_one_by_one(self, form):
        bank = chebyshev_coefficients(FUNCTIONS, 4.0)
        got = apply_chebyshev(form(PATH), B, bank, 4.0)
        for product, row, function in zip(got, bank, FUNCTIONS, strict=True):
            np.testing.assert_allclose(product, dense(PATH, function, B), atol=1e-8)
            single = apply_chebyshev(PATH, B[:, 0], row, 4.0)
            np.testing.assert_allclose(single, product[:, 0], atol=1e-10)

    def test_intervals_from_below_zero(self):
        A = PATH - 3 * sparse.eye_array(n)
        coefficients = chebyshev_coefficients(np.exp, 1.0, lower=-3.0)
        got = apply_chebyshev(A, B, coefficients, 1.0, lower=-3.0)
        np.testing.assert_allclose(got, dense(A, np.exp, B), atol=1e-11)

    def test_renumbering_changes_nothing(self):
        # Long edges and wide rows, for which the nodes are renumbered.
        size = 4000
        shuffle = np.random.default_rng(1).permutation(size)
        offsets = [-2, -1, 1, 2]
        ring = sparse.diags_array([1.0] * 4, offsets=offsets, shape=(size, size))
        W = sparse.csr_array(ring)[shuffle][:, shuffle]
        L = laplacian(W)
        block = np.random.default_rng(2).normal(size=(size, 40))
        bank = chebyshev_coefficients([lambda x: np.exp(-20 * x)] * 2, 2.0, degree=40)
        got = apply_chebyshev(L, block, bank, 2.0)
        expected = apply_chebyshev(
            sparse.linalg.aslinearoperator(L.to_csr().to_scipy()), block, bank[0], 2.0
        )
        np.testing.assert_allclose(got[0], expected, atol=1e-12)
        np.testing.assert_array_equal(got[0], got[1])

    def test_float32_stays_and_integers_become_floats(self):
        bank = chebyshev_coefficients(FUNCTIONS[:2], 4.0, tol=1e-7)
        narrow = apply_chebyshev(PATH.astype(np.float32), B.astype("f"), bank, 4.0)
        assert narrow.dtype == np.float32
        expected = dense(PATH, FUNCTIONS[0], B)
        np.testing.assert_allclose(narrow[0], expected, atol=1e-5)
        mixed = apply_chebyshev(PATH.astype(np.float32), B, bank, 4.0)
        assert mixed.dtype == np.float64
        np.testing.assert_allclose(mixed[0], expected, atol=1e-6)
        whole = apply_chebyshev(PATH, np.eye(n, dtype=int), bank[0], 4.0)
        np.testing.assert_allclose(
            whole, dense(PATH, FUNCTIONS[0], np.eye(n)), atol=1e-6
        )

    def test_complex_hermitian(self):
        low, high = spectral_interval(HERMITIAN)
        coefficients = chebyshev_coefficients(np.exp, high, lower=low)
        got = apply_chebyshev(HERMITIAN, B, coefficients, high, lower=low)
        np.testing.assert_allclose(got, dense(HERMITIAN, np.exp, B), atol=1e-11)
        sparse_form = apply_chebyshev(
            sparse.csr_array(HERMITIAN), B, coefficients, high, lower=low
        )
        np.testing.assert_allclose(sparse_form, got, atol=1e-12)

    def test_device_arrays(self, namespace):
        xp, device = namespace
        reference = xp.zeros(1, dtype=xp.float64, device=device)
        bank = chebyshev_coefficients(FUNCTIONS[:3], 4.0)
        expected = apply_chebyshev(PATH, B, bank, 4.0)
        got = apply_chebyshev(
            asarray_like(PATH.toarray(), reference),
            asarray_like(B, reference),
            bank,
            4.0,
        )
        np.testing.assert_allclose(to_numpy(got), expected, atol=1e-12)

    def test_jackson_keeps_steps_within_their_bounds(self):
        def step(x):
            return (x < 1).astype(float)

        plain, damped = (
            apply_chebyshev(
                np.diag(np.linspace(0, 4, 301)),
                np.ones(301),
                chebyshev_coefficients(step, 4.0, degree=60, damping=damping),
                4.0,
            )
            for damping in (None, "jackson")
        )
        assert plain.max() > 1.05
        assert damped.max() <= 1 + 1e-3
        assert damped.min() >= -1e-3

    def test_jackson_factors_are_those_of_the_kernel(self):
        # The kernel of degree N at 0 has the coefficients of a squared polynomial:
        # it is non-negative, and its second moment is cos(pi / (N + 2)).
        damping = jackson_damping(20)
        angle = np.linspace(0, np.pi, 500)
        kernel = 1 + 2 * damping[1:] @ np.cos(np.outer(np.arange(1, 21), angle))
        assert kernel.min() > -1e-12
        assert damping[0] == pytest.approx(1)
        assert damping[1] == pytest.approx(np.cos(np.pi / 22))

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ((PATH[:5], B, [1.0], 4.0), "must be square"),
            ((PATH, B[:5], [1.0], 4.0), r"`B` must have shape \(60,\)"),
            ((PATH, B, [1.0], 0.0), "upper=0.0 must be larger"),
            ((PATH, B, [], 4.0), "coefficients must have shape"),
        ],
    )
    def test_invalid_input(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            apply_chebyshev(*arguments)


class TestChebyshevCoefficients:
    def test_constants_and_zero(self):
        np.testing.assert_allclose(chebyshev_coefficients(lambda x: 3.0, 2.0), [3])
        np.testing.assert_allclose(chebyshev_coefficients(lambda x: 0 * x, 2.0), [0])

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"upper": -1.0}, "upper=-1.0 must be larger than lower"),
            ({"upper": 1.0, "damping": "fejer"}, "damping must be 'jackson' or None"),
            ({"upper": 1.0, "degree": -1}, "degree must not be negative"),
            ({"upper": 1.0, "lower": -1.0, "degree": 5}, "not finite at -"),
        ],
    )
    def test_invalid_input(self, options, message):
        with np.errstate(all="ignore"), pytest.raises(ValueError, match=message):
            chebyshev_coefficients(np.log, **options)


class TestSpectralInterval:
    @pytest.mark.parametrize(
        "A",
        [
            PATH,
            PATH - 2.5 * sparse.eye_array(n),
            HERMITIAN,
            np.diag([-5.0, *np.zeros(200), 1e-3]),
            laplacian(clusters(), normalization=None).to_csr().to_scipy(),
        ],
        ids=["path", "indefinite", "hermitian", "outlier", "laplacian"],
    )
    def test_it_holds_the_spectrum_closely(self, A):
        values = np.linalg.eigvalsh(A.toarray() if sparse.issparse(A) else A)
        low, high = spectral_interval(A)
        width = values[-1] - values[0]
        assert low <= values[0]
        assert values[-1] <= high
        assert high - low <= 1.15 * width

    @pytest.mark.parametrize("value", [0.0, 2.0])
    def test_multiples_of_the_identity(self, value):
        low, high = spectral_interval(value * np.eye(5))
        assert low < value < high
        assert high - low < 1e-9

    def test_asymmetry_is_refused(self):
        with pytest.raises(ValueError, match="not symmetric"):
            spectral_interval(np.triu(np.ones((4, 4))))


class TestApplyFunction:
    @pytest.mark.parametrize("function", [*FUNCTIONS, lambda x: np.sqrt(x)])
    @pytest.mark.parametrize("form", [sparse.csr_array, lambda A: A.toarray()])
    def test_against_eigenvectors(self, function, form, compiled):
        result = apply_function(form(PATH), function, B, tol=1e-10)
        expected = dense(PATH, function, B)
        error = np.linalg.norm(result.x - expected, axis=0)
        assert result.converged
        assert np.all(error <= 1e-10 * np.linalg.norm(expected, axis=0))
        single = apply_function(form(PATH), function, B[:, 1], tol=1e-10)
        np.testing.assert_allclose(single.x, expected[:, 1], atol=1e-9)

    @pytest.mark.parametrize("tol", [1e-3, 1e-6, 1e-9])
    def test_the_estimate_bounds_the_error(self, tol):
        L = laplacian(clusters(600), normalization=None)
        block = np.random.default_rng(3).normal(size=(600, 4))
        for function in FUNCTIONS[:3]:
            result = apply_function(L, function, block, tol=tol)
            expected = dense(L.to_csr().to_scipy(), function, block)
            error = np.linalg.norm(result.x - expected, axis=0)
            error /= np.linalg.norm(expected, axis=0)
            assert np.all(result.error_estimate <= tol)
            assert np.all(error <= result.error_estimate + 1e-13)

    def test_columns_of_few_eigenvectors_end_early(self):
        _, vectors = linalg.eigh(PATH.toarray())
        block = vectors[:, [0, 3]]
        block = np.column_stack([block[:, 0], block.sum(axis=1), np.zeros(n)])
        result = apply_function(PATH, np.exp, block)
        # Rounding hides the end of a Krylov space, but nothing changes after it.
        assert np.all(result.n_iter <= 8)
        assert result.n_iter[2] == 0
        np.testing.assert_allclose(result.x, dense(PATH, np.exp, block), atol=1e-12)

    def test_powers_of_a_pseudo_inverse(self):
        W = clusters()
        for normalization in (None, "symmetric"):
            L = laplacian(W, normalization=normalization)
            space = L.null_space()
            block = np.random.default_rng(4).normal(size=(W.shape[0], 2))
            root = apply_function(
                L, lambda x: x**-0.5, block, null_space=space, tol=1e-12
            )
            twice = apply_function(
                L, lambda x: x**-0.5, root.x, null_space=space, tol=1e-12
            )
            A = L.to_csr().to_scipy().toarray()
            inverse = np.linalg.pinv(A, rcond=1e-10, hermitian=True)
            np.testing.assert_allclose(twice.x, inverse @ block, atol=1e-8)
            inside = block - space.project(block)
            silent = apply_function(L, lambda x: x**-0.5, inside, null_space=space)
            np.testing.assert_array_equal(silent.x, 0)

    def test_complex_hermitian_and_float32(self):
        result = apply_function(HERMITIAN, np.exp, B)
        np.testing.assert_allclose(result.x, dense(HERMITIAN, np.exp, B), atol=1e-9)
        narrow = apply_function(PATH.astype(np.float32), np.exp, B.astype("f"))
        assert narrow.x.dtype == np.float32
        np.testing.assert_allclose(
            narrow.x, dense(PATH, np.exp, B), atol=1e-4 * np.exp(4)
        )

    def test_device_arrays(self, namespace):
        xp, device = namespace
        reference = xp.zeros(1, dtype=xp.float64, device=device)
        result = apply_function(
            asarray_like(PATH.toarray(), reference),
            np.exp,
            asarray_like(B, reference),
        )
        np.testing.assert_allclose(
            to_numpy(result.x), dense(PATH, np.exp, B), atol=1e-6
        )

    def test_single_node(self):
        result = apply_function(np.array([[3.0]]), np.exp, np.ones(1))
        np.testing.assert_allclose(result.x, [np.exp(3)])

    def test_too_few_steps_are_told(self):
        with pytest.warns(ConvergenceWarning, match="Lanczos stopped after 6 steps"):
            result = apply_function(PATH, lambda x: x**0.1, B, max_iter=6)
        assert not result.converged

    @pytest.mark.parametrize(
        ("A", "function", "block", "message"),
        [
            (np.triu(np.ones((n, n))), np.exp, B, "not symmetric"),
            (PATH, np.exp, B[:4], "`B` must have shape"),
            (PATH, np.exp, B * np.nan, "`B` contains NaN"),
            (PATH * np.nan, np.exp, B, "`operator` contains NaN"),
            (np.zeros((n, n)), np.log, B, "not finite at 0, a Ritz value"),
        ],
    )
    @pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
    def test_invalid_input(self, A, function, block, message):
        with pytest.raises(ValueError, match=message):
            apply_function(A, function, block)


METHODS = ["slq", "hutchinson", "hutch++"]


class TestTraceFunction:
    @pytest.mark.parametrize("method", METHODS)
    def test_as_many_probes_as_rows_leave_nothing_random(self, method):
        result = trace_function(PATH, np.exp, method=method, n_probes=n)
        values = np.linalg.eigvalsh(PATH.toarray())
        assert result.estimate == pytest.approx(np.exp(values).sum(), rel=1e-10)
        assert result.standard_error == 0
        assert result.truncation < 1e-8

    @pytest.mark.statistical
    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128])
    def test_unbiased(self, method, dtype):
        A = HERMITIAN
        if dtype != np.complex128:
            A = laplacian(clusters(), normalization=None).to_csr().to_scipy()
            A = A.astype(dtype)
        values = np.linalg.eigvalsh(A.toarray() if sparse.issparse(A) else A)
        exact = np.exp(-2 * values.astype(float)).sum()
        results = [
            trace_function(
                A, lambda x: np.exp(-2 * x), method=method, n_probes=24, random_state=s
            )
            for s in range(20)
        ]
        estimates = np.array([r.estimate for r in results])
        errors = np.array([r.standard_error for r in results])
        pooled = np.sqrt(np.sum(errors**2)) / len(errors)
        assert abs(estimates.mean() - exact) <= 4 * pooled + 1e-5 * exact
        # The errors reported are those seen.
        assert 0.5 < estimates.std(ddof=1) / np.sqrt(np.mean(errors**2)) < 2

    @pytest.mark.statistical
    def test_a_subspace_takes_the_error_out_of_decaying_functions(self):
        values = np.concatenate([np.linspace(0, 0.05, 8), np.linspace(5, 6, 392)])
        Q = np.linalg.qr(np.random.default_rng(0).normal(size=(400, 400)))[0]
        A = (Q * values) @ Q.T
        results = {
            method: trace_function(
                (A + A.T) / 2, lambda x: np.exp(-2 * x), method=method, n_probes=36
            )
            for method in ("slq", "hutch++")
        }
        exact = np.exp(-2 * values).sum()
        assert results["hutch++"].standard_error < results["slq"].standard_error / 50
        assert abs(results["hutch++"].estimate - exact) < 1e-3

    def test_the_null_space_is_left_out(self):
        L = laplacian(clusters(200))
        values = np.linalg.eigvalsh(L.to_csr().to_scipy().toarray())[3:]
        options = {"null_space": L.null_space(), "n_probes": 200, "n_steps": 100}
        for method in METHODS[:2]:
            heat = trace_function(L, lambda x: np.exp(-x), method=method, **options)
            assert heat.estimate == pytest.approx(np.exp(-values).sum(), rel=1e-9)
        inverse = trace_function(L, lambda x: 1 / x, **options)
        assert inverse.estimate == pytest.approx(np.sum(1 / values), rel=1e-8)
        with pytest.raises(ValueError, match="not finite at"):
            trace_function(L, lambda x: np.where(x > 1e-10, 1 / x, np.inf))

    def test_nodes_without_edges_add_nothing(self):
        W = sparse.block_diag([clusters(60), np.zeros((3, 3))])
        L = laplacian(W)
        values = np.linalg.eigvalsh(L.to_csr().to_scipy().toarray())[6:]
        space = L.null_space()
        result = trace_function(L, np.log, n_probes=63, n_steps=63, null_space=space)
        assert result.estimate == pytest.approx(np.log(values).sum(), rel=1e-8)

    def test_composed_operators(self):
        A = as_operator(PATH)
        result = trace_function(Power(A, 2), lambda x: x, n_probes=n)
        assert result.estimate == pytest.approx((PATH @ PATH).trace())

    @pytest.mark.statistical
    @pytest.mark.parametrize("method", METHODS)
    def test_device_arrays(self, namespace, method):
        xp, device = namespace
        reference = xp.zeros(1, dtype=xp.float64, device=device)
        A = asarray_like(PATH.toarray(), reference)
        got = trace_function(A, np.exp, method=method, n_probes=12)
        same = trace_function(PATH.toarray(), np.exp, method=method, n_probes=12)
        assert got.estimate == pytest.approx(same.estimate, rel=1e-10)
        assert got.standard_error == pytest.approx(same.standard_error, rel=1e-6)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"method": "magic"}, "method must be one of"),
            ({"n_probes": 1}, "n_probes must be at least 2"),
            ({"n_probes": 5, "method": "hutch++"}, "n_probes must be at least 6"),
            ({"n_steps": 0}, "n_steps must be at least 1"),
        ],
    )
    def test_invalid_input(self, options, message):
        with pytest.raises(ValueError, match=message):
            trace_function(PATH, np.exp, **options)


def grid(rows, columns):
    path = [sparse.diags_array([1.0, 1.0], offsets=[-1, 1], shape=(k, k)) for k in
            (rows, columns)]  # fmt: skip
    eyes = [sparse.eye_array(k) for k in (rows, columns)]
    return sparse.csr_array(
        sparse.kron(path[0], eyes[1]) + sparse.kron(eyes[0], path[1])
    )


class TestLogPseudoDeterminant:
    @pytest.mark.parametrize("method", ["auto", "dense", "factorization"])
    @pytest.mark.parametrize(
        ("W", "trees"),
        [
            (np.ones((6, 6)) - np.eye(6), 6**4),
            (grid(1, 9), 1),
            (grid(2, 2), 4),
            (grid(3, 3), 192),
            (np.roll(np.eye(7), 1, axis=1) + np.roll(np.eye(7), -1, axis=1), 7),
        ],
        ids=["complete", "path", "square", "grid", "cycle"],
    )
    def test_numbers_of_spanning_trees(self, W, trees, method):
        L = laplacian(sparse.csr_array(W), normalization=None)
        result = log_pseudo_determinant(L, null_space=L.null_space(), method=method)
        count = np.exp(result.estimate) / L.shape[0]
        assert count == pytest.approx(trees, rel=1e-10)
        assert result.standard_error == 0

    @pytest.mark.parametrize("normalization", [None, "symmetric"])
    def test_pieces_and_weights(self, normalization):
        W = sparse.csr_array(sparse.block_diag([clusters(200), np.zeros((1, 1))]))
        L = laplacian(W, normalization=normalization)
        values = np.linalg.eigvalsh(L.to_csr().to_scipy().toarray())[4:]
        for method in ("dense", "factorization"):
            result = log_pseudo_determinant(L, null_space=L.null_space(), method=method)
            assert result.estimate == pytest.approx(np.log(values).sum(), rel=1e-10)

    def test_definite_operators(self):
        A = PATH + sparse.eye_array(n)
        _, exact = np.linalg.slogdet(A.toarray())
        for method in ("dense", "factorization"):
            result = log_pseudo_determinant(A, method=method)
            assert result.estimate == pytest.approx(exact)

    @pytest.mark.statistical
    def test_estimated(self):
        L = laplacian(clusters(600))
        exact = log_pseudo_determinant(L, null_space=L.null_space()).estimate
        result = log_pseudo_determinant(L, null_space=L.null_space(), method="slq")
        slack = 4 * result.standard_error + 4 * result.truncation
        assert abs(result.estimate - exact) <= slack
        assert result.standard_error < 0.1 * abs(exact)

    @pytest.mark.parametrize("method", ["dense", "factorization"])
    def test_unknown_null_vectors(self, method):
        L = laplacian(clusters(100), normalization=None)
        with pytest.raises(ValueError, match="not positive definite outside"):
            log_pseudo_determinant(L, method=method)
        one = NullSpace(np.zeros(100, dtype=int))
        with pytest.raises(ValueError, match="not positive definite outside"):
            log_pseudo_determinant(L, null_space=one, method=method)

    def test_host_methods_refuse_device_arrays(self):
        torch = pytest.importorskip("torch")
        with pytest.raises(ValueError, match="works on NumPy arrays only"):
            log_pseudo_determinant(torch.eye(3, dtype=torch.float64), method="dense")
        with pytest.raises(ValueError, match="method must be one of"):
            log_pseudo_determinant(PATH, method="magic")
