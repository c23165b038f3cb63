"""Laplacian eigenmaps, and what they share with diffusion maps."""

import pickle

import numpy as np
import pytest
from scipy import linalg, sparse
from sklearn.base import clone
from sklearn.datasets import make_moons, make_swiss_roll
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import SpectralEmbedding as SklearnSpectralEmbedding
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklearn_manifold_reg._arrays import to_numpy
from sklearn_manifold_reg.graph import KernelGraph, NeighborsGraph
from sklearn_manifold_reg.manifold import DiffusionMap, SpectralEmbedding

CLASSES = [SpectralEmbedding, DiffusionMap]
# What small graphs of tests say of themselves.
in_pieces = pytest.mark.filterwarnings("ignore:The graph of:UserWarning")


def path(n):
    return sparse.diags_array([1.0, 1.0], offsets=[-1, 1], shape=(n, n)).tocsr()


def star(n):
    W = np.zeros((n, n))
    W[0, 1:] = W[1:, 0] = 1
    return W


def bipartite(a, b):
    W = np.zeros((a + b, a + b))
    W[:a, a:] = W[a:, :a] = 1
    return W


def complete(n):
    return 1 - np.eye(n)


def pieces(*graphs):
    return sparse.block_diag([sparse.csr_array(W) for W in graphs]).tocsr()


def projector(Y):
    """Orthogonal projector on the span of the columns."""
    Q = linalg.orth(to_numpy(Y))
    return Q @ Q.T


def subspace_gap(A, B):
    return np.linalg.norm(projector(A) - projector(B), 2)


rng = np.random.default_rng(0)
CLOUD = rng.normal(size=(120, 3))
BUILDER = NeighborsGraph(n_neighbors=10, connectivity="mst")
AFFINITY = BUILDER.fit(CLOUD).affinity_


@pytest.mark.parametrize("normalization", ["random-walk", "symmetric", None])
def test_columns_solve_the_eigenproblem_and_are_orthonormal(normalization):
    model = SpectralEmbedding(5, "precomputed", normalization=normalization)
    Y = model.fit_transform(AFFINITY)
    W = AFFINITY.toarray()
    d = W.sum(axis=1)
    L, mass = np.diag(d) - W, d / d.mean()
    if normalization == "symmetric":
        L = L / np.sqrt(d[:, None] * d[None, :])
    if normalization is None or normalization == "symmetric":
        mass = np.ones(len(d))
    scale = d.mean() if normalization == "random-walk" else 1.0
    residual = L @ Y - scale * mass[:, None] * Y * model.eigenvalues_
    assert np.abs(residual).max() < 1e-8
    np.testing.assert_allclose((mass[:, None] * Y).T @ Y / len(Y), np.eye(5), atol=1e-9)
    trivial = np.sqrt(d) if normalization == "symmetric" else mass
    np.testing.assert_allclose(trivial @ Y, 0, atol=1e-7)
    places = np.argmax(np.abs(Y), axis=0)
    assert np.all(Y[places, np.arange(5)] > 0)


@pytest.mark.parametrize("normed", [True, False])
def test_agrees_with_scikit_learn_up_to_the_scale_of_columns(normed):
    peer = SklearnSpectralEmbedding(
        3, affinity="precomputed", eigen_solver="arpack", random_state=0
    )
    if normed:
        theirs = peer.fit_transform(AFFINITY.toarray())
    else:
        from sklearn.manifold import spectral_embedding

        theirs = spectral_embedding(
            AFFINITY, n_components=3, norm_laplacian=False, random_state=0
        )
    ours = SpectralEmbedding(
        3, "precomputed", normalization="random-walk" if normed else None
    ).fit_transform(AFFINITY)
    cosines = np.sum(ours * theirs, axis=0) / (
        np.linalg.norm(ours, axis=0) * np.linalg.norm(theirs, axis=0)
    )
    np.testing.assert_allclose(np.abs(cosines), 1, atol=1e-8)


