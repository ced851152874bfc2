"""Nix writes a digest in several ways; statements have it in lower-case hexadecimal."""

import base64
import binascii

# Nix's own base 32 leaves out e, o, u and t (nix, src/libutil/hash.cc).
_DIGITS = "0123456789abcdfghijklmnpqrsvwxyz"
_SIZES = {"md5": 16, "sha1": 20, "sha256": 32, "sha512": 64}


def digest_set(text: str) -> dict[str, str]:
    """Return {algorithm: hexadecimal} of "sha256:BASE32", "sha256:HEX" or "sha256-BASE64" (SRI).

    Raises ValueError for anything else.
    """
    for separator in ":-":
        algorithm, found, digits = text.partition(separator)
        if found and algorithm in _SIZES:
            return {algorithm: _hexadecimal(text, algorithm, digits)}
    message = f"{text!r} is no digest that Nix writes"
    raise ValueError(message)


def _hexadecimal(text: str, algorithm: str, digits: str) -> str:
    size = _SIZES[algorithm]
    try:
        if len(digits) == 2 * size:
            value = bytes.fromhex(digits)
        elif len(digits) == (8 * size + 4) // 5:
            number = 0
            for digit in digits:
                number = number * 32 + _DIGITS.index(digit)
            value = number.to_bytes(size, "little")
        else:
            value = base64.b64decode(digits, validate=True)
    except (ValueError, OverflowError, binascii.Error) as error:
        message = f"{text!r} is no digest that Nix writes"
        raise ValueError(message) from error
    if len(value) != size:
        message = f"{text!r} is no digest that Nix writes"
        raise ValueError(message)
    return value.hex()
