"""Which outcomes of a test are failures, for every verdict, record and selection; standard library only."""

# What the suite announced (xfailed) or did not dare to hope for (xpassed) is none, as for pytest.
HARMLESS = ("passed", "skipped", "xfailed", "xpassed")


def failing(outcome: str) -> bool:
    """Say whether an outcome counts as a failure: failed, error, flaky, crashed and whatever is not known to be none."""
    return outcome not in HARMLESS