def test_drop_first_leaves_out_the_constant_and_nothing_else():
    kept = SpectralEmbedding(4, BUILDER, drop_first=False).fit(CLOUD)
    dropped = SpectralEmbedding(3, BUILDER).fit(CLOUD)
    np.testing.assert_allclose(kept.embedding_[:, 0], 1)
    np.testing.assert_allclose(kept.embedding_[:, 1:], dropped.embedding_)
    assert (kept.n_dropped_, dropped.n_dropped_) == (0, 1)


@pytest.mark.parametrize("scale", [1.0, 1e12, 1e-12])
@pytest.mark.parametrize(
    ("affinity", "expected"),
    [
        (path(9), 1 - np.cos(np.pi * np.arange(1, 5) / 8)),
        (star(9), np.ones(4)),
        (complete(9), np.full(4, 9 / 8)),
        (bipartite(4, 5), np.ones(4)),
        (path(2), [2.0]),
    ],
    ids=["path", "star", "complete", "bipartite", "pair"],
)
@pytest.mark.filterwarnings("ignore:n_components=4:UserWarning")
def test_known_spectra_whatever_the_unit_of_weights(affinity, expected, scale):
    model = SpectralEmbedding(4, "precomputed").fit(affinity * scale)
    np.testing.assert_allclose(model.eigenvalues_, expected, atol=1e-10)
    W = affinity.toarray() if sparse.issparse(affinity) else affinity
    walk = W / W.sum(axis=1, keepdims=True)
    Y = model.embedding_
    np.testing.assert_allclose(Y - walk @ Y, Y * model.eigenvalues_, atol=1e-9)
    assert np.all(np.isfinite(model.transform(affinity * scale)))


def test_path_without_normalization_is_a_cosine():
    n = 50
    model = SpectralEmbedding(2, "precomputed", normalization=None).fit(path(n))
    places = np.arange(n) + 0.5
    for k in (1, 2):
        wave = np.sqrt(2) * np.cos(np.pi * k * places / n)
        gap = np.abs(np.abs(wave) - np.abs(model.embedding_[:, k - 1]))
        assert gap.max() < 1e-9
    np.testing.assert_allclose(
        model.eigenvalues_, 2 - 2 * np.cos(np.pi * np.array([1, 2]) / n), atol=1e-12
    )


@in_pieces
@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("scale", [1.0, 1e12, 1e-12])
def test_pieces_are_told_apart_by_the_columns_of_eigenvalue_zero(cls, scale):
    W = pieces(complete(4), path(9), np.zeros((1, 1))) * scale
    model = cls(5, "precomputed").fit(W)
    np.testing.assert_allclose(model.eigenvalues_[:2], 0, atol=1e-12)
    assert model.eigenvalues_[2] > 0.01
    places = model.embedding_[:, :2]
    labels = model.graph_.component_labels_
    for label in range(3):
        np.testing.assert_allclose(np.ptp(places[labels == label], axis=0), 0)
    centers = places[[0, 4, 13]]
    assert linalg.norm(centers[[0, 0, 1]] - centers[[1, 2, 2]], axis=1).min() > 1
    # The first column sets the heaviest piece apart from all others.
    mass = np.ravel(model.eigenpairs_.operator.degrees)
    heaviest = np.argmax(np.bincount(labels, weights=mass))
    first = places[:, 0]
    assert np.ptp(first[labels != heaviest]) == 0
    assert abs(first[labels == heaviest][0] - first[labels != heaviest][0]) > 1
    # Later columns are functions inside of pieces.
    inside = model.embedding_[:, 2:]
    np.testing.assert_allclose(inside[13], 0, atol=1e-12)


@in_pieces
def test_pieces_are_the_limit_of_weak_ties():
    parts = [path(12), complete(5)]
    apart = SpectralEmbedding(3, "precomputed").fit(pieces(*parts))
    tied = pieces(*parts).tolil()
    tied[11, 12] = tied[12, 11] = 1e-9
    near = SpectralEmbedding(3, "precomputed").fit(tied.tocsr())
    np.testing.assert_allclose(near.embedding_, apart.embedding_, atol=1e-6)
    np.testing.assert_allclose(near.eigenvalues_, apart.eigenvalues_, atol=1e-8)


