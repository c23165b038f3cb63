"""scikit-learn's checks on every public estimator, one instance a behavior."""

import pytest
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_manifold_reg import semi_supervised
from sklearn_manifold_reg.graph._builder import GraphBuilder
from sklearn_manifold_reg.utils import all_estimators

# The checks' data are small and fall apart, of which users are told.
pytestmark = [
    pytest.mark.filterwarnings("ignore:The graph of:UserWarning"),
    pytest.mark.filterwarnings("ignore:n_neighbors=:UserWarning"),
    pytest.mark.filterwarnings("ignore:.* rows have no other row:UserWarning"),
    pytest.mark.filterwarnings("ignore:X does not have valid feature names"),
    pytest.mark.filterwarnings("ignore:y holds exactly the labels -1:UserWarning"),
]

# Behaviors beside the default instance, by class.
VARIANTS = {
    "NeighborsGraph": [
        {"weights": "connectivity"},
        {"weights": "heat", "symmetrize": "max"},
        {"weights": "cosine", "metric": "cosine"},
        {"weights": "fuzzy", "symmetrize": "union"},
        {"algorithm": "nn_descent", "random_state": 0},
        {"connectivity": "mst"},
        {"connectivity": "regularize"},
    ],
    "LabelDiffusionClassifier": [],
    "LabelDiffusionRegressor": [],
}

# Arguments without which a class cannot be made.
REQUIRED = {
    "RadiusGraph": lambda: {"radius": 3.0},
    "TransductiveSearchCV": lambda: {
        "estimator": semi_supervised.LabelDiffusionRegressor(),
        "param_grid": {"method": ["harmonic", "poisson"]},
        "cv": 2,
    },
}

# Checks that scikit-learn has and `check_estimator` does not run.
MORE_CHECKS = [
    "check_dataframe_column_names_consistency",
    "check_inplace_ensure_writeable",
    "check_param_validation",
]
TRANSFORMER_CHECKS = [
    "check_get_feature_names_out_error",
    "check_global_output_transform_pandas",
    "check_global_set_output_transform_polars",
    "check_set_output_transform",
    "check_set_output_transform_pandas",
    "check_set_output_transform_polars",
    "check_transformer_get_feature_names_out",
    "check_transformer_get_feature_names_out_pandas",
]

ESTIMATORS = dict(all_estimators())


def make(name, parameters=None):
    required = REQUIRED.get(name, dict)()
    return ESTIMATORS[name](**required, **(parameters or {}))


INSTANCES = [
    make(name, parameters)
    for name in ESTIMATORS
    for parameters in [{}, *VARIANTS.get(name, [])]
]


OWN_NEIGHBOR = (
    "As a new row, a training row is its own nearest neighbor; in the graph it has no "
    "edge to itself."
)


def expected_failed_checks(estimator):
    """Checks that cannot hold, each with its reason."""
    if isinstance(estimator, GraphBuilder):
        return dict.fromkeys(
            ("check_transformer_general", "check_transformer_data_not_an_array"),
            OWN_NEIGHBOR,
        )
    return {}


@parametrize_with_checks(
    INSTANCES, expected_failed_checks=expected_failed_checks, xfail_strict=True
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("check", MORE_CHECKS)
@pytest.mark.parametrize("name", ESTIMATORS)
def test_more_checks(name, check):
    getattr(estimator_checks, check)(name, make(name))


@pytest.mark.parametrize("check", TRANSFORMER_CHECKS)
@pytest.mark.parametrize(
    "name", [n for n in ESTIMATORS if hasattr(ESTIMATORS[n], "transform")]
)
def test_transformer_checks(name, check):
    getattr(estimator_checks, check)(name, make(name))


def test_variants_name_existing_classes():
    assert set(VARIANTS) | set(REQUIRED) <= set(ESTIMATORS)
