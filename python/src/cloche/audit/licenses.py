"""Licence policy: whether what an expression demands is denied (library license-expression, SPDX's list)."""

from fnmatch import fnmatchcase
from typing import Any

from license_expression import ExpressionError, LicenseWithExceptionSymbol, get_spdx_licensing

from cloche.audit.policy import Policy, PolicyError


class LicensePolicy:
    """Judges licence expressions by what a policy denies.

    Of licences joined by OR one may be chosen, so all must be denied for a fault; of those joined by AND every one
    counts. A licence WITH an exception counts as the licence, unless the policy permits exactly this pair.
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
        return str(tree) if any(fnmatchcase(name, pattern) for pattern in self.policy.denied) else ""
