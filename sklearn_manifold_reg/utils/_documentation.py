"""Where the pages of the estimators lie."""

from sklearn.base import BaseEstimator


class DocumentedEstimator(BaseEstimator):
    """Estimator whose HTML display links to its page in the API reference.

    All estimators of the package derive from it in place of scikit-learn's class.
    """

    _doc_link_module = "sklearn_manifold_reg"
    _doc_link_template = (
        "https://sklearn-manifold-reg.github.io/api/generated/"
        "{estimator_module}.{estimator_name}.html"
    )
