"""Licences of packages as SPDX expressions, from what METADATA says.

PEP 639's License-Expression is taken as it is. Before PEP 639 there were the free text "License" and
the classifiers: an SPDX expression in the free text is taken, else a well-known spelling of one, else
the classifiers, of which several mean a choice of licences is not known and so are joined by AND. A
classifier that stands for a family ("BSD License") says less than SPDX needs, so it gives nothing.

Some projects put the whole text of their licence into the field. It is known by the sentences that are
peculiar to it, and the "License: ..." lines of what is bundled (as in SciPy's) are joined by AND.
"""

import re

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.metadata import RawMetadata

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
    "Zope Public License": "ZPL-2.1",
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
    "apache software version 2.0": "Apache-2.0",
    "apache version 2.0": "Apache-2.0",
    "bsd 2 clause": "BSD-2-Clause",
    "bsd 3 clause": "BSD-3-Clause",
    "expat": "MIT",
    "isc": "ISC",
    "lgplv3+": "LGPL-3.0-or-later",
    "mit": "MIT",
    "modified bsd": "BSD-3-Clause",
    "mozilla public 2.0": "MPL-2.0",
    "mpl 2.0": "MPL-2.0",
    "new bsd": "BSD-3-Clause",
    "psf": "PSF-2.0",
    "python software foundation": "PSF-2.0",
    "simplified bsd": "BSD-2-Clause",
}
# Sentences of whole licences, the more particular first; all of one entry must be there.
_TEXTS = (
    ("BSD-3-Clause", ("redistribution and use in source and binary forms", "neither the name")),
    ("BSD-2-Clause", ("redistribution and use in source and binary forms", "redistributions in binary form")),
    ("MIT", ("permission is hereby granted, free of charge", "without restriction, including without limitation")),
    ("Apache-2.0", ("apache license", "version 2.0, january 2004")),
    ("ISC", ("permission to use, copy, modify, and/or distribute this software for any purpose with or without fee",)),
    ("MPL-2.0", ("mozilla public license version 2.0",)),
)
_BUNDLED = re.compile(r"^\s*License:\s*(?P<name>\S.*?)\s*$", re.MULTILINE)
_PREFIX = "License :: "
_NOISE = re.compile(r"\b(the|licen[cs]e[ds]?)\b|[\"'(),]")
# A whole licence in the field, instead of its name, is told by its length.
_NAME_LENGTH = 100


def license_of(metadata: RawMetadata) -> str | None:
    """Return the SPDX expression that the metadata supports, or None."""
    for text in (metadata.get("license_expression"), metadata.get("license")):
        if text and (expression := _expression(text)):
            return expression
    found = {
        _CLASSIFIERS[last]
        for classifier in metadata.get("classifiers", ())
        if classifier.startswith(_PREFIX) and (last := classifier.rpartition(" :: ")[2]) in _CLASSIFIERS
    }
    return " AND ".join(sorted(found)) or None


def _expression(text: str) -> str | None:
    if len(text) > _NAME_LENGTH:
        return _of_whole_text(text)
    text = " ".join(text.split())
    try:
        return str(canonicalize_license_expression(text))
    except InvalidLicenseExpression:
        return _SPELLINGS.get(_plain(text))


def _of_whole_text(text: str) -> str | None:
    bundled = list(_BUNDLED.finditer(text))
    own = " ".join(text[: bundled[0].start() if bundled else None].lower().split())
    first = next((name for name, signs in _TEXTS if all(sign in own for sign in signs)), None)
    if first is None:
        return None
    others = {_expression(match["name"]) or "" for match in bundled} - {"", first}
    parts = [first, *sorted(others)]
    return " AND ".join(f"({part})" if " OR " in part else part for part in parts)


def _plain(text: str) -> str:
    words = _NOISE.sub(" ", text.lower().replace("-", " "))
    return " ".join(words.split())
