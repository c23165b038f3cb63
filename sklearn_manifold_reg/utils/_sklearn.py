"""The one module that names private parts of scikit-learn."""

from sklearn.base import _fit_context as validate_params_on_fit
from sklearn.utils._array_api import (
    check_same_namespace,
    get_namespace,
    get_namespace_and_device,
    move_to,
)
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    Options,
    StrOptions,
    validate_params,
)
from sklearn.utils._sparse import _align_api_if_sparse as align_sparse_interface
from sklearn.utils.validation import _check_sample_weight as check_sample_weight

__all__ = [
    "HasMethods",
    "Interval",
    "Options",
    "StrOptions",
    "align_sparse_interface",
    "check_same_namespace",
    "check_sample_weight",
    "get_namespace",
    "get_namespace_and_device",
    "move_to",
    "validate_params",
    "validate_params_on_fit",
]
