"""Every public name is documented as numpydoc asks."""

import doctest
import inspect
import re
from dataclasses import is_dataclass
from importlib import import_module
from pathlib import Path

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


def overrides_documented_method(name):
    """Whether a parent in this package documents parameters and result already."""
    owner, _, attribute = name.rpartition(".")
    if owner == sklearn_manifold_reg.__name__ or not inspect.isclass(resolve(owner)):
        return False
    parents = resolve(owner).__mro__[1:]
    package = sklearn_manifold_reg.__name__
    return any(
        "Returns\n" in (getattr(vars(parent).get(attribute), "__doc__", None) or "")
        for parent in parents
        if parent.__module__.startswith(package)
    )


def public_names():
    """Functions, classes and what classes of this package define in public."""
    package = sklearn_manifold_reg.__name__
    for name in sklearn_manifold_reg.__all__:
        if callable(getattr(sklearn_manifold_reg, name)):
            yield f"{package}.{name}"
    for init in sorted(
        Path(sklearn_manifold_reg.__file__).parent.glob("*/__init__.py")
    ):
        if init.parent.name.startswith("_"):
            continue
        module = import_module(f"{package}.{init.parent.name}")
        for name in module.__all__:
            thing = getattr(module, name)
            if not callable(thing):
                # Tables, such as NODE_KERNELS, have no docstring.
                continue
            yield f"{module.__name__}.{name}"
            if inspect.isclass(thing):
                yield from members(f"{module.__name__}.{name}", thing)


def members(name, thing):
    """Methods and properties, inherited ones of this package included."""
    found = {}
    for parent in thing.__mro__:
        if parent.__module__.startswith(sklearn_manifold_reg.__name__):
            found = vars(parent) | found
    for attribute, value in found.items():
        if not attribute.startswith("_") and (
            callable(value) or isinstance(value, (property, classmethod, staticmethod))
        ):
            yield f"{name}.{attribute}"


@pytest.mark.parametrize("name", list(public_names()))
def test_docstring_is_valid(name):
    errors = numpydoc_validate.validate(name)["errors"]
    allowed = set(ALLOWED)
    if is_dataclass(resolve(name)):
        # The fields stand under Attributes.
        allowed |= {"PR01"}
    if overrides_documented_method(name):
        # One line says what is different.
        allowed |= {"PR01", "RT01"}
    problems = [f"{code}: {text}" for code, text in errors if code not in allowed]
    assert not problems, "\n".join(problems)


def test_every_example_is_run():
    """What holds `>>>` is found by the finder that pytest uses, and skips nothing."""
    finder = doctest.DocTestFinder()
    run = {}
    for name in public_names():
        thing = resolve(name)
        examples = ">>>" in (getattr(thing, "__doc__", None) or "")
        if not examples or not hasattr(thing, "__module__"):
            continue
        module = import_module(thing.__module__)
        if module not in run:
            run[module] = {t.name for t in finder.find(module) if t.examples}
        assert f"{module.__name__}.{thing.__qualname__}" in run[module], name
        # Measured scenes are files that each user has to get.
        if not thing.__name__.startswith("fetch_"):
            assert "+SKIP" not in thing.__doc__, name
    assert run


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
