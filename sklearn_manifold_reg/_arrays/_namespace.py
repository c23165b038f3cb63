"""Which array library an array belongs to, and how to move arrays between them."""

from types import ModuleType
from typing import Any

import array_api_compat
import numpy as np


def get_namespace(*arrays: Any) -> ModuleType:
    """Namespace of what a user passed, under scikit-learn's own switch.

    Parameters
    ----------
    *arrays : arrays
        Arrays of one library. None is passed over.

    Returns
    -------
    xp : module
        NumPy, unless `sklearn.config_context(array_api_dispatch=True)` holds.
    """
    from sklearn_manifold_reg.utils._sklearn import get_namespace as dispatched

    xp, _ = dispatched(*(array for array in arrays if array is not None))
    return xp


def namespace_of(*arrays: Any) -> ModuleType:
    """Namespace of arrays that this package made itself, whatever the switch says.

    Parameters
    ----------
    *arrays : arrays
        Arrays of one library. None is passed over.

    Returns
    -------
    xp : module
        A namespace of the array API standard.

    Raises
    ------
    TypeError
        If the arrays belong to several libraries or to none.
    """
    return array_api_compat.array_namespace(*(a for a in arrays if a is not None))


def is_numpy(xp: ModuleType) -> bool:
    """Whether a namespace is NumPy's, or its wrapper in array_api_compat.

    Parameters
    ----------
    xp : module
        A namespace.

    Returns
    -------
    numpy : bool
        True for NumPy.
    """
    # scikit-learn wraps NumPy in a copy of array_api_compat of its own.
    wrapped = xp.__name__.endswith("array_api_compat.numpy")
    return wrapped or array_api_compat.is_numpy_namespace(xp)


def device(x: Any) -> Any:
    """Device that holds an array.

    Parameters
    ----------
    x : array
        Array of any library.

    Returns
    -------
    device : object
        The library's own device object; "cpu" for NumPy.
    """
    return array_api_compat.device(x)


def to_numpy(x: Any) -> np.ndarray:
    """Copy an array to the host, because what comes next knows NumPy only.

    Parameters
    ----------
    x : array
        Array of any library.

    Returns
    -------
    array : ndarray
        The same values; `x` itself if it is a NumPy array.
    """
    if isinstance(x, np.ndarray):
        return x
    if array_api_compat.is_torch_array(x):
        return x.detach().cpu().numpy()
    if array_api_compat.is_cupy_array(x):
        return x.get()
    if array_api_compat.is_array_api_obj(x):
        return np.from_dlpack(x.to_device(_host_device(x)))
    return np.asarray(x)


def _host_device(x: Any) -> Any:
    devices = namespace_of(x).__array_namespace_info__().devices()
    return next(d for d in devices if "cpu" in str(d).lower())


def asarray_like(x: Any, reference: Any) -> Any:
    """Move an array to the library and device of another.

    Parameters
    ----------
    x : array or scalar
        Host array, or array of the reference's own library.
    reference : array
        Array whose library, device and floating dtype are taken.

    Returns
    -------
    array : array
        Floating-point values in the reference's dtype, if that is floating;
        integers and booleans in their own.
    """
    xp = namespace_of(reference)
    host = x if array_api_compat.is_array_api_obj(x) else np.asarray(x)
    if not isinstance(host, np.ndarray) and namespace_of(host) is not xp:
        host = to_numpy(host)
    if isinstance(host, np.ndarray):
        floating = host.dtype.kind == "f"
        dtype = getattr(xp, host.dtype.name)
    else:
        floating = xp.isdtype(host.dtype, "real floating")
        dtype = host.dtype
    if floating and xp.isdtype(reference.dtype, "real floating"):
        dtype = reference.dtype
    return xp.asarray(host, dtype=dtype, device=device(reference))


def float_dtypes(X: Any) -> list[Any]:
    """Floating dtypes that estimators keep, the default for integers first.

    Parameters
    ----------
    X : array-like or sparse array
        What a user passed.

    Returns
    -------
    dtypes : list of dtype
        float64, where the device has it, and float32, of the library of X under
        scikit-learn's own switch.
    """
    xp = get_namespace(X) if array_api_compat.is_array_api_obj(X) else np
    if is_numpy(xp):
        return [np.float64, np.float32]
    info = xp.__array_namespace_info__()
    known = info.dtypes(device=device(X), kind="real floating")
    return [known[name] for name in ("float64", "float32") if name in known]
