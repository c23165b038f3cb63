"""What users pass by mistake, and what they are told."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.frozen import FrozenEstimator

from sklearn_manifold_reg.decomposition import (
    SSNMF,
    GraphRegularizedNMF,
    LinearUnmixer,
    fully_constrained_least_squares,
    n_findr,
    successive_projection,
    vertex_component_analysis,
)
from sklearn_manifold_reg.graph import ImageGraph, NeighborsGraph

SHAPE, N, P, K = (6, 5), 30, 8, 3
rng = np.random.default_rng(0)
E = rng.random((K, P))
A = rng.dirichlet(np.ones(K), N)
A[:K] = np.eye(K)
X = A @ E

LINKED = {"graph": NeighborsGraph(n_neighbors=4), "graph_alpha": 0.1}
FACTORIZATIONS = {
    "SSNMF": SSNMF(K, **LINKED, random_state=0),
    "GraphRegularizedNMF": GraphRegularizedNMF(K, **LINKED, random_state=0),
}
ESTIMATORS = {**FACTORIZATIONS, "LinearUnmixer": LinearUnmixer(K, random_state=0)}
EXTRACTORS = {
    "vca": lambda X: vertex_component_analysis(X, K, random_state=0),
    "spa": lambda X: successive_projection(X, K),
    "nfindr": lambda X: n_findr(X, K, random_state=0),
}
FUNCTIONS = {
    **EXTRACTORS,
    "fcls": lambda X: fully_constrained_least_squares(X, np.ones((K, P))),
    "nnls": lambda X: fully_constrained_least_squares(
        X, np.ones((K, P)), sum_to_one=False
    ),
}
every_factorization = pytest.mark.parametrize("name", FACTORIZATIONS)
every_estimator = pytest.mark.parametrize("name", ESTIMATORS)


def changed(value, row=4):
    pixels = X.copy()
    pixels[row, 2] = value
    return pixels


def quietly_fitted(model, X):
    """Sweeps may run out here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "still lowered its objective")
        return model.fit(X)


@every_factorization
def test_negative_values(name):
    model = FACTORIZATIONS[name]
    message = f"Negative values in data passed to {name}"
    with pytest.raises(ValueError, match=message):
        model.fit(changed(-1e-3))
    fitted = quietly_fitted(model, X)
    for method in ("transform", "abundance_fractions"):
        with pytest.raises(ValueError, match=message):
            getattr(fitted, method)(changed(-1e-3))


def test_corrected_reflectances_may_be_negative():
    """Extraction and projections ask for no sign."""
    moved = X - 0.5
    for extract in EXTRACTORS.values():
        _, indices = extract(moved)
        assert set(indices.tolist()) == set(range(K))
    W = LinearUnmixer(K, random_state=0).fit_transform(moved)
    assert_allclose(np.sort(W, axis=1), np.sort(A, axis=1), atol=1e-12)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@every_estimator
def test_values_that_are_no_numbers(name, value):
    model, bad = ESTIMATORS[name], changed(value)
    message = "NaN" if np.isnan(value) else "infinity"
    with pytest.raises(ValueError, match=f"Input X contains {message}"):
        model.fit(bad)
    with pytest.raises(ValueError, match=f"Input X contains {message}"):
        quietly_fitted(model, X).transform(bad)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_values_that_are_no_numbers_for_functions(function):
    with pytest.raises(ValueError, match="Input contains NaN"):
        FUNCTIONS[function](changed(np.nan))


@every_estimator
def test_dark_pixels_are_pixels(name):
    dark = X.copy()
    dark[7:9] = 0
    model = ESTIMATORS[name]
    W = quietly_fitted(model, dark).transform(dark)
    assert np.all(np.isfinite(W))
    assert np.all(np.isfinite(model.components_))
    if name == "SSNMF":
        assert_array_equal(W[7:9], 0)
    nearest = fully_constrained_least_squares(0 * E[:2], E)
    assert_allclose(nearest.sum(axis=1), 1)
    none = fully_constrained_least_squares(0 * E[:2], E, sum_to_one=False)
    assert_array_equal(none, 0)


@every_factorization
def test_an_image_without_light_has_no_factors(name):
    message = f"X holds zeros only; {name} has nothing to factorize"
    with pytest.raises(ValueError, match=message):
        FACTORIZATIONS[name].fit(0 * X)


