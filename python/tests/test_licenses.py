"""Licences: SPDX expressions from what packages say."""

import html
import re
from importlib import resources
from importlib.metadata import files

import pytest
from packaging.metadata import parse_email

from cloche.lock.license_texts import license_of_text
from cloche.lock.licenses import license_of

OSI = "Classifier: License :: OSI Approved ::"
BSD = """License: Copyright (c) 2001 Somebody
        Redistribution and use in source and binary forms, with or without modification, are permitted
        Neither the name of Somebody nor the names of its contributors may be used
        ----
        This binary distribution also bundles
        Name: OpenBLAS
        License: BSD-3-Clause
        Name: GCC runtime library
        License: GPL-3.0-or-later WITH GCC-exception-3.1
        Name: a thing with a choice
        License: MIT OR Apache-2.0"""
GRANT = """Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
        documentation files (the "Software"), to deal in the Software without restriction, including without limitation
        the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and
        to permit persons to whom the Software is furnished to do so, subject to the following conditions:"""
MIT = f"""License: The MIT License (MIT)
        Copyright © 2015 Some Body <some@body.example>
        Copyright (c) 2024 (Some portions) OTHERS & SONS. All rights reserved.
        {GRANT}
        The above copyright notice and this permission notice shall be included in all copies or substantial
        portions of the Software."""
EVIL = f"{MIT}\n        The Software shall be used for Good, not Evil."
CLAUSES = """License: All rights reserved.
        Redistribution and use in source and binary forms, with or without modification, are permitted provided that the
        following conditions are met:
        {}. Redistributions of source code must retain the above copyright notice, this list of conditions and the
        following disclaimer.
        * Redistributions in binary form must reproduce the above copyright notice, this list of conditions and the
        following disclaimer in the documentation and/or other materials provided with the distribution."""
ADVERTISING = """
        3. All advertising materials mentioning features or use of this software must display the following
        acknowledgement: This product includes software developed by the organization."""
NEITHER = """
        4. Neither the name of the University of Nowhere nor the names of its contributors may be used to endorse or promote
        products derived from this software without specific prior written permission."""
