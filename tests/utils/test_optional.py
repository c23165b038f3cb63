"""Optional packages."""

import math

import pytest

from sklearn_manifold_reg.utils._optional import import_optional


def test_an_installed_package_is_imported():
    assert import_optional("math", extra="none", purpose="This test") is math


def test_a_missing_package_names_its_extra():
    with pytest.raises(ImportError, match=r"^Drawing needs nonesuch.*\[plot\]"):
        import_optional("nonesuch.sub", extra="plot", purpose="Drawing")
