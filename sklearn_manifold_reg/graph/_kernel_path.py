"""Kernels between the nodes of a graph, one or over a grid of parameters."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sklearn_manifold_reg.graph._node_kernel_measures import find_kernel
from sklearn_manifold_reg.graph._node_kernels import NodeKernels


def node_kernel(
    affinity: Any,
    kernel: str = "log_communicability",
    param: float = 0.5,
    *,
    param_scale: str = "flat",
    on_nonpositive: str = "warn",
) -> Any:
    """Compute a kernel, or proximity measure, between the nodes of a graph.

    Parameters
    ----------
    affinity : array, sparse array or matrix, CSR or Graph of shape (n, n)
        Symmetric, non-negative weights.
    kernel : str, default="log_communicability"
        One of `NODE_KERNELS`; the user guide has their formulas.
    param : float, default=0.5
        Parameter of the kernel. The larger it is, the farther nodes are seen from each
        other, except for "rsp", "free_energy" on the raw scale, and "sp_ct".
    param_scale : {"flat", "raw"}, default="flat"
        "flat" takes `param` for x in [0, 1), from which the parameter in the formula
        follows, so that one grid does for all kernels; "raw" takes it as it stands in
        the formula.
    on_nonpositive : {"warn", "raise", "nan"}, default="warn"
        What becomes of entries that have no logarithm: with "warn" the least logarithm
        minus 10.

    Returns
    -------
    K : array of shape (n, n)
        In the library, device and dtype of the affinity; computed in float64 where the
        device has it. "ppr" and "heat_ppr" and their logarithms are not symmetric.

    Raises
    ------
    ValueError
        If the affinity or the parameter is out of range, the graph has several
        components or isolated nodes that the kernel does not allow, or entries without
        logarithm meet `on_nonpositive="raise"`.

    Warns
    -----
    UserWarning
        If the affinity is not symmetric, the kernel overflows and is divided by its
        norm, or entries have no logarithm.

    See Also
    --------
    kernel_path : A grid of parameters.
    kernel_to_distance : Distances that belong to a kernel.

    Notes
    -----
    Inverses take a Cholesky factorization, n³ operations. Exponentials take a power
    series of products with the sparse weights, and squarings of n³ operations each, or
    an eigendecomposition if that is expected to be faster.

    Logarithms show small entries as large as others, so those have to be accurate
    relative to themselves. Power series and inverses of these matrices add numbers of
    one sign only and are; entries of products of eigenvectors are checked, and computed
    again by a series where they are too small for that.

    Memory is three (n, n) arrays in float64.

    References
    ----------
    .. [1] V. Ivashkin, P. Chebotarev, "Do logarithmic proximity measures outperform
       plain ones in graph clustering?", 2016, arXiv:1605.01046.
    .. [2] V. Ivashkin, P. Chebotarev, "Dissecting graph measure performance for node
       clustering in LFR parameter space", 2022, arXiv:2202.09827.

    Examples
    --------
    >>> from scipy import sparse
    >>> from sklearn_manifold_reg.graph import node_kernel
    >>> path = sparse.diags_array([1.0, 1.0], offsets=[-1, 1], shape=(3, 3))
    >>> node_kernel(path, "heat", 1.0, param_scale="raw").round(3)
    array([[0.526, 0.317, 0.158],
           [0.317, 0.367, 0.317],
           [0.158, 0.317, 0.526]])
    """
    return NodeKernels(affinity).compute(
        kernel, param, param_scale=param_scale, on_nonpositive=on_nonpositive
    )


def kernel_path(
    affinity: Any,
    kernel: str | Sequence[str],
    params: Iterable[float],
    *,
    param_scale: str = "flat",
    on_nonpositive: str = "warn",
    copy: bool = True,
) -> Iterator[Any]:
    """Compute kernels between nodes over a grid of parameters.

    Parameters
    ----------
    affinity : array, sparse array or matrix, CSR, Graph or NodeKernels of shape (n, n)
        Symmetric, non-negative weights.
    kernel : str or sequence of str
        One or several of `NODE_KERNELS`.
    params : iterable of float
        Parameters; kernels without one are given once.
    param_scale : {"flat", "raw"}, default="flat"
        See `node_kernel`.
    on_nonpositive : {"warn", "raise", "nan"}, default="warn"
        See `node_kernel`.
    copy : bool, default=True
        Whether each kernel is an array of its own. With False, asking for the next one
        may overwrite it, which saves the time of fresh memory.

    Returns
    -------
    kernels : iterator of array of shape (n, n)
        For one kernel after another, one parameter after another. Each is computed when
        it is asked for.

    Raises
    ------
    ValueError
        As `node_kernel`; for parameters before anything is computed.

    See Also
    --------
    node_kernel : One kernel.
    NodeKernels : Kernels of one graph with a grid for each.

    Notes
    -----
    Exponentials of all parameters take one eigendecomposition, if that is expected to
    be faster than a series for each, and n³ operations for each. Kernels that follow
    each other in `NODE_KERNELS` share it. Inverses gain nothing from eigenvectors,
    which would take as many operations to be multiplied.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.graph import kernel_path
    >>> triangle = np.ones((3, 3)) - np.eye(3)
    >>> for K in kernel_path(triangle, "heat", [0.2, 0.8]):
    ...     print(K[0].round(3))
    [0.792 0.104 0.104]
    [0.335 0.333 0.333]
    """
    graph = affinity if isinstance(affinity, NodeKernels) else NodeKernels(affinity)
    names = [kernel] if isinstance(kernel, str) else list(kernel)
    grid = [float(param) for param in params]
    # Parameters of all kernels are checked before the first is computed.
    paths = [
        graph.path(
            name,
            grid if find_kernel(name).scale is not None else [0.0],
            param_scale=param_scale,
            on_nonpositive=on_nonpositive,
            copy=copy,
        )
        for name in names
    ]
    return (K for path in paths for K in path)