GPL = "GNU General Public License (GPL)"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("License-Expression: mit OR apache-2.0", "MIT OR Apache-2.0"),
        ("License-Expression: BSD-3-Clause\nLicense: other", "BSD-3-Clause"),
        ("License: MIT", "MIT"),
        ("License: The MIT License (MIT)", None),
        ("License: MIT License", "MIT"),
        ("License: Apache License, Version 2.0", "Apache-2.0"),
        ("License: BSD 3-Clause License", "BSD-3-Clause"),
        ("License: new BSD", "BSD-3-Clause"),
        ("License: BSD", None),
        ("License: UNKNOWN", None),
        (f"License: BSD\n{OSI} BSD License", None),
        (f"{OSI} MIT License", "MIT"),
        (f"License: Dual\n{OSI} MIT License\n{OSI} Apache Software License", "Apache-2.0 AND MIT"),
        (
            BSD,
            "BSD-3-Clause AND GPL-3.0-or-later WITH GCC-exception-3.1 AND (MIT OR Apache-2.0)",
        ),
        (f"{BSD}\n        Name: unknown\n        License: as you like it", None),
        (BSD.replace("----", "Not for military use."), None),
        (f"License: {'word ' * 40}", None),
        (MIT, "MIT"),
        (EVIL, None),
        (f"{EVIL}\n{OSI} MIT License", None),
        (MIT.replace("2015 Some Body", "2015. You may not sell it"), None),
        (MIT.replace(" modify,", ""), None),
        (CLAUSES.format("1"), "BSD-2-Clause"),
        (CLAUSES.format("a") + NEITHER, "BSD-3-Clause"),
        (CLAUSES.format("1") + ADVERTISING + NEITHER, None),
        (CLAUSES.format("1") + ADVERTISING, None),
        (f"{OSI} {GPL}\n{OSI} MIT License", None),
        (f"{OSI} BSD License\n{OSI} Apache Software License", None),
        (f"License: Dual License\n{OSI} BSD License\n{OSI} Apache Software License", None),
        (f"License: Dual License\n{OSI} MIT License", None),
        (f"License: GPL\n{OSI} MIT License", None),
        (f"License: free for academics\n{OSI} MIT License", None),
        (f"{OSI} MIT License\nClassifier: License :: Free For Educational Use", None),
        (f"License: BSD or Apache License, Version 2.0\n{OSI} Apache Software License", None),
        ("License-Expression: MIT AND as you like it\nLicense: MIT", None),
        # An index of one's own may take classifiers in any spelling.
        (
            "License: MIT\nClassifier: license::OSI Approved :: GNU General Public License v3 (GPLv3)",
            "GPL-3.0-only AND MIT",
        ),
        # A family beside one of its members; the whole text of another licence beside a classifier.
        (f"License: BSD-3-Clause\n{OSI} BSD License", "BSD-3-Clause"),
        (f"License: LGPL\n{OSI} GNU Lesser General Public License v3 or later (LGPLv3+)", "LGPL-3.0-or-later"),
        (f"License: MIT\n{OSI} BSD License", None),
        (f"{MIT}\n{OSI} {GPL}", None),
        (f"License: MIT\n{OSI} Apache Software License", "Apache-2.0 AND MIT"),
        (f"License: MIT OR Apache-2.0\n{OSI} MIT License\n{OSI} Apache Software License", "MIT OR Apache-2.0"),
        # What says nothing about a licence is no doubt about one.
        (f"License: see LICENSE.txt\n{OSI} MIT License", "MIT"),
        ("License: UNKNOWN\nClassifier: License :: OSI Approved\nClassifier: License :: DFSG approved", None),
        # As projects write the names.
        ("License: GNU Lesser General Public License v3 or later (LGPLv3+)", "LGPL-3.0-or-later"),
        ("License: GPL v3", "GPL-3.0-only"),
        ("License: GPLv2+", "GPL-2.0-or-later"),
        ("License: Revised BSD License", "BSD-3-Clause"),
        ("Summary: nothing about it", None),
    ],
)
def test_license(fields: str, expected: str | None) -> None:
    raw, _ = parse_email(f"Metadata-Version: 2.1\nName: a\nVersion: 1\n{fields}\n\nbody\n")
    assert license_of(raw) == expected


def test_a_long_licence_is_known_by_all_of_its_words() -> None:
    (file,) = (file for file in files("requests") or () if file.name == "LICENSE")
    text = file.read_text()

    assert license_of_text(text) == "Apache-2.0"
    assert license_of_text(text.replace("END OF TERMS AND CONDITIONS", "")) == "Apache-2.0"
    assert license_of_text(f"{text}\nThe Software may not be sold.") is None
    assert license_of_text(f"Commons Clause\n{text}") is None
    assert license_of_text(text.replace("royalty-free", "", 1)) is None


def test_no_licence_of_spdx_is_taken_for_another() -> None:
    """lib4sbom brings the texts of all licences of SPDX's list, with marks of what may be left out."""
    found = {}
    texts = resources.files("lib4sbom") / "license_data" / "text"
    for file in texts.iterdir():
        marked = re.sub(r"(?s)<var class=.optional-license-text.>.*?</var>", "", file.read_text(encoding="utf-8"))
        text = html.unescape(re.sub(r"<[^>]*>", "", marked))
        if name := license_of_text(re.sub(r"(?m)^\s*(\d\.|\*)(?=\s)", "", text)):
            found[file.name] = name

    # The page of Apache-2.0 has parts that its text has not.
    assert found == {
        "bsd-2-clause.html": "BSD-2-Clause",
        "bsd-3-clause.html": "BSD-3-Clause",
        "isc.html": "ISC",
        "mit.html": "MIT",
    }
    assert len(list(texts.iterdir())) > 800