@in_pieces
@pytest.mark.parametrize("drop_first", [True, False])
def test_functions_of_eigenvalue_zero_are_orthonormal_whatever_the_pieces(drop_first):
    W = pieces(complete(3), path(5), *[np.zeros((1, 1))] * 4, path(2))
    model = SpectralEmbedding(7, "precomputed", drop_first=drop_first).fit(W)
    degrees = W.sum(axis=1)
    mass = np.where(degrees > 0, degrees, degrees[degrees > 0].mean())
    gram = (model.embedding_ * mass[:, None]).T @ model.embedding_ / mass.sum()
    np.testing.assert_allclose(gram, np.eye(7), atol=1e-10)


def test_a_warning_says_which_columns_tell_pieces_apart():
    W = pieces(path(5), path(4), path(3))
    with (
        pytest.warns(UserWarning, match="3 columns .* the first 2, of eigenvalue 0"),
        pytest.warns(UserWarning, match="PrecomputedGraph has 3"),
    ):
        SpectralEmbedding(3, "precomputed").fit(W)
    with (
        pytest.warns(UserWarning, match="the first 1, of eigenvalue 0.* 0 show what"),
        pytest.warns(UserWarning, match="PrecomputedGraph has 3"),
    ):
        SpectralEmbedding(1, "precomputed").fit(W)


@in_pieces
@pytest.mark.parametrize("cls", CLASSES)
def test_a_graph_without_edges_keeps_its_nodes_apart(cls):
    model = cls(3, "precomputed").fit(np.zeros((4, 4)))
    np.testing.assert_array_equal(model.eigenvalues_, 0)
    gaps = linalg.norm(model.embedding_[:, None] - model.embedding_[None], axis=2)
    # As far as four unit masses can be from each other: sqrt(1/pi + 1/pi).
    np.testing.assert_allclose(gaps[~np.eye(4, dtype=bool)], np.sqrt(8))


@pytest.mark.parametrize("cls", CLASSES)
@in_pieces
def test_duplicates_share_a_place(cls):
    copies = np.repeat(CLOUD[:12], 10, axis=0)
    Y = cls(2, NeighborsGraph(n_neighbors=15, connectivity="mst")).fit_transform(copies)
    assert np.all(np.isfinite(Y))
    Y = cls(2, KernelGraph(gamma=0.5)).fit_transform(copies)
    assert np.ptp(Y.reshape(12, 10, 2), axis=1).max() < 1e-9


@pytest.mark.parametrize("cls", CLASSES)
def test_permuted_and_scaled_rows_give_the_same_embedding(cls):
    first = cls(3, BUILDER).fit(CLOUD)
    order = rng.permutation(len(CLOUD))
    permuted = cls(3, BUILDER).fit(CLOUD[order])
    np.testing.assert_allclose(permuted.embedding_, first.embedding_[order], atol=1e-8)
    scaled = cls(3, BUILDER).fit(1e3 * CLOUD)
    np.testing.assert_allclose(scaled.embedding_, first.embedding_, atol=1e-8)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("solver", ["lobpcg", "chebyshev"])
def test_solvers_agree(cls, solver):
    exact = cls(3, "precomputed", solver="dense").fit(AFFINITY)
    other = cls(3, "precomputed", solver=solver, tol=1e-10).fit(AFFINITY)
    assert subspace_gap(exact.embedding_, other.embedding_) < 1e-7
    assert exact.n_iter_ == 1
    assert other.n_iter_ >= 1


def test_too_few_steps_are_told():
    X = make_swiss_roll(2000, random_state=0)[0]
    with pytest.warns(ConvergenceWarning, match="residual norm"):
        model = SpectralEmbedding(2, max_iter=1).fit(X)
    assert not model.eigenpairs_.converged


