"""Shared by every layer: input checks, the compiled-kernel gate, optional imports."""

__all__ = ["all_estimators"]


def __getattr__(name):
    if name == "all_estimators":
        from sklearn_manifold_reg.utils._discovery import all_estimators

        return all_estimators
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
