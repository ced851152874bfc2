"""The test-result predicate: what `packages.test-results` recorded, as a claim about the artifacts.

https://github.com/in-toto/attestation/blob/main/spec/predicates/test-result.md
"""

from typing import Any

from cloche.outcomes.failures import failing

# Nobody looked, or the suite said beforehand that it would fail; checks.tests prints both.
WARNED = ("skipped", "xfailed")

Json = dict[str, Any]


def predicate(outcomes: Json, configuration: list[Json]) -> Json:
    """Return the predicate for the content of an outcomes.json.

    FAILED is what makes checks.tests fail: a failed test, or none that passed. A quarantine, which checks.tests knows, is an
    agreement among those who work on the project; here the test failed. WARNED is a run in which all that ran
    did what was expected, but some were skipped or failed as expected.
    """
    tests = outcomes["tests"]
    passed = [entry["test"] for entry in tests if entry["outcome"] == "passed"]
    failed = [entry["test"] for entry in tests if failing(entry["outcome"])]
    warned = [entry["test"] for entry in tests if entry["outcome"] in WARNED]
    return {
        "result": "FAILED" if failed or not passed else "WARNED" if warned else "PASSED",
        "configuration": configuration,
        "passedTests": passed,
        "warnedTests": warned,
        "failedTests": failed,
    }