@pytest.mark.parametrize(
    "model",
    [
        SpectralEmbedding(2),
        SpectralEmbedding(2, normalization="symmetric"),
        SpectralEmbedding(2, normalization=None),
        DiffusionMap(2),
        DiffusionMap(2, extension="geometric_harmonics"),
    ],
    ids=["random-walk", "symmetric", "none", "nystroem", "harmonics"],
)
def test_new_rows_alone_together_and_among_training_rows(model):
    X, t = make_swiss_roll(600, random_state=0)
    model = clone(model).fit(X[::2])
    all_rows = model.transform(X)
    np.testing.assert_array_equal(all_rows[::2], model.embedding_)
    one_by_one = np.concatenate([model.transform(X[i : i + 1]) for i in range(20)])
    np.testing.assert_allclose(one_by_one, all_rows[:20], rtol=1e-9, atol=1e-10)
    # Between its neighbors on the roll a new row lies between them.
    order = np.argsort(t)
    assert np.corrcoef(all_rows[order][1:, 0], all_rows[order][:-1, 0])[0, 1] > 0.95


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array, sparse.csc_matrix])
def test_the_rows_of_a_precomputed_affinity_are_where_they_were(cls, form):
    model = cls(3, "precomputed").fit(AFFINITY)
    again = model.transform(form(AFFINITY.toarray()))
    np.testing.assert_allclose(again, model.embedding_, atol=1e-7)


def test_rows_of_a_symmetric_embedding_are_where_they_were():
    model = SpectralEmbedding(3, "precomputed", normalization="symmetric").fit(AFFINITY)
    np.testing.assert_allclose(model.transform(AFFINITY), model.embedding_, atol=1e-7)


def test_rows_without_neighbors_go_to_the_origin():
    model = SpectralEmbedding(3, "precomputed").fit(AFFINITY)
    nobody = sparse.csr_array((2, len(CLOUD)))
    np.testing.assert_array_equal(model.transform(nobody), np.zeros((2, 3)))


@pytest.mark.slow
def test_held_out_half_is_near_a_joint_embedding():
    X = make_swiss_roll(4000, random_state=0)[0]
    joint = SpectralEmbedding(3).fit(X)
    half = SpectralEmbedding(3).fit(X[::2])
    new, truth = half.transform(X[1::2]), joint.embedding_[1::2]
    design = np.column_stack([new, np.ones(len(new))])
    fitted = design @ np.linalg.lstsq(design, truth, rcond=None)[0]
    missed = np.std(truth - fitted, axis=0) / np.std(truth, axis=0)
    # Measured: 0.023, 0.055, 0.129; fitted rows differ by 0.022, 0.054, 0.127.
    assert np.all(missed < [0.05, 0.1, 0.2])


def test_swiss_roll_is_unrolled():
    X, t = make_swiss_roll(1500, random_state=0)
    Y = SpectralEmbedding(1).fit_transform(X)
    ranks = [np.argsort(np.argsort(values)) for values in (t, Y[:, 0])]
    assert abs(np.corrcoef(*ranks)[0, 1]) > 0.99


def test_torus_has_two_circles_of_eigenfunctions():
    side = np.arange(30) * 2 * np.pi / 30
    u, v = (a.ravel() for a in np.meshgrid(side, side))
    flat = np.column_stack([np.cos(u), np.sin(u), 1.5 * np.cos(v), 1.5 * np.sin(v)])
    model = SpectralEmbedding(4, NeighborsGraph(20, weights="heat")).fit(flat)
    # The wider circle comes first, each with its own pair of waves.
    wide, narrow = flat[:, 2:], flat[:, :2]
    assert subspace_gap(model.embedding_[:, :2], wide) < 0.02
    assert subspace_gap(model.embedding_[:, 2:], narrow) < 0.02


@pytest.mark.parametrize("cls", CLASSES)
def test_float32_stays_and_agrees(cls):
    wide = cls(3, BUILDER).fit(CLOUD)
    model = cls(3, BUILDER).fit(CLOUD.astype(np.float32))
    for array in (
        model.embedding_,
        model.eigenvalues_,
        model.transform(rng.normal(size=(4, 3)).astype(np.float32)),
    ):
        assert array.dtype == np.float32
    assert subspace_gap(wide.embedding_, model.embedding_) < 1e-4


