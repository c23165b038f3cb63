"""Operators on images: adjoints, matrices, boundaries, array libraries, bad input."""

import pickle

import numpy as np
import pytest
from scipy import ndimage, sparse
from scipy.sparse.linalg import LinearOperator

from sklearn_manifold_reg._arrays import to_numpy
from sklearn_manifold_reg.inverse import (
    BlurOperator,
    GradientOperator,
    RadonTransform,
    SubsamplingOperator,
)
from sklearn_manifold_reg.linalg import as_operator

SHAPES = [(12, 12), (9, 14), (14, 9), (1, 7)]
KERNELS = [(1, 1), (1, 4), (3, 3), (4, 5), (9, 9)]
BOUNDARIES = ["periodic", "symmetric", "zero"]


def random_kernel(shape):
    return np.random.default_rng(1).normal(size=shape)


def operators(shape):
    """One of each kind and option that fits the image."""
    mask = np.random.default_rng(0).random(shape) > 0.4
    yield GradientOperator(shape)
    yield GradientOperator(shape, boundary="neumann")
    yield SubsamplingOperator(shape, mask)
    yield SubsamplingOperator(shape, step=(1, 3))
    yield RadonTransform(shape, np.linspace(-30, 200, 7))
    yield RadonTransform(shape, [0, 37.5, 90], n_detectors=5)
    for size in KERNELS:
        if size[0] <= shape[0] and size[1] <= shape[1]:
            for boundary in BOUNDARIES:
                yield BlurOperator(shape, random_kernel(size), boundary=boundary)


ALL = [operator for shape in SHAPES for operator in operators(shape)]
FEW = list(operators((9, 14)))


def identify(operator):
    rest = getattr(operator, "boundary", "")
    return f"{type(operator).__name__}-{operator.image_shape}-{rest}"


def blocks(operator, dtype=np.float64, n=3):
    rng = np.random.default_rng(2)
    X = rng.normal(size=(operator.shape[1], n)).astype(dtype)
    return X, rng.normal(size=(operator.shape[0], n)).astype(dtype)


@pytest.mark.parametrize("operator", ALL, ids=identify)
def test_dot_product(operator, compiled):
    """<A x, y> = <x, A' y>, for each column."""
    X, Y = blocks(operator)
    ahead = np.sum((operator @ X) * Y, axis=0)
    back = np.sum(X * (operator.adjoint() @ Y), axis=0)
    scale = np.linalg.norm(operator @ X) * np.linalg.norm(Y)
    np.testing.assert_allclose(ahead, back, rtol=0, atol=1e-13 * scale)


@pytest.mark.parametrize("operator", ALL, ids=identify)
def test_products_are_those_of_the_assembled_matrix(operator, compiled):
    X, Y = blocks(operator)
    A = operator.to_csr().to_scipy()
    assert A.shape == operator.shape
    np.testing.assert_allclose(operator @ X, A @ X, atol=1e-12)
    np.testing.assert_allclose(operator.adjoint() @ Y, A.T @ Y, atol=1e-12)
    At = operator.adjoint().to_csr().to_scipy()
    assert abs(At - A.T).max() == 0


@pytest.mark.parametrize("operator", FEW, ids=identify)
def test_vectors_are_columns_of_blocks(operator):
    X, Y = blocks(operator)
    np.testing.assert_allclose(operator @ X[:, 0], (operator @ X)[:, 0], atol=1e-14)
    back = operator.adjoint()
    np.testing.assert_allclose(back @ Y[:, 1], (back @ Y)[:, 1], atol=1e-14)


@pytest.mark.parametrize("operator", FEW, ids=identify)
def test_dtype_of_the_block_is_kept(operator, compiled):
    X, Y = blocks(operator, np.float32)
    exact = operator @ X.astype(np.float64)
    for product, reference in (
        (operator @ X, exact),
        (operator.adjoint() @ Y, operator.adjoint() @ Y.astype(np.float64)),
    ):
        assert product.dtype == np.float32
        np.testing.assert_allclose(product, reference, atol=2e-5)
    for kind in (int, np.float16, bool):
        ones = np.ones(operator.shape[1], dtype=kind)
        assert (operator @ ones).dtype == operator.dtype == np.float64
        expected = operator @ np.ones(operator.shape[1])
        np.testing.assert_array_equal(operator @ ones, expected)


@pytest.mark.parametrize("operator", FEW, ids=identify)
def test_other_array_libraries(operator, namespace):
    xp, device = namespace
    for dtype, tolerance in ((np.float64, 1e-12), (np.float32, 2e-5)):
        X, Y = blocks(operator, dtype)
        for factor, block in ((operator, X), (operator.adjoint(), Y)):
            moved = xp.asarray(block, device=device)
            product = factor @ moved
            assert product.dtype == moved.dtype
            assert product.device == moved.device
            np.testing.assert_allclose(
                to_numpy(product), factor @ block, atol=tolerance
            )


