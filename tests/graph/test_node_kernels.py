"""Tests of kernels between nodes."""

import numpy as np
import pytest
from scipy import linalg, sparse
from scipy.sparse import csgraph
from scipy.special import factorial2

from sklearn_manifold_reg.graph import (
    NODE_KERNELS,
    kernel_path,
    node_kernel,
)

RAW = {"katz": 0.05, "absorption": 0.3, "ppr": 0.6, "modified_ppr": 0.6, "sp_ct": 0.3}


def random_graph(n=40, seed=0, weighted=True):
    rng = np.random.default_rng(seed)
    A = np.triu(rng.uniform(0.2, 1.5, (n, n)) * (rng.random((n, n)) < 0.2), 1)
    # A cycle through all nodes keeps the graph in one piece.
    A[np.arange(n - 1), np.arange(1, n)] = 1
    A[0, n - 1] = 0.7
    A = A if weighted else (A > 0).astype(float)
    return A + A.T


def path_graph(n):
    ones = np.ones(n - 1)
    return sparse.diags_array([ones, ones], offsets=[-1, 1], shape=(n, n)).tocsr()


def centering(n):
    return np.eye(n) - 1 / n


def costs(A):
    return np.divide(1, A, out=np.zeros_like(A), where=A > 0)


def fundamental(A, beta):
    W = A / A.sum(axis=1)[:, None] * np.exp(-beta * costs(A))
    return W, np.linalg.inv(np.eye(len(A)) - W)


def reference(A, name, t):
    """The formulas of the literature, word by word."""
    n, d = len(A), A.sum(axis=1)
    eye, D, H = np.eye(n), np.diag(d), centering(n)
    L, P = D - A, A / d[:, None]
    N = A / np.sqrt(np.outer(d, d))
    if name.startswith("log_"):
        return np.log(reference(A, name[4:], t))
    if name == "double_factorial":
        powers = (np.linalg.matrix_power(t * A, k) / factorial2(k) for k in range(250))
        return sum(powers)
    if name == "corrected_commute":
        M = (A - np.outer(d, d) / d.sum()) / np.sqrt(np.outer(d, d))
        R = np.diag(d**-0.5)
        return H @ R @ M @ linalg.pinv(eye - M) @ M @ R @ H
    if name.startswith("sigmoid"):
        K = reference(A, name.removeprefix("sigmoid_"), None)
        return 1 / (1 + np.exp(-t * K / K.std()))
    if name == "rsp":
        W, Z = fundamental(A, t)
        S = (Z @ (costs(A) * W) @ Z) / Z
        C = S - np.diag(S)[None, :]
        return -H @ (C + C.T) @ H / 4
    if name == "free_energy":
        _, Z = fundamental(A, t)
        F = -np.log(Z / np.diag(Z)[None, :]) / t
        return -H @ (F + F.T) @ H / 4
    if name == "shortest_path":
        return -H @ csgraph.shortest_path(costs(A), directed=False) @ H / 2
    if name == "sp_ct":
        rest = 2 * (1 - t) * linalg.pinv(L)
        return t * reference(A, "shortest_path", None) + rest
    return {
        "katz": lambda: np.linalg.inv(eye - t * A),
        "communicability": lambda: linalg.expm(t * A),
        "forest": lambda: np.linalg.inv(eye + t * L),
        "heat": lambda: linalg.expm(-t * L),
        "normalized_heat": lambda: linalg.expm(-t * (eye - N)),
        "absorption": lambda: linalg.pinv(t * A + L),
        "ppr": lambda: np.linalg.inv(eye - t * P),
        "modified_ppr": lambda: np.linalg.inv(D - t * A),
        "heat_ppr": lambda: linalg.expm(-t * (eye - P)),
        "commute": lambda: linalg.pinv(L),
    }[name]()


def raw_parameter(name):
    return RAW.get(NODE_KERNELS[name].base, 0.8)


@pytest.mark.parametrize("name", NODE_KERNELS)
@pytest.mark.parametrize("weighted", [True, False])
def test_single_kernels_are_those_of_the_formulas(name, weighted):
    A = random_graph(weighted=weighted)
    t = raw_parameter(name)
    expected = reference(A, name, t)
    K = node_kernel(sparse.csr_array(A), name, t, param_scale="raw")
    scale = np.abs(expected).max()
    np.testing.assert_allclose(K, expected, atol=1e-11 * scale, rtol=1e-9)
    if NODE_KERNELS[name].symmetric:
        np.testing.assert_allclose(K, K.T, rtol=1e-13, atol=1e-14 * scale)


@pytest.mark.parametrize("name", NODE_KERNELS)
def test_paths_agree_with_single_kernels(name):
    A = random_graph()
    t = raw_parameter(name)
    grid = [t / 4, t / 2, t] * 4
    path = list(kernel_path(A, name, grid, param_scale="raw"))
    assert len(path) == (len(grid) if NODE_KERNELS[name].scale else 1)
    for K, param in zip(path, grid, strict=False):
        single = node_kernel(A, name, param, param_scale="raw")
        np.testing.assert_allclose(K, single, rtol=1e-8, atol=1e-13 * abs(K).max())
