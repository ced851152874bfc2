"""Licences of packages as SPDX expressions, from what METADATA says.

PEP 639's License-Expression is taken as it is. Before PEP 639 there were the free text "License" and the classifiers.
All that is said counts, and the whole is unknown as soon as one part is: an expression holds what the text and each
classifier name, joined by AND, since it is not known whether several of them are a choice. A text or classifier
that stands for a family ("BSD", "GNU General Public License (GPL)") says less than SPDX needs; it is met by a member of
the family that is named beside it, and unknown alone.

Some projects put the whole text of their licence into the field (license_texts.py), some with "License: ..." lines for
what is bundled (as in SciPy's), each of which counts, too.
"""

import re
from dataclasses import dataclass, field

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.metadata import RawMetadata

from cloche.lock.license_texts import license_of_text

# PEP 639 calls some of these ambiguous. "v3" without "or later" is read as the narrower one, which no policy allows by
# mistake; and whoever has the classifier of the Apache licence and says more than that says 2.0.
_CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "Boost Software License 1.0 (BSL-1.0)": "BSL-1.0",
    "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication": "CC0-1.0",
    "Eclipse Public License 2.0 (EPL-2.0)": "EPL-2.0",
    "GNU Affero General Public License v3": "AGPL-3.0-only",
    "GNU Affero General Public License v3 or later (AGPLv3+)": "AGPL-3.0-or-later",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Lesser General Public License v2 (LGPLv2)": "LGPL-2.0-only",
    "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "Historical Permission Notice and Disclaimer (HPND)": "HPND",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Mozilla Public License 1.1 (MPL 1.1)": "MPL-1.1",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "Universal Permissive License (UPL)": "UPL-1.0",
    "zlib/libpng License": "Zlib",
}
# Free texts, after `_plain`.
_SPELLINGS = {
    "0bsd": "0BSD",
    "2 clause bsd": "BSD-2-Clause",
    "3 clause bsd": "BSD-3-Clause",
    "apache": "Apache-2.0",
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache software 2.0": "Apache-2.0",
    "bsd 2 clause": "BSD-2-Clause",
    "bsd 3 clause": "BSD-3-Clause",
    "expat": "MIT",
    "isc": "ISC",
    "mit": "MIT",
    "modified bsd": "BSD-3-Clause",
    "mozilla public 2.0": "MPL-2.0",
    "new bsd": "BSD-3-Clause",
    "psf": "PSF-2.0",
    "psfl": "PSF-2.0",
    "python software foundation": "PSF-2.0",
    "revised bsd": "BSD-3-Clause",
    "simplified bsd": "BSD-2-Clause",
}
# What says no more than a family: the beginnings of its members' identifiers.
_FAMILIES = {
    "academic free afl": ("AFL-",),
    "artistic": ("Artistic-",),
    "bsd": ("BSD-", "0BSD"),
    "bsd like": ("BSD-",),
    "gnu free documentation fdl": ("GFDL-",),
    "gnu general public gpl": ("GPL-",),
    "gnu library or lesser general public lgpl": ("LGPL-",),
    "gpl": ("GPL-",),
    "lgpl": ("LGPL-",),
    "mit mit": ("MIT",),
    "zope public": ("ZPL-",),
}
# What says nothing about a licence.
_SILENT = {"", "dfsg approved", "file", "none", "osi approved", "see", "see file", "unknown"}
# What says that there are several, which the classifiers then name.
_DUAL = {"dual", "dual licensed"}
_BUNDLED = re.compile(r"^\s*License:\s*(?P<name>\S.*?)\s*$", re.MULTILINE)
_FIELD = re.compile(r"^\s*[A-Z][a-z]+: .*$", re.MULTILINE)
_BUNDLES = re.compile(
    r"\s+[-\s]*This binary distribution( of \w+)?( can)? also bundles?( the following software)?[^.]{0,40}$"
)
_NOISE = re.compile(r"\b(the|licen[cs]e[ds]?(\.(md|rst|txt))?)\b|[\"'(),]")
_VERSION = re.compile(r"\bversion\b|(?<![0-9.])v(?=\d)")
# A whole licence in the field, instead of its name, is told by its length.
_NAME_LENGTH = 100


