"""Names, formulas and parameters of kernels between the nodes of a graph."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Span:
    """Interval of the values that a parameter may take.

    Attributes
    ----------
    low, high : float
        Ends.
    closed : {"left", "neither", "both"}
        Which ends belong to it.
    """

    low: float
    high: float
    closed: str

    def __contains__(self, value: float) -> bool:
        above = value > self.low or (self.closed != "neither" and value == self.low)
        below = value < self.high or (self.closed == "both" and value == self.high)
        return above and below

    def __str__(self) -> str:
        left = "(" if self.closed == "neither" else "["
        right = "]" if self.closed == "both" else ")"
        return f"{left}{self.low:.4g}, {self.high:.4g}{right}"


@dataclass(frozen=True)
class ParameterScale:
    """Raw parameter of a kernel, and the flat one that grids are laid over.

    Attributes
    ----------
    letter : str
        Raw parameter in formulas.
    formula : str
        Raw parameter as a function of the flat one, x; rho is the spectral radius of
        the weights.
    flat, raw : Span
        Values that each may take.
    convert : callable
        `convert(x, rho)` gives the raw parameter.
    """

    letter: str
    formula: str
    flat: Span
    raw: Span
    convert: Callable[[float, float], float]


_INFINITY = float("inf")
_UNIT = Span(0.0, 1.0, "left")
_POSITIVE = Span(0.0, _INFINITY, "left")
_TIME = ParameterScale(
    "t", "x / (2 (1 - x))", _UNIT, _POSITIVE, lambda x, _: x / (2 * (1 - x))
)
_GAIN = ParameterScale("a", "x / (2 (1 - x))", _UNIT, _POSITIVE, _TIME.convert)
_WALK = ParameterScale(
    # Raw values end at 1 / rho, which `check_katz` knows.
    "t",
    "x / rho",
    _UNIT,
    _POSITIVE,
    lambda x, rho: x / rho if rho > 0 else 0.0,
)
_ABSORPTION = ParameterScale(
    "t",
    "x / (2 (1 - x))",
    Span(0.0, 2 / 3, "neither"),
    Span(0.0, 1.0, "neither"),
    _TIME.convert,
)
_RESTART = ParameterScale("a", "x", _UNIT, _UNIT, lambda x, _: x)
_INVERSE = ParameterScale(
    "beta",
    "(1 - x) / x",
    Span(0.0, 1.0, "neither"),
    Span(0.0, _INFINITY, "neither"),
    lambda x, _: (1 - x) / x,
)
_MIXTURE = ParameterScale(
    "x", "x", Span(0.0, 1.0, "both"), Span(0.0, 1.0, "both"), lambda x, _: x
)


@dataclass(frozen=True)
class NodeKernel:
    """What is known of a kernel between nodes before any graph is seen.

    Attributes
    ----------
    name : str
        Name, as `node_kernel` takes it.
    formula : str
        The kernel in terms of the weights A, degrees D, Laplacian L = D - A, random
        walk P = D^-1 A and its parameter.
    scale : ParameterScale or None
        Its parameter; None if there is none.
    logarithmic : bool
        Whether it is the entrywise logarithm of another kernel.
    symmetric : bool
        Whether the matrix is symmetric.
    connected : bool
        Whether the graph has to be in one piece.
    rooted : bool
        Whether its distance is the root of what the conversion gives.
    """

    name: str
    formula: str
    scale: ParameterScale | None = None
    logarithmic: bool = False
    symmetric: bool = True
    connected: bool = False
    rooted: bool = False

    @property
    def base(self) -> str:
        """Name of the kernel whose logarithm this is, or its own name."""
        return self.name.removeprefix("log_") if self.logarithmic else self.name

    def raw_param(
        self, param: float, param_scale: str = "flat", spectral_radius: float = 1.0
    ) -> float | None:
        """Turn a parameter into the one that stands in the formula.

        Parameters
        ----------
        param : float
            Parameter.
        param_scale : {"flat", "raw"}, default="flat"
            What it means.
        spectral_radius : float, default=1.0
            Of the weights; only "katz" and "log_katz" look at it.

        Returns
        -------
        raw : float or None
            None if the kernel has no parameter.

        Raises
        ------
        ValueError
            If the parameter is outside of its range, or `param_scale` is unknown.
        """
        if param_scale not in ("flat", "raw"):
            raise ValueError(
                f"param_scale must be 'flat' or 'raw', got {param_scale!r}."
            )
        scale = self.scale
        if scale is None:
            return None
        value = float(param)
        allowed = scale.flat if param_scale == "flat" else scale.raw
        if value not in allowed:
            raise ValueError(
                f"param={value:g} is outside of {allowed}, the range of the "
                f"{param_scale} parameter of kernel={self.name!r}.{self._advice()}"
            )
        if param_scale == "flat":
            return scale.convert(value, spectral_radius)
        if self.base == "katz" and value * spectral_radius >= 1:
            raise ValueError(
                f"param={value:g} is too large for kernel={self.name!r}: its sum over "
                "walks has a limit only below 1 / spectral_radius = "
                f"{1 / spectral_radius:.6g} on this graph. With param_scale='flat' the "
                "parameter is a share of that."
            )
        return value

    def _advice(self) -> str:
        if self.base != "absorption":
            return ""
        return (
            " At 0 the matrix has no inverse, and kernel='commute' is the limit of "
            "what can be told apart; from t = 1 on nodes repel their neighbors."
        )


def _with_logarithm(
    name: str,
    formula: str,
    scale: ParameterScale,
    *,
    symmetric: bool = True,
    rooted: bool = False,
) -> tuple[NodeKernel, NodeKernel]:
    plain = NodeKernel(name, formula, scale, symmetric=symmetric, rooted=rooted)
    log = NodeKernel(
        f"log_{name}",
        f"log {formula}, entry by entry",
        scale,
        logarithmic=True,
        symmetric=symmetric,
        rooted=rooted,
    )
    return plain, log


# Kernels of one matrix stand together, so that one decomposition after another serves
# whoever runs through all of them.
_KERNELS = (
    *_with_logarithm("katz", "(I - t A)^-1", _WALK),
    *_with_logarithm("communicability", "exp(t A)", _TIME, rooted=True),
    *_with_logarithm("double_factorial", "sum_k (t A)^k / k!!", _TIME),
    *_with_logarithm("forest", "(I + t L)^-1", _TIME),
    *_with_logarithm("heat", "exp(-t L)", _TIME),
    NodeKernel("commute", "L^+", connected=True),
    NodeKernel("sigmoid_commute", "1 / (1 + exp(-a L^+ / s))", _GAIN, connected=True),
    *_with_logarithm("normalized_heat", "exp(-t (I - D^-1/2 A D^-1/2))", _TIME),
    *_with_logarithm("heat_ppr", "exp(-t (I - P))", _TIME, symmetric=False),
    *_with_logarithm("ppr", "(I - a P)^-1", _RESTART, symmetric=False),
    *_with_logarithm("modified_ppr", "(D - a A)^-1", _RESTART),
    *_with_logarithm("absorption", "(t A + L)^-1", _ABSORPTION),
    NodeKernel("corrected_commute", "H D^-1/2 M (I - M)^+ M D^-1/2 H"),
    NodeKernel(
        "sigmoid_corrected_commute",
        "1 / (1 + exp(-a K / s)), K that of corrected_commute",
        _GAIN,
    ),
    NodeKernel("rsp", "-1/2 H C H, C expected costs", _INVERSE, connected=True),
    NodeKernel("free_energy", "-1/2 H F H, F free energies", _INVERSE, connected=True),
    NodeKernel("shortest_path", "-1/2 H S H, S shortest paths", connected=True),
    NodeKernel("sp_ct", "x K_shortest_path + (1 - x) 2 L^+", _MIXTURE, connected=True),
)

NODE_KERNELS: Mapping[str, NodeKernel] = MappingProxyType(
    {kernel.name: kernel for kernel in _KERNELS}
)


def compared_node_kernels() -> tuple[str, ...]:
    """Name the 25 kernels of a published comparison of clusterings by them.

    Returns
    -------
    names : tuple of str
        All of `NODE_KERNELS` with a parameter, in the same order.

    References
    ----------
    V. Ivashkin, P. Chebotarev, "Dissecting graph measure performance for node
    clustering in LFR parameter space", 2022, arXiv:2202.09827.

    Examples
    --------
    >>> from sklearn_manifold_reg.graph import compared_node_kernels
    >>> len(compared_node_kernels())
    25
    """
    return tuple(name for name, kernel in NODE_KERNELS.items() if kernel.scale)


def find_kernel(name: str) -> NodeKernel:
    """Look a kernel up.

    Parameters
    ----------
    name : str
        One of `NODE_KERNELS`.

    Returns
    -------
    kernel : NodeKernel
        What is known of it.

    Raises
    ------
    ValueError
        If there is none of this name.
    """
    if name not in NODE_KERNELS:
        raise ValueError(
            f"kernel={name!r} is unknown; choose one of {', '.join(NODE_KERNELS)}."
        )
    return NODE_KERNELS[name]
