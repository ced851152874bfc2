"""Whole licences, as some projects write them into METADATA instead of a name, told by their words.

A text is a licence when each of its words is one of the licence's own, in the licence's order, and the words that grant
are all there. Nothing may be added: one more sentence ("The Software shall be used for Good, not Evil", the advertising
clause of the first BSD licences) is another licence. What copyright holders are called is no part of it.

Words of the licences: SPDX's list, and for the digests Apache-2.0 in Debian's /usr/share/common-licenses.
"""

import hashlib
import re
from collections.abc import Sequence

_DISCLAIMER = """
    this software is provided by the copyright holders and contributors as is and any express or implied warranties
    including but not limited to the implied warranties of merchantability and fitness for a particular purpose are
    disclaimed in no event shall the copyright holders or contributors be liable for any direct indirect incidental
    special exemplary or consequential damages including but not limited to procurement of substitute goods or services
    loss of use data or profits or business interruption however caused and on any theory of liability whether in contract
    strict liability or tort including negligence or otherwise arising in any way out of the use of this software even if
    advised of the possibility of such damage"""
_BSD_GRANT = "redistribution and use in source and binary forms with or without modification are permitted"
_BSD_3 = "neither the name of the holders nor the names of its contributors may be used"
_BSD_2 = "redistributions in binary form must reproduce the above copyright notice"
_BSD = f"""
    {_BSD_GRANT} provided that the following conditions are met
    redistributions of source code must retain the above copyright notice this list of conditions and the following
    disclaimer {_BSD_2} this list of conditions and the following disclaimer in the documentation and or other materials
    provided with the distribution {_BSD_3} to endorse or promote products derived from this software without specific
    prior written permission {_DISCLAIMER}"""
_MIT_GRANT = """
    permission is hereby granted free of charge to any person obtaining a copy of this software and associated
    documentation files the software to deal in the software without restriction including without limitation the rights
    to use copy modify merge publish distribute sublicense and or sell copies of the software and to permit persons to
    whom the software is furnished to do so"""
_MIT = f"""
    {_MIT_GRANT} subject to the following conditions the above copyright notice and this permission notice shall be included
    in all copies or substantial portions of the software the software is provided as is without warranty of any kind
    express or implied including but not limited to the warranties of merchantability fitness for a particular purpose and
    noninfringement in no event shall the authors or copyright holders be liable for any claim damages or other liability
    whether in an action of contract tort or otherwise arising from out of or in connection with the software or the use
    or other dealings in the software"""
_ISC_GRANT = "permission to use copy modify and or distribute this software for any purpose with or without fee"
_ISC = f"""
    {_ISC_GRANT} is hereby granted provided that the above copyright notice and this permission notice appear in all copies
    the software is provided as is and the author disclaims all warranties with regard to this software including all
    implied warranties of merchantability and fitness in no event shall the author be liable for any special direct indirect
    or consequential damages or any damages whatsoever resulting from loss of use data or profits whether in an action of
    contract negligence or other tortious action arising out of or in connection with the use or performance of this
    software"""
# The licence, all of its words, and the phrases that must be among those of a text; the more particular first.
_LICENSES = tuple(
    (name, tuple(words.split()), tuple(" ".join(sign.split()) for sign in signs))
    for name, words, signs in (
        ("BSD-3-Clause", _BSD, (_BSD_GRANT, _BSD_3)),
        ("BSD-2-Clause", _BSD, (_BSD_GRANT, _BSD_2)),
        ("MIT", _MIT, (_MIT_GRANT,)),
        ("ISC", _ISC, (_ISC_GRANT,)),
    )
)
# Too long to stand here, and never varied but for the line that ends the terms: sha256 of `_words`.
_DIGESTS = {
    "aacfcc30656cb1d48c4810a83e69cafc25bd2cf1316f87f35821b0acf1b6e705": "Apache-2.0",
    # With the appendix on how to apply it.
    "5c2e7104b13d07951f13d319560cf914c23d0e18a9f4d6c01821e8af4bdc4c13": "Apache-2.0",
}
_END = "end of terms and conditions"
_COPYRIGHT = re.compile(r"\W*(copyright|\(c\)|©|all rights reserved)", re.IGNORECASE)
# What a line about copyright does not say, unless it says more than that.
_TERMS = re.compile(r"\b(licen[cs]|permi|us(e|ed|ing)\b|may\b|must\b|shall\b|not\b|commercial)", re.IGNORECASE)
_TITLES = {"mit license", "the mit license", "the mit license mit", "isc license", "new bsd license"} | {
    f"{prefix}bsd {number} clause license" for prefix in ("", "the ") for number in (2, 3)
}
# How the same is said in the texts that one meets.
_VARIANTS = (
    (
        r"\bneither the names? of (\w+ ){1,20}?nor the names of (its|their|the) contributors\b",
        _BSD_3.partition(" may")[0],
    ),
    (r"\bcopyright (owners?|holder)\b", "copyright holders"),
    (r"\b(holders|regents|authors?) (and|or) contributors\b", r"holders \2 contributors"),
    (r"\bmodify and distribute\b", "modify and or distribute"),
    (r"\bproduct derived\b", "products derived"),
)


def license_of_text(text: str) -> str | None:
    """Return the SPDX identifier of a whole licence, or None for a text that is not just that."""
    words = _words(text)
    if name := _DIGESTS.get(hashlib.sha256(words.replace(f" {_END}", "").encode()).hexdigest()):
        return name
    for pattern, usual in _VARIANTS:
        words = re.sub(pattern, usual, words)
    return next(
        (
            name
            for name, known, signs in _LICENSES
            if all(sign in words for sign in signs) and _within(words.split(), known)
        ),
        None,
    )


def _words(text: str) -> str:
    """Return the words in lower case, without titles, lines about copyright and the numbers or letters of a list."""
    lines = [line for line in text.splitlines() if not (_COPYRIGHT.match(line) and not _TERMS.search(line))]
    plain = [re.sub(r"^\s*(\(?\w\)|\w\.)\s+", "", line).lower() for line in lines]
    plain = [" ".join(re.findall(r"\w+", line)) for line in plain]
    return " ".join(line for line in plain if line and line not in _TITLES)


def _within(words: Sequence[str], known: Sequence[str]) -> bool:
    """Return whether the words stand in `known`, in this order; others may stand between them there."""
    left = iter(known)
    return all(word in left for word in words)