@dataclass
class _Said:
    """What is said of one package: known expressions, families of which one member must be among them, and doubts."""

    expressions: set[str] = field(default_factory=set)
    families: list[tuple[str, ...]] = field(default_factory=list)
    several: bool = False
    unknown: bool = False

    def add(self, text: str, *, known: str | None) -> None:
        """Add a text or classifier, whose expression is `known` or has to be found."""
        plain = _plain(text)
        if known is not None:
            self.expressions.add(known)
        elif plain in _FAMILIES:
            self.families.append(_FAMILIES[plain])
        elif plain in _DUAL:
            self.several = True
        elif plain not in _SILENT:
            self.unknown = True

    def expression(self) -> str | None:
        """Return all that is said as one expression, or None when a part of it is not known."""
        names = {name for expression in self.expressions for name in _names(expression)}
        met = all(any(name.startswith(family) for name in names) for family in self.families)
        if self.unknown or not met or (self.several and len(names) < 2):  # noqa: PLR2004 - "dual"
            return None
        # What is a part of a longer expression has been said there, with how it is meant.
        longer = {name for each in self.expressions if len(_names(each)) > 1 for name in _names(each)}
        return _joined(sorted(self.expressions - longer)) or None


def license_of(metadata: RawMetadata) -> str | None:
    """Return the SPDX expression that the metadata supports, or None."""
    if text := metadata.get("license_expression"):
        return _spdx(text)
    said = _Said()
    text = metadata.get("license") or ""
    said.add(text, known=_expression(text))
    for classifier in metadata.get("classifiers", ()):
        parts = [part.strip() for part in classifier.split("::")]
        if parts[0].lower() == "license":
            said.add(parts[-1], known=_CLASSIFIERS.get(parts[-1]))
    return said.expression()


def _expression(text: str) -> str | None:
    if len(text) > _NAME_LENGTH:
        return _of_whole_text(text)
    return _spdx(text) or _SPELLINGS.get(_plain(text)) or _NAMES.get(_plain(text))


def _spdx(text: str) -> str | None:
    try:
        return str(canonicalize_license_expression(" ".join(text.split())))
    except InvalidLicenseExpression:
        return None


def _of_whole_text(text: str) -> str | None:
    bundled = list(_BUNDLED.finditer(text))
    own = text[: bundled[0].start()] if bundled else text
    if bundled:
        own = _BUNDLES.sub("", _FIELD.sub("", own).rstrip())
    parts = [license_of_text(own), *(_expression(match["name"]) for match in bundled)]
    known = [part for part in parts if part is not None]
    return _joined([known[0], *sorted(set(known[1:]) - {known[0]})]) if len(known) == len(parts) else None


def _joined(expressions: list[str]) -> str:
    if len(expressions) < 2:  # noqa: PLR2004 - one needs no brackets
        return "".join(expressions)
    return " AND ".join(f"({each})" if " OR " in each else each for each in expressions)


def _names(expression: str) -> list[str]:
    """Return the licences in an expression, each with its exception."""
    return re.split(r" (?:AND|OR) ", expression.replace("(", "").replace(")", ""))


def _plain(text: str) -> str:
    """Return what matters of a name: "GNU GPL v3", "GNU GPLv3" and "GNU GPL, version 3" are all "gnu gpl 3"."""
    words = _NOISE.sub(" ", text.lower().replace("-", " "))
    return " ".join(_VERSION.sub(" ", words).split())


# The classifiers' names and the abbreviations in them, as free texts have them, too.
_NAMES = {_plain(name): spdx for name, spdx in _CLASSIFIERS.items()} | {
    _plain(match[1]): spdx for name, spdx in _CLASSIFIERS.items() if (match := re.search(r"\((.+)\)$", name))
}
