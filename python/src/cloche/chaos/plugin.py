"""The pytest plugin: `pytest --chaos --chaos-rate 0.10 --chaos-types network,database --chaos-seed 42`.

It is loaded by its entry point or by `-p cloche.chaos.plugin`, works without Nix, and does nothing without `--chaos`.
"""

import pytest

from .settings import SettingsError, checked

MARKERS = (
    "chaos_safe: never under chaos",
    "chaos_critical: under chaos, the first call that can fail always fails",
    "chaos_fragile(reason): known not to survive chaos; its failure after a fault is expected",
)
NAME = "cloche-chaos-session"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("chaos", "faults inside the operations of tests (cloche)")
    group.addoption("--chaos", action="store_true", help="let operations of tests fail, by chance that a seed decides")
    group.addoption(
        "--chaos-rate", default="0.10", metavar="SHARE", help="share of calls that fail, default: %(default)s"
    )
    group.addoption(
        "--chaos-types",
        default="random",
        metavar="TYPES",
        help="random (all), network, timeout, resource, database, filesystem, with commas between; default: %(default)s",
    )
    group.addoption(
        "--chaos-seed", default="0", metavar="NUMBER", help="decides all that is random, default: %(default)s"
    )
    group.addoption(
        "--chaos-only", default="", metavar="PACKAGES", help="only calls below functions of these packages or modules"
    )
    group.addoption(
        "--chaos-deadline",
        default="60",
        metavar="SECONDS",
        help="a test that takes longer is hung, default: %(default)s",
    )
    group.addoption("--chaos-native", action="store_true", help="also below Python, by libfiu, which must be preloaded")
    group.addoption("--chaos-report", metavar="FILE", help="write what fired, and what came of it, as JSON")


def start(config: pytest.Config, options: object) -> None:
    """Begin the session, once, where --chaos asks for it."""
    try:
        settings = checked(
            rate=getattr(options, "chaos_rate", "0.10"),
            types=getattr(options, "chaos_types", "random"),
            seed=getattr(options, "chaos_seed", "0"),
            only=getattr(options, "chaos_only", ""),
            deadline=getattr(options, "chaos_deadline", "60"),
            native=getattr(options, "chaos_native", False),
        )
    except SettingsError as error:
        raise pytest.UsageError(str(error)) from None
    if getattr(options, "chaos", False) and not config.pluginmanager.hasplugin(NAME):
        from .session import Session  # noqa: PLC0415 - costs time, which a run without chaos shall not pay

        config.pluginmanager.register(Session(config, settings, getattr(options, "chaos_report", None)), NAME)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Wrap the operations before the first module of the project is imported, which may take names from others."""
    start(early_config, early_config.known_args_namespace)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers; begin here where the plugin was loaded too late for initial conftests (pytest-xdist)."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    start(config, config.option)