@pytest.mark.parametrize("cls", CLASSES)
def test_sparse_rows_are_dense_rows(cls):
    dense = cls(2, BUILDER).fit(CLOUD)
    model = cls(2, BUILDER).fit(sparse.csr_array(CLOUD))
    np.testing.assert_allclose(model.embedding_, dense.embedding_, atol=1e-6)
    new = rng.normal(size=(5, 3))
    np.testing.assert_allclose(
        model.transform(sparse.csr_array(new)), dense.transform(new), atol=1e-6
    )


@pytest.mark.parametrize("cls", CLASSES)
def test_too_many_columns_are_clipped_with_a_warning(cls):
    with pytest.warns(UserWarning, match="n_components=9 is more than the 4 columns"):
        model = cls(9, "precomputed").fit(path(5))
    assert model.embedding_.shape == (5, 4)
    assert len(model.get_feature_names_out()) == 4


@pytest.mark.parametrize("cls", CLASSES)
def test_one_row_is_an_error(cls):
    with pytest.raises(ValueError, match="minimum of 2 is required"):
        cls().fit(CLOUD[:1])


@pytest.mark.parametrize("cls", CLASSES)
def test_pickled_models_answer_the_same(cls):
    model = cls(2, BUILDER).fit(CLOUD)
    new = rng.normal(size=(5, 3))
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.transform(new), model.transform(new))


def test_graph_parameters_are_searched_in_a_pipeline():
    X, y = make_moons(200, noise=0.08, random_state=0)
    model = make_pipeline(
        SpectralEmbedding(4, NeighborsGraph(connectivity="mst")), LogisticRegression()
    )
    search = GridSearchCV(
        model, {"spectralembedding__graph__n_neighbors": [5, 20]}, cv=3
    ).fit(X, y)
    assert search.best_score_ > 0.95


@pytest.mark.parametrize("cls", CLASSES)
def test_a_precomputed_affinity_is_cut_on_both_sides_in_cross_validation(cls):
    X, y = make_moons(120, noise=0.05, random_state=0)
    W = KernelGraph(gamma=20.0).fit(X).affinity_
    model = make_pipeline(cls(6, "precomputed"), LogisticRegression())
    search = GridSearchCV(model, {"logisticregression__C": [1.0]}, cv=3).fit(W, y)
    assert search.best_score_ > 0.9


@pytest.mark.parametrize(
    "model",
    [
        SpectralEmbedding(3, NeighborsGraph(12)),
        SpectralEmbedding(3, NeighborsGraph(12), normalization="symmetric"),
        SpectralEmbedding(3, NeighborsGraph(12), normalization=None),
        SpectralEmbedding(3, NeighborsGraph(12), drop_first=False),
        DiffusionMap(3),
        DiffusionMap(3, extension="geometric_harmonics"),
    ],
    ids=["random-walk", "symmetric", "none", "all", "nystroem", "harmonics"],
)
def test_arrays_of_other_libraries_stay_and_agree(model, namespace):
    xp, device = namespace
    X = make_swiss_roll(400, random_state=0)[0].astype(np.float32) / 10
    host = clone(model).fit(X[:300])
    ours = clone(model).fit(xp.asarray(X[:300], device=device))
    new = ours.transform(xp.asarray(X[300:], device=device))
    for array in (ours.embedding_, ours.eigenvalues_, new):
        assert isinstance(array, type(xp.asarray(0.0)))
        assert array.dtype == xp.float32
    np.testing.assert_allclose(
        to_numpy(ours.eigenvalues_), host.eigenvalues_, atol=1e-5
    )
    assert subspace_gap(ours.embedding_, host.embedding_) < 1e-4
    np.testing.assert_allclose(to_numpy(new), host.transform(X[300:]), atol=3e-3)


@in_pieces
def test_pieces_on_other_libraries(namespace):
    xp, device = namespace
    W = pieces(complete(4), path(9)).toarray()
    host = SpectralEmbedding(3, "precomputed").fit(W)
    ours = SpectralEmbedding(3, "precomputed").fit(xp.asarray(W, device=device))
    np.testing.assert_allclose(to_numpy(ours.embedding_), host.embedding_, atol=1e-4)
    with pytest.raises(ValueError, match="chebyshev"):
        SpectralEmbedding(3, "precomputed", solver="lobpcg").fit(
            xp.asarray(W, device=device)
        )