@pytest.mark.parametrize("operator", FEW, ids=identify)
def test_adjoint_and_copies(operator):
    X, _ = blocks(operator)
    assert as_operator(operator) is operator
    assert operator.adjoint().adjoint() is operator
    assert operator.adjoint().shape == operator.shape[::-1]
    copy = pickle.loads(pickle.dumps(operator))
    np.testing.assert_array_equal(copy @ X, operator @ X)


def test_operators_serve_as_scipy_linear_operators():
    operator = RadonTransform((6, 6), [0, 45, 90])
    back = operator.adjoint()
    linear = LinearOperator(
        operator.shape,
        matvec=operator.matmat,
        rmatvec=back.matmat,
        matmat=operator.matmat,
        rmatmat=back.matmat,
        dtype=operator.dtype,
    )
    X, Y = blocks(operator)
    again = as_operator(linear)
    np.testing.assert_array_equal(again @ X, operator @ X)
    np.testing.assert_array_equal(again.adjoint() @ Y, back @ Y)


# scipy's names of the boundaries.
MODES = {"periodic": "wrap", "symmetric": "reflect", "zero": "constant"}


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("size", KERNELS)
def test_blur_is_the_convolution_of_scipy(size, boundary):
    u = np.random.default_rng(0).normal(size=(11, 13))
    kernel = random_kernel(size)
    expected = ndimage.convolve(u, kernel, mode=MODES[boundary])
    blur = BlurOperator(u.shape, kernel, boundary=boundary)
    np.testing.assert_allclose(blur @ u.reshape(-1), expected.reshape(-1), atol=1e-12)


def test_transfer_holds_the_eigenvalues_of_a_periodic_blur():
    blur = BlurOperator((6, 5), random_kernel((3, 3)))
    A = blur.to_csr().to_scipy().toarray()
    waves = np.exp(-2j * np.pi * np.outer(np.arange(6), np.arange(6)) / 6)
    wave = np.multiply.outer(waves[2], np.ones(5)).reshape(-1).conj()
    np.testing.assert_allclose(A @ wave, blur.transfer[2, 0] * wave, atol=1e-12)


@pytest.mark.parametrize("boundary", ["periodic", "symmetric"])
def test_blur_keeps_constants(boundary):
    kernel = np.abs(random_kernel((3, 4)))
    blur = BlurOperator((8, 9), kernel / kernel.sum(), boundary=boundary)
    np.testing.assert_allclose(blur @ np.full(72, 2.5), 2.5, rtol=1e-13)


@pytest.mark.parametrize("boundary", ["periodic", "neumann"])
def test_gradient_squared_is_the_laplacian_of_the_grid(boundary):
    height, width = 5, 4
    gradient = GradientOperator((height, width), boundary=boundary)

    def laplacian(n):
        steps = np.diff(np.eye(n), axis=0)
        if boundary == "periodic":
            steps = np.vstack([steps, np.eye(n)[0] - np.eye(n)[-1]])
        return steps.T @ steps

    expected = np.kron(laplacian(height), np.eye(width))
    expected += np.kron(np.eye(height), laplacian(width))
    G = gradient @ np.eye(height * width)
    np.testing.assert_allclose(G.T @ G, expected, atol=1e-14)
    np.testing.assert_array_equal(gradient @ np.full(20, 3.0), 0)


def test_gradient_layout():
    u = np.random.default_rng(0).normal(size=(4, 6))
    gradient = GradientOperator(u.shape, boundary="neumann")
    down, along = (gradient @ u.reshape(-1)).reshape(gradient.measurement_shape)
    np.testing.assert_array_equal(down[:-1], np.diff(u, axis=0))
    np.testing.assert_array_equal(along[:, :-1], np.diff(u, axis=1))
    assert not down[-1].any()
    assert not along[:, -1].any()


def test_subsampling_takes_pixels():
    u = np.random.default_rng(0).normal(size=(7, 8))
    for step in (2, (3, 1), [1, 5], np.int64(4)):
        rows, columns = (step, step) if np.ndim(step) == 0 else step
        operator = SubsamplingOperator(u.shape, step=step)
        expected = u[::rows, ::columns]
        assert operator.measurement_shape == expected.shape
        np.testing.assert_array_equal(operator @ u.reshape(-1), expected.reshape(-1))
    mask = u > 0
    operator = SubsamplingOperator(u.shape, mask)
    np.testing.assert_array_equal(operator @ u.reshape(-1), u[mask])
    back = operator.adjoint() @ u[mask]
    np.testing.assert_array_equal(back.reshape(u.shape), np.where(mask, u, 0))


