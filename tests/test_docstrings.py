"""Every public name is documented as numpydoc asks."""

import inspect
import re
from dataclasses import is_dataclass

import pytest

import sklearn_manifold_reg
from sklearn_manifold_reg.utils import all_estimators

numpydoc_validate = pytest.importorskip("numpydoc.validate")

# As in [tool.numpydoc_validation]: what numpydoc finds beyond these is an error.
# ES01, EX01, SA01: extended summaries, examples and see-also where they help.
# GL01: summaries start on the first line. GL08: inherited and trivial methods.
# RT02, PR06, SA04: scikit-learn's own manner of writing types.
ALLOWED = {"ES01", "EX01", "SA01", "GL01", "GL08", "RT02", "PR06", "SA04"}


def resolve(name):
    thing = sklearn_manifold_reg
    for part in name.split(".")[1:]:
        thing = getattr(thing, part)
    return thing


def public_names():
    for subpackage in sklearn_manifold_reg.__all__:
        module = getattr(sklearn_manifold_reg, subpackage)
        for name in getattr(module, "__all__", ()):
            thing = getattr(module, name)
            yield f"{module.__name__}.{name}"
            if inspect.isclass(thing):
                for attribute, value in vars(thing).items():
                    if not attribute.startswith("_") and callable(value):
                        yield f"{module.__name__}.{name}.{attribute}"


@pytest.mark.parametrize("name", list(public_names()))
def test_docstring_is_valid(name):
    errors = numpydoc_validate.validate(name)["errors"]
    # The fields of a dataclass stand under Attributes.
    allowed = ALLOWED | ({"PR01"} if is_dataclass(resolve(name)) else set())
    problems = [f"{code}: {text}" for code, text in errors if code not in allowed]
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize(("name", "estimator"), all_estimators())
def test_parameters_are_documented_in_the_order_of_the_signature(name, estimator):
    signature = list(inspect.signature(estimator).parameters)
    assert list(documented(estimator.__doc__, "Parameters")) == signature


def documented(docstring, section):
    """Names listed in a numpydoc section."""
    found = re.search(
        rf"^\s*{section}\n\s*-+\n(.*?)(?=^\s*\w[\w ]*\n\s*-+\n|\Z)",
        inspect.cleandoc(docstring),
        flags=re.DOTALL | re.MULTILINE,
    )
    text = found.group(1) if found else ""
    return [
        name.strip()
        for line in text.splitlines()
        if line and not line[0].isspace()
        for name in line.split(":")[0].split(",")
    ]
