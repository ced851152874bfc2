"""Names in JSON that another reader of the same document would take for names that we read.

Go's encoding/json, by which cosign and all registries read, takes any name that differs from a field's only by case, and
of several the last one: cosign verifies the `Subject` where we verify the `subject`, and finds one where we find none.
Protobuf's reader, which cosign has for bundles, takes `media_type` for `mediaType`. Neither can be told to be exact, so a
document with such a name is refused, whether or not the exact one stands beside it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from cloche.untrusted.strict_json import BadJsonError

# The fields of an object; a list of one Shape is a list of such objects; None is anything, such as an object whose names
# are data, whose case Go heeds too.
Shape: TypeAlias = "Mapping[str, Shape] | Sequence[Shape] | None"

# Letters of other alphabets that Go's folding takes for ASCII ones: the long s and the Kelvin sign. What lower() makes of
# all others is no ASCII.
_FOLDED = str.maketrans({"\u017f": "s", "\u212a": "k", "_": None})


def folded(name: str) -> str:
    """Return what all spellings of a name have in common that some reader takes for the same field."""
    return name.translate(_FOLDED).lower()


def check(value: Any, shape: Shape, *, what: str) -> None:  # noqa: ANN401 - JSON is of any shape
    """Refuse names that some reader would take for another field of the same object.

    `what` names the document. Raises BadJsonError.
    """
    if isinstance(shape, Mapping) and isinstance(value, dict):
        known = {folded(name): name for name in shape}
        for name, part in value.items():
            other = known.setdefault(folded(name), name)
            if other != name:
                message = (
                    f"{what}: the name {name!r} differs from {other!r} only in its spelling, and other readers take one for"
                    " the other"
                )
                raise BadJsonError(message)
            check(part, shape.get(name), what=what)
    elif isinstance(shape, Sequence) and isinstance(value, list):
        for part in value:
            check(part, shape[0], what=what)
