"""scikit-learn's checks on every public estimator, one instance a behavior."""

from inspect import signature

import pytest
from sklearn.base import is_classifier
from sklearn.utils import estimator_checks, get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_manifold_reg import cluster, kernel, manifold, semi_supervised
from sklearn_manifold_reg.graph import NeighborsGraph
from sklearn_manifold_reg.graph._builder import GraphBuilder
from sklearn_manifold_reg.inverse._reconstructor import Reconstructor
from sklearn_manifold_reg.utils import all_estimators

# The checks' data are small and fall apart, of which users are told.
pytestmark = [
    pytest.mark.filterwarnings("ignore:The graph of:UserWarning"),
    pytest.mark.filterwarnings("ignore:n_neighbors=:UserWarning"),
    pytest.mark.filterwarnings("ignore:n_components=:UserWarning"),
    pytest.mark.filterwarnings("ignore:.* entries have no logarithm:UserWarning"),
    pytest.mark.filterwarnings("ignore:Geometric harmonics miss:UserWarning"),
    pytest.mark.filterwarnings("ignore:.* rows lie in components:UserWarning"),
    pytest.mark.filterwarnings("ignore:.* rows have no other row:UserWarning"),
    pytest.mark.filterwarnings("ignore:.* rows have neither neighbors:UserWarning"),
    pytest.mark.filterwarnings("ignore:X does not have valid feature names"),
    pytest.mark.filterwarnings("ignore:X has feature names, but"),
    pytest.mark.filterwarnings("ignore:No cluster structure:UserWarning"),
    pytest.mark.filterwarnings("ignore:.* clusters have rows"),
    pytest.mark.filterwarnings("ignore:Only .* clusters were found:UserWarning"),
    pytest.mark.filterwarnings("ignore:.* still lowered its objective"),
    pytest.mark.filterwarnings("ignore:.* knows no noise level:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*Reconstructor stopped after max_iter"),
    pytest.mark.filterwarnings("ignore:For .* images the noise level is:UserWarning"),
    pytest.mark.filterwarnings("ignore:y holds exactly the labels -1:UserWarning"),
    pytest.mark.filterwarnings("ignore:epsilon=.* is not below:UserWarning"),
    pytest.mark.filterwarnings("ignore:.* no function of kernel="),
    pytest.mark.filterwarnings("ignore:.* changes of the weights"),
]