@pytest.mark.parametrize("operator", FEW, ids=identify)
def test_wrong_lengths_name_both_numbers(operator):
    n_measurements, n_pixels = operator.shape
    with pytest.raises(ValueError, match=rf"= {n_pixels} pixels.*\({n_pixels + 1},\)"):
        operator @ np.ones(n_pixels + 1)
    message = rf"{n_measurements} measurements.*\(3, {n_measurements}\)"
    with pytest.raises(ValueError, match=message):
        operator.adjoint() @ np.ones((3, n_measurements))
    with pytest.raises(ValueError, match="takes real images, got complex128"):
        operator @ np.ones(n_pixels, dtype=complex)


@pytest.mark.parametrize(
    "shape", [(4,), (4, 5, 3), (0, 4), (4, -1), (4.0, 4), 4, None, "ab"]
)
def test_image_shape_is_two_positive_integers(shape):
    for make in (
        GradientOperator,
        lambda s: SubsamplingOperator(s, step=1),
        lambda s: RadonTransform(s, [0]),
        lambda s: BlurOperator(s, [[1.0]]),
    ):
        with pytest.raises(ValueError, match="image_shape must hold the height and"):
            make(shape)


@pytest.mark.parametrize(
    ("kernel", "message"),
    [
        (np.ones((4, 2)), r"\(4, 2\) is larger than images of shape \(3, 5\)"),
        (np.ones(3), r"finite matrix of at least one weight, got shape \(3,\)"),
        (np.ones((0, 3)), r"at least one weight, got shape \(0, 3\)"),
        (np.array([[1.0, np.nan]]), "with NaN or infinity"),
        (np.array([[1.0 + 1j]]), "kernel is complex"),
        (np.zeros((2, 2)), "kernel is zero everywhere"),
    ],
)
def test_bad_kernels(kernel, message):
    with pytest.raises(ValueError, match=message):
        BlurOperator((3, 5), kernel)


def test_bad_options():
    with pytest.raises(ValueError, match="boundary='wrap' is unknown; use one of"):
        BlurOperator((3, 3), [[1.0]], boundary="wrap")
    with pytest.raises(ValueError, match="boundary='zero' is unknown"):
        GradientOperator((3, 3), boundary="zero")
    with pytest.raises(ValueError, match="dtype must be float32 or float64, got int64"):
        GradientOperator((3, 3), dtype=np.int64)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "either a mask or a step"),
        ({"mask": np.ones((3, 3), bool), "step": 2}, "either a mask or a step"),
        ({"mask": np.ones((3, 2), bool)}, r"shape \(3, 3\), got dtype bool and shape"),
        ({"mask": np.ones((3, 3))}, "boolean array .* got dtype float64"),
        ({"mask": np.zeros((3, 3), bool)}, "no pixel is measured"),
        ({"step": 0}, "step must be a positive integer or two of them, got 0"),
        ({"step": (1, 2, 3)}, "or two of them"),
        ({"step": 1.5}, "or two of them, got 1.5"),
    ],
)
def test_bad_subsampling(options, message):
    with pytest.raises(ValueError, match=message):
        SubsamplingOperator((3, 3), **options)


def test_dtypes_of_other_libraries_pass():
    torch = pytest.importorskip("torch")
    gradient = GradientOperator((2, 2), dtype=torch.float32)
    assert gradient.dtype is torch.float32
    product = gradient @ torch.arange(4)
    assert product.dtype is torch.float32
    assert gradient.to_csr().dtype == np.float64


@pytest.mark.parametrize(
    "operator",
    [
        GradientOperator((3, 3), dtype=np.float32),
        SubsamplingOperator((3, 3), step=2, dtype="float32"),
        RadonTransform((3, 3), [0, 30], dtype=np.float32),
        BlurOperator((3, 3), np.ones((1, 2), np.float32)),
    ],
    ids=identify,
)
def test_matrices_have_the_dtype_of_the_operator(operator):
    assert operator.dtype == operator.to_csr().dtype == np.float32
    assert operator.adjoint().dtype == np.float32


def test_normal_equations_are_solved_by_conjugate_gradients():
    """Operators are what the solvers of `linalg` take."""
    from sklearn_manifold_reg.linalg import Power, ScaledSum, SparseOperator, solve

    blur = BlurOperator((8, 8), np.ones((1, 3)) / 3)
    gradient = GradientOperator((8, 8))
    A = blur.to_csr().to_scipy()
    G = gradient.to_csr().to_scipy()
    M = sparse.csr_array(A.T @ A + 0.1 * G.T @ G)
    system = ScaledSum((Power(blur, 2), as_operator(G.T @ G)), (1.0, 0.1))
    b = np.random.default_rng(0).normal(size=64)
    x = solve(system, blur.adjoint() @ b, solver="cg", tol=1e-10).x
    direct = sparse.linalg.spsolve(M.tocsc(), A.T @ b)
    np.testing.assert_allclose(x, direct, atol=1e-7)
    assert isinstance(as_operator(G), SparseOperator)
