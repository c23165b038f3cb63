"""The array API seam: namespaces, one sparse matrix per library, what is missing."""

from sklearn_manifold_reg._arrays._block import (
    column_dots,
    column_norms,
    descend,
    subtract,
    turn,
)
from sklearn_manifold_reg._arrays._csr import CSR, csr_like
from sklearn_manifold_reg._arrays._fft import irfftn, rfftn
from sklearn_manifold_reg._arrays._namespace import (
    asarray_like,
    device,
    float_dtypes,
    get_namespace,
    is_numpy,
    namespace_of,
    to_numpy,
)
from sklearn_manifold_reg._arrays._one_hot import one_hot
from sklearn_manifold_reg._arrays._topk import smallest_k

__all__ = [
    "CSR",
    "asarray_like",
    "column_dots",
    "column_norms",
    "csr_like",
    "descend",
    "device",
    "float_dtypes",
    "get_namespace",
    "irfftn",
    "is_numpy",
    "namespace_of",
    "one_hot",
    "rfftn",
    "smallest_k",
    "subtract",
    "to_numpy",
    "turn",
]