# Behaviors beside the default instance, by class.
VARIANTS = {
    "AttributedSpectralClustering": [
        {"graph": "precomputed"},
        {"embedding": "bootstrap_amg"},
        {"embedding": "bootstrap_amg", "aggregation": "pyamg"},
        {"weighted": False, "select": "inertia"},
    ],
    "SSNMF": [
        {"solver": "mu", "init": "random"},
        {"sum_to_one": "soft", "scaling": "none", "init": "kmeans"},
        {"sum_to_one": "simplex", "scaling": "none", "alpha": 0.0},
        {"graph_alpha": 0.0, "accelerate": False, "init": "spa"},
    ],
    "GraphRegularizedNMF": [
        {"solver": "mu"},
        {"init": "nfindr", "graph_alpha": 1.0},
        {"init": "nndsvd", "scaling": "none", "graph_alpha": 0.0},
    ],
    "DiffusionMap": [
        {"alpha": 0.0, "diffusion_time": 2.5},
        {"extension": "geometric_harmonics"},
        {"graph": "precomputed"},
    ],
    "FilteredBackProjection": [{"filter": None}],
    "GraphLaplacianReconstructor": [
        {"initial": "adjoint", "alpha": "gcv", "max_iter": 5},
        {"initial": "adjoint", "penalty": "l1", "alpha": 0.1, "max_iter": 1},
    ],
    "TikhonovReconstructor": [{"positive": True, "alpha": 0.1, "max_iter": 1}],
    "TotalVariationReconstructor": [{"alpha": 0.1, "max_iter": 5}],
    "GraphKernel": [
        {"graph": "precomputed"},
        {"kernel": "katz", "center": True},
        {"kernel": "log_forest", "output": "distance"},
        {"kernel": "ppr", "normalize": True},
    ],
    "GraphRandomFeatures": [
        {"graph": "precomputed"},
        {"kernel": "diffusion", "coupling": "antithetic", "n_copies": 2},
        {"kernel": "p_step", "coupling": "repelling", "transition": "uniform"},
        {"kernel": "custom", "modulation": [1.0, 0.5], "coupling": "reinforced"},
        {"projection": 4},
        {"anchors": 8},
    ],
    "KernelKMeans": [
        {"kernel": "rbf"},
        {"kernel": "linear", "algorithm": "lloyd", "shift": True},
        {"kernel": "rbf", "algorithm": "iterative", "init": "any", "empty": "drop"},
    ],
    "KernelWard": [{"kernel": "rbf"}],
    "LinearUnmixer": [
        {"n_components": 2, "extractor": "spa", "abundances": "nnls"},
        {"n_components": 2, "extractor": "nfindr", "abundances": "sum_to_one"},
        {"n_components": 1, "abundances": "ls"},
    ],
    "NeighborsGraph": [
        {"weights": "connectivity"},
        {"weights": "heat", "symmetrize": "max"},
        {"weights": "cosine", "metric": "cosine"},
        {"weights": "fuzzy", "symmetrize": "union"},
        {"algorithm": "nn_descent", "random_state": 0},
        {"connectivity": "mst"},
        {"connectivity": "regularize"},
    ],
    "LabelDiffusionClassifier": [
        {"method": "harmonic"},
        {"method": "local_global"},
        {"method": "poisson_mbo"},
        {"method": "weighted"},
        {"method": "nonlocal"},
        {"method": "self_training"},
        {"class_priors": "labels"},
    ],
    "LabelDiffusionRegressor": [
        {"method": "poisson"},
        {"method": "weighted"},
        {"method": "nonlocal"},
    ],
    "SobolevImageRestorer": [
        {"penalty": "tikhonov", "kernel": [[0.5]], "homogeneous": True},
        {"s": 0.0, "penalty": "tv", "tol": 0.05},
        {"s": 0.5, "discrepancy": 0.1, "boundary": "symmetric"},
    ],
    "SpectralClustering": [
        {"graph": "precomputed"},
        {"assign_labels": "discretize"},
        {"assign_labels": "cluster_qr"},
        {"embedding": "shi_malik"},
        {"embedding": "diffusion", "isolated": "noise"},
        {"embedding": "commute", "refine": True},
        {"method": "landmark", "n_landmarks": 20},
        {"n_clusters": "eigengap"},
    ],
    "LaplacianRegularizedClassifier": [
        {"graph": "precomputed"},
        {"kernel": "rbf"},
        {"kernel": "linear", "fit_intercept": True},
        {"kernel": "rbf", "approximation": "nystroem", "random_state": 0},
        {"kernel": "rbf", "loss": "squared_hinge"},
        {"kernel": "rbf", "loss": "hinge"},
        {"kernel": "rbf", "loss": "log_loss"},
        {"loss": "log_loss", "alpha": 0.1},
        {"class_priors": "labels"},
    ],
    "ManifoldLipschitzClassifier": [
        {"graph": "precomputed", "gradient": "dirichlet"},
        {"gradient": "max_slope", "dual_update": "projection", "tol": 0.1},
        {"kernel": "rbf", "bandwidth": 1.0},
        {"kernel": "linear"},
        {"loss": "log_loss"},
        {"loss": "log_loss", "kernel": "rbf"},
    ],
    "ManifoldLipschitzRegressor": [
        {"graph": "precomputed", "gradient": "dirichlet"},
        {"gradient": "max_slope", "dual_update": "projection", "tol": 0.1},
        {"kernel": "rbf"},
        {"kernel": "linear"},
        {"kernel": "rbf", "approximation": "nystroem", "random_state": 0},
    ],
    "SpectralEmbedding": [
        {"normalization": "symmetric"},
        {"normalization": None},
        {"drop_first": False},
        {"solver": "lobpcg"},
        {"graph": "precomputed"},
    ],
    "LaplacianRegularizedRegressor": [
        {"graph": "precomputed"},
        {"power": 2},
        {"penalty": "sobolev", "power": 1.5},
        {"kernel": "rbf"},
        {"kernel": "linear", "fit_intercept": True},
        {"kernel": "rbf", "approximation": "random_features", "random_state": 0},
    ],
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

# Fewer sweeps show the contract as well, and float32 rests after other numbers of them.
SHORT = {"GraphRegularizedNMF": {"max_iter": 5}, "SSNMF": {"max_iter": 5}}

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
    return ESTIMATORS[name](**required, **SHORT.get(name, {}), **(parameters or {}))


INSTANCES = [
    make(name, parameters)
    for name in ESTIMATORS
    for parameters in [{}, *VARIANTS.get(name, [])]
]


PARTLY_LABELED = (
    semi_supervised.LaplacianRegularizedClassifier,
    semi_supervised.LaplacianRegularizedRegressor,
    semi_supervised.ManifoldLipschitzClassifier,
    semi_supervised.ManifoldLipschitzRegressor,
)
PRECOMPUTED = {
    True: (
        "check_classifiers_one_label_sample_weights",
        "check_classifiers_train",
        "check_fit2d_1feature",
    ),
    False: ("check_regressors_train",),
}
NO_AFFINITY = (
    "The check's affinities are inner products of its rows, which say nothing of its "
    "targets, and are not square in some places."
)
EMBEDDINGS = (
    kernel.GraphKernel,
    kernel.GraphRandomFeatures,
    manifold.DiffusionMap,
    manifold.SpectralEmbedding,
)
SELF_AFFINITY = (
    "The check's affinities have the squares of the rows on their diagonal: edges from "
    "rows to themselves, which a graph has none of and a new row may have."
)
OWN_NEIGHBOR = (
    "As a new row, a training row is its own nearest neighbor; in the graph it has no "
    "edge to itself."
)

IMAGES = (
    "The targets of the check are numbers; those of reconstructors are images, which "
    "are as wide as the operator."
)
STEPS = "Images are solved for in predict, not in fit; each result has its own steps."


def expected_failed_checks(estimator):
    """Checks that cannot hold, each with its reason."""
    if isinstance(estimator, GraphBuilder):
        return dict.fromkeys(
            ("check_transformer_general", "check_transformer_data_not_an_array"),
            OWN_NEIGHBOR,
        )
    if isinstance(estimator, EMBEDDINGS) and estimator.graph == "precomputed":
        return dict.fromkeys(
            ("check_transformer_general", "check_transformer_data_not_an_array"),
            SELF_AFFINITY,
        )
    if isinstance(estimator, Reconstructor):
        failed = {}
        if hasattr(estimator, "max_iter"):
            failed["check_non_transformer_estimators_n_iter"] = STEPS
        return failed | dict.fromkeys(
            (
                "check_array_api_input",
                "check_array_api_mixed_inputs",
                "check_dataframe_column_names_consistency",
                "check_fit_score_takes_y",
                "check_pipeline_consistency",
                "check_regressor_multioutput",
                "check_regressors_train",
                "check_supervised_y_2d",
            ),
            IMAGES,
        )
    failed = {}
    clusterer = isinstance(estimator, cluster.AttributedSpectralClustering)
    if clusterer and estimator.graph == "precomputed":
        failed["check_clustering"] = "The rows of the check are no affinities."
    if isinstance(estimator, (cluster.KernelKMeans, cluster.KernelWard)):
        if estimator.kernel == "precomputed":
            failed["check_clustering"] = "The rows of the check are no kernel."
        elif isinstance(estimator, cluster.KernelKMeans):
            failed |= dict.fromkeys(
                (
                    "check_sample_weight_equivalence_on_dense_data",
                    "check_sample_weight_equivalence_on_sparse_data",
                ),
                "Starts are drawn from the rows there are, as those of KMeans.",
            )
    if isinstance(estimator, PARTLY_LABELED):
        failed |= dict.fromkeys(
            (
                "check_sample_weight_equivalence_on_dense_data",
                "check_sample_weight_equivalence_on_sparse_data",
            ),
            "A row of weight 0 is an unlabeled node of the graph, not an absent row.",
        )
        if estimator.graph == "precomputed":
            failed |= dict.fromkeys(PRECOMPUTED[is_classifier(estimator)], NO_AFFINITY)
    if isinstance(estimator, cluster.SpectralClustering):
        if estimator.graph == "precomputed":
            failed["check_clustering"] = NO_AFFINITY
        if estimator.assign_labels != "kmeans":
            failed["check_methods_sample_order_invariance"] = (
                "The check sets n_components=1; rotations take one vector a cluster."
            )
    return failed


@parametrize_with_checks(
    INSTANCES, expected_failed_checks=expected_failed_checks, xfail_strict=True
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("check", MORE_CHECKS)
@pytest.mark.parametrize("name", ESTIMATORS)
def test_more_checks(name, check, request):
    estimator = make(name)
    reason = expected_failed_checks(estimator).get(check)
    if reason is not None:
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
    getattr(estimator_checks, check)(name, estimator)


@pytest.mark.parametrize("check", TRANSFORMER_CHECKS)
@pytest.mark.parametrize(
    "name", [n for n in ESTIMATORS if hasattr(ESTIMATORS[n], "transform")]
)
def test_transformer_checks(name, check):
    getattr(estimator_checks, check)(name, make(name))


def test_variants_name_existing_classes():
    assert set(VARIANTS) | set(REQUIRED) <= set(ESTIMATORS)


# X holds the data that they factorize, whatever the graph: they refuse "precomputed".
DATA_ALONE = {"GraphRegularizedNMF", "SSNMF"}


@pytest.mark.parametrize(
    "name",
    [
        n
        for n in ESTIMATORS
        if "graph" in signature(ESTIMATORS[n]).parameters and n not in DATA_ALONE
    ],
)
def test_pairwise_tag_follows_the_graph(name):
    """Cross-validation cuts X on both sides where it relates rows to rows."""
    distances = NeighborsGraph(metric="precomputed")
    for graph, pairwise in ((None, False), ("precomputed", True), (distances, True)):
        tags = get_tags(make(name).set_params(graph=graph))
        assert tags.input_tags.pairwise is pairwise
