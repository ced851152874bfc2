"""Licences: SPDX expressions from what packages say."""

import pytest
from packaging.metadata import parse_email

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
        License: MIT OR Apache-2.0
        Name: unknown
        License: as you like it"""


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
        (f"License: {'word ' * 40}", None),
        ("Summary: nothing about it", None),
    ],
)
def test_license(fields: str, expected: str | None) -> None:
    raw, _ = parse_email(f"Metadata-Version: 2.1\nName: a\nVersion: 1\n{fields}\n\nbody\n")
    assert license_of(raw) == expected
