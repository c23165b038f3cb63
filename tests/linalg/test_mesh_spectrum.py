"""A mesh Laplacian with its mass matrix: the spectrum of the sphere."""

import numpy as np
import pytest
from scipy import sparse

from sklearn_manifold_reg.linalg import NullSpace, lowest_eigenpairs


def icosphere(n_splits):
    """Vertices and faces of an icosahedron whose faces were split in four."""
    golden = (1 + np.sqrt(5)) / 2
    corners = [(0, s, t * golden) for s in (-1, 1) for t in (-1, 1)]
    vertices = np.array([np.roll(c, k) for k in range(3) for c in corners], float)
    gaps = np.linalg.norm(vertices[:, None] - vertices[None], axis=2)
    near = np.isclose(gaps, 2)
    faces = np.array(
        [
            (i, j, k)
            for i in range(12)
            for j in range(i)
            for k in range(j)
            if near[i, j] and near[j, k] and near[i, k]
        ]
    )
    for _ in range(n_splits):
        edges = np.sort(np.concatenate([faces[:, [a, b]] for a, b in SIDES]), axis=1)
        edges, number = np.unique(edges, axis=0, return_inverse=True)
        middle = number.reshape(3, -1) + len(vertices)
        vertices = np.concatenate([vertices, vertices[edges].mean(axis=1)])
        a, b, c = faces.T
        ab, bc, ca = middle
        faces = np.concatenate(
            [
                np.stack(t, axis=1)
                for t in ((a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca))
            ]
        )
    return vertices / np.linalg.norm(vertices, axis=1, keepdims=True), faces


SIDES = ((0, 1), (1, 2), (2, 0))


def cotangent_laplacian(vertices, faces):
    """Stiffness matrix of linear elements, and a third of the areas at each corner."""
    n = len(vertices)
    rows, columns, values, mass = [], [], [], np.zeros(n)
    for a, b in SIDES:
        c = 3 - a - b
        u = vertices[faces[:, a]] - vertices[faces[:, c]]
        v = vertices[faces[:, b]] - vertices[faces[:, c]]
        double_area = np.linalg.norm(np.cross(u, v), axis=1)
        rows.append(faces[:, a])
        columns.append(faces[:, b])
        values.append(np.sum(u * v, axis=1) / double_area / 2)
        np.add.at(mass, faces[:, a], double_area / 6)
    ends = (np.concatenate(rows), np.concatenate(columns))
    W = sparse.coo_array((np.concatenate(values), ends), shape=(n, n)).tocsr()
    W = W + W.T
    return sparse.csr_array(sparse.diags_array(W.sum(axis=1)) - W), mass


@pytest.mark.parametrize("solver", ["chebyshev", "lobpcg"])
@pytest.mark.parametrize(("n_splits", "bound"), [(3, 0.017), (4, 0.005)])
def test_spherical_harmonics(n_splits, bound, solver):
    L, mass = cotangent_laplacian(*icosphere(n_splits))
    assert len(mass) == 10 * 4**n_splits + 2
    assert mass.sum() == pytest.approx(4 * np.pi, rel=0.02)
    null_space = NullSpace(np.zeros(len(mass), dtype=np.int32))
    result = lowest_eigenpairs(
        L, 16, mass=mass, null_space=null_space, solver=solver, tol=1e-7
    )
    degrees = np.repeat(np.arange(4), [1, 3, 5, 7])
    np.testing.assert_allclose(
        result.values[1:], (degrees * (degrees + 1))[1:], rtol=bound
    )
    # The first harmonics are the coordinates.
    vertices, _ = icosphere(n_splits)
    V = result.vectors[:, 1:4]
    projected = V @ (V.T @ (mass[:, None] * vertices))
    np.testing.assert_allclose(projected, vertices, atol=0.01)
