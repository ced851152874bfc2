"""Licence policy: whether what an expression demands is denied (library license-expression, SPDX's list)."""

import re
from fnmatch import fnmatchcase
from typing import Any

from license_expression import ExpressionError, LicenseWithExceptionSymbol, get_spdx_licensing
from packaging.version import Version

from cloche.audit.policy import Policy, PolicyError

# As SPDX names the licences that tell one version from it and all later ones: GPL-2.0-only, GFDL-1.1-invariants-or-later.
_VERSIONED = re.compile(r"(?P<family>[A-Z]+)-(?P<version>\d+\.\d+)(?P<variant>(-[a-z]+)*?)-(?P<end>only|or-later)")


class LicensePolicy:
    """Judges licence expressions by what a policy denies.

    Of licences joined by OR one may be chosen, so all must be denied for a fault; of those joined by AND every one
    counts. A licence WITH an exception counts as the licence, unless the policy permits exactly this pair.

    SPDX's `X-or-later` offers a choice among X and its later versions, so it is denied where each version of SPDX's list
    that one may choose is: AGPL-3.0-or-later by AGPL-3.0-only, and GPL-2.0-or-later not by GPL-2.0-only, since GPL-3.0-only
    remains. A policy that denies `X-or-later` denies each of these versions.
    """

    def __init__(self, policy: Policy) -> None:
        """Raise PolicyError for a denied or permitted licence that SPDX's list does not have: a typing error."""
        self.policy = policy
        self.licensing = get_spdx_licensing()
        names = {str(symbol) for symbol in self.licensing.known_symbols.values()}
        for pattern in policy.denied:
            if not any(fnmatchcase(name, pattern) for name in names):
                message = f"licenses.denied has {pattern!r}, which matches no licence of SPDX's list"
                raise PolicyError(message)
        matched = {name for name in names if any(fnmatchcase(name, pattern) for pattern in policy.denied)}
        later = {name: versions for name in names if (versions := _later(name, names))}
        self.denied = matched.union(*(later[name] for name in matched if name in later))
        self.denied |= {name for name, versions in later.items() if versions <= self.denied}
        for text in policy.permitted:
            if self._parse(text) is None:
                message = f"licenses.permitted has {text!r}, which is no expression of SPDX's licences"
                raise PolicyError(message)

    def fault(self, expression: str | None) -> str | None:
        """Return what is denied of an expression, in words, "" where nothing is, or None where it is not known."""
        tree = self._parse(expression) if expression else None
        return None if tree is None else self._denied(tree)

    def _parse(self, expression: str) -> Any:  # noqa: ANN401 - the library has no types
        try:
            return self.licensing.parse(expression, validate=True, strict=True)
        except (ExpressionError, RecursionError):
            return None

    def _denied(self, tree: Any) -> str:  # noqa: ANN401
        if isinstance(tree, self.licensing.OR):
            faults = [self._denied(part) for part in tree.args]
            return " or ".join(faults) if all(faults) else ""
        if isinstance(tree, self.licensing.AND):
            return " and ".join(filter(None, (self._denied(part) for part in tree.args)))
        if str(tree) in self.policy.permitted:
            return ""
        name = str(tree.license_symbol if isinstance(tree, LicenseWithExceptionSymbol) else tree)
        return str(tree) if name in self.denied else ""


def _later(name: str, names: set[str]) -> set[str]:
    """Return the licences, of one version each, among which `name` lets one choose; none unless it ends in -or-later."""
    own = _VERSIONED.fullmatch(name)
    if own is None or own["end"] != "or-later":
        return set()
    others = {other: match for other in names if (match := _VERSIONED.fullmatch(other)) and match["end"] == "only"}
    return {
        other
        for other, match in others.items()
        if (match["family"], match["variant"]) == (own["family"], own["variant"])
        and Version(match["version"]) >= Version(own["version"])
    }
