"""What all graph builders share."""

from typing import Any

from sklearn.base import (
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)

from sklearn_manifold_reg._arrays import CSR, asarray_like
from sklearn_manifold_reg.graph._connectivity import (
    connected_components,
    report_components,
)
from sklearn_manifold_reg.utils._documentation import DocumentedEstimator
from sklearn_manifold_reg.utils._sklearn import align_sparse_interface


class GraphBuilder(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, DocumentedEstimator
):
    """Estimator whose fit makes a graph of the rows of X.

    Subclasses define `fit`, which ends by `_store(affinity, connectivity)`, and
    `transform`.
    """

    def fit_transform(self, X: Any, y: Any = None, **params: Any) -> Any:
        """Build the graph and give its affinity.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)
            Rows.
        y : None
            Ignored.
        **params : dict
            None are known.

        Returns
        -------
        affinity : sparse array or matrix of shape (n_samples, n_samples)
            `affinity_`, in the sparse interface that scikit-learn is configured for.
        """
        return align_sparse_interface(self.fit(X, y, **params).affinity_)

    def _store(self, affinity: Any, connectivity: str = "warn") -> Any:
        """Keep the affinity and its components, and tell of several."""
        n_components, labels = connected_components(affinity)
        report_components(n_components, connectivity, type(self).__name__)
        self.affinity_ = affinity
        self.n_connected_components_ = n_components
        self.component_labels_ = labels
        if isinstance(affinity, CSR):
            self.component_labels_ = asarray_like(labels, affinity.data)
        return self

    @property
    def _n_features_out(self) -> int:
        affinity = self.affinity_
        return int(affinity.shape[0])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
