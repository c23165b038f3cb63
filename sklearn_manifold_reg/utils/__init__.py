"""Shared by every layer: input checks, the compiled-kernel gate, optional imports."""
