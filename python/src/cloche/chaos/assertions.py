"""Noticing assertions that hold: those of tests, of unittest, of the testing modules of libraries, and pytest.raises.

A test that goes on after a fault and asserts nothing shows no more than that nothing was raised.
"""

import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from _pytest.assertion import rewrite, util

from .injection import asserted
from .patching import Patches

# Modules whose functions `assert_...` are assertions.
TESTING = ("numpy.testing", "pandas.testing", "polars.testing", "torch.testing", "xarray.testing")


def watch() -> None:
    """Hear of each `assert` that holds, until the test is over.

    pytest's hook pytest_assertion_pass would do it for the whole session; but then each assertion is explained in words,
    which takes longer than a small test. pytest restores what it finds here after each test.
    """
    util._assertion_pass = lambda _line, _original, _explanation: asserted()  # noqa: SLF001


def install(patches: Patches, config: pytest.Config) -> None:
    """Have `assert` made so that it can tell when it holds, and wrap the functions that assert."""
    # pytest's own option for this, which only its configuration file can set; and a name of their own for the compiled
    # test modules, since those of an ordinary run are made without it.
    config._inicache["enable_assertion_pass_hook"] = True  # noqa: SLF001
    tail = rewrite.PYC_TAIL
    if not tail.startswith("-chaos"):
        rewrite.PYC_TAIL = f"-chaos{tail}"
    patches.when_imported("unittest.case", functools.partial(_install_unittest, patches))
    for name in TESTING:
        patches.when_imported(name, functools.partial(_install_module, patches))
    patches.replace(type(pytest.raises(Exception)), "__exit__", _noticing_exit)  # noqa: PT011 - only its class is taken
    patches.replace(type(pytest.warns(UserWarning)), "__exit__", _noticing_exit)  # noqa: PT030 - as above


def _install_unittest(patches: Patches, module: ModuleType) -> None:
    for name in dir(module.TestCase):
        if name.startswith("assert"):
            patches.replace(module.TestCase, name, _noticing)


def _install_module(patches: Patches, module: ModuleType) -> None:
    for name, value in list(vars(module).items()):
        if name.startswith("assert") and callable(value):
            patches.replace(module, name, _noticing)


def _noticing(original: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(*arguments: Any, **keywords: Any) -> Any:
        result = original(*arguments, **keywords)
        asserted()
        return result

    return wrapper


def _noticing_exit(original: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(*arguments: Any) -> Any:
        result = original(*arguments)
        # It fails by raising; False is an exception that it does not expect.
        if result or arguments[1] is None:
            asserted()
        return result

    return wrapper