def test_an_image_without_light_has_no_endmembers():
    message = "X holds zeros only, so that there are no endmembers"
    for name in ("vca", "spa"):
        with pytest.raises(ValueError, match=message):
            EXTRACTORS[name](0 * X)
    with pytest.raises(ValueError, match=message):
        LinearUnmixer(K).fit(0 * X)
    # All its pixels are one, which is what counts by volume.
    with pytest.raises(ValueError, match="ask for at most 1 endmembers"):
        EXTRACTORS["nfindr"](0 * X)


@pytest.mark.parametrize("shape", [(N, K - 1), (K - 1, P)])
@every_estimator
def test_more_endmembers_than_pixels_or_bands(name, shape):
    few = X[: shape[0], : shape[1]]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "n_neighbors=4 is more than")
        warnings.filterwarnings("ignore", ".* still lowered its objective")
        with pytest.warns(UserWarning, match=f"n_components=3 .* {K - 1} are used"):
            model = ESTIMATORS[name].fit(few)
    assert model.components_.shape == (K - 1, shape[1])
    assert list(model.get_feature_names_out()) == [
        f"{name.lower()}{k}" for k in range(K - 1)
    ]


@pytest.mark.parametrize("name", EXTRACTORS)
def test_more_endmembers_than_there_can_be(name):
    with pytest.raises(ValueError, match="more than the 2 features of X; take at most"):
        EXTRACTORS[name](X[:, :2])
    with pytest.raises(ValueError, match="more than the 2 pixels of X; take at most"):
        EXTRACTORS[name](X[:2])


@every_factorization
def test_an_image_of_another_shape(name):
    model = type(FACTORIZATIONS[name])(K, ImageGraph((6, 6)))
    with pytest.raises(ValueError, match=r"\(6, 6\) has 36 pixels, but X has 30 rows"):
        model.fit(X)
    model.set_params(graph=ImageGraph((6, 5, 9)))
    with pytest.raises(ValueError, match="has 9 bands, but X has 8 columns"):
        model.fit(X)
    frozen = FrozenEstimator(ImageGraph((2, 5)).fit(X[:10]))
    with pytest.raises(ValueError, match="has 10 nodes, but X has 30 rows"):
        model.set_params(graph=frozen).fit(X)


def test_equal_pixels_hold_one_endmember():
    same = np.repeat(X[3:4], N, axis=0)
    for extract in EXTRACTORS.values():
        with pytest.raises(ValueError, match="ask for at most 1 endmembers"):
            extract(same)
    for model in (LinearUnmixer(K), SSNMF(K, graph_alpha=0.0)):
        with pytest.raises(ValueError, match="ask for at most 1 endmembers"):
            model.fit(same)
    # Starts that need no different pixels find it.
    for init in ("kmeans", "nndsvd", "random"):
        model = SSNMF(K, ImageGraph(SHAPE), alpha=0.0, init=init, random_state=0)
        model.fit(same)
        assert_allclose(model.inverse_transform(model.abundances_), same, rtol=1e-6)


@every_factorization
def test_one_pixel_is_no_factorization(name):
    with pytest.raises(ValueError, match=f"a minimum of 2 is required by {name}"):
        FACTORIZATIONS[name].fit(X[:1])


def test_one_pixel_is_its_own_endmember():
    assert_array_equal(LinearUnmixer(1).fit_transform(X[:1]), [[1.0]])
    for init in ("vca", "kmeans"):
        # Of other images, any number of pixels has abundances.
        model = SSNMF(1, graph_alpha=0.0, alpha=0.0, init=init, random_state=0).fit(X)
        assert_allclose(model.transform(X[:1]), model.abundances_[:1])


@every_estimator
def test_other_bands_than_in_fit(name):
    model = quietly_fitted(ESTIMATORS[name], X)
    message = f"X has 7 features, but {name} is expecting 8 features"
    with pytest.raises(ValueError, match=message):
        model.transform(X[:, 1:])
    with pytest.raises(ValueError, match=f"X has 8 columns, but {name} mixes 3"):
        model.inverse_transform(X)


def test_other_bands_than_the_endmembers():
    with pytest.raises(ValueError, match="endmembers have 7 features and X has 8"):
        fully_constrained_least_squares(X, E[:, 1:])
    with pytest.raises(ValueError, match="endmembers contains NaN"):
        fully_constrained_least_squares(X, np.full_like(E, np.nan))
