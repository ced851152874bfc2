"""What is taken from the JSON of other capabilities: each value is asked for by its type, and a wrong one has its place named."""

from pathlib import Path
from typing import Any, TypeVar

from cloche.errors import ClocheError

T = TypeVar("T")
WORDS: dict[type, str] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
}


class Node:
    """A value of a JSON file, and by its parents the place where it stands."""

    __slots__ = ("_name", "_parent", "source", "value")

    def __init__(self, value: object, source: Path, parent: "Node | None" = None, name: str | int = "") -> None:
        """Keep a `value` of a `source`, which stands in its `parent` under a name or position."""
        self.value, self.source, self._parent, self._name = value, source, parent, name

    @property
    def place(self) -> str:
        """Return where the value stands, such as `tests[3].outcome`; nothing for the whole."""
        if self._parent is None:
            return ""
        if isinstance(self._name, int):
            return f"{self._parent.place}[{self._name}]"
        return f"{self._parent.place}.{self._name}".lstrip(".")

    def at(self, name: str) -> "Node":
        """Return a member; raises ClocheError where there is none, or this is no object."""
        if not isinstance(self.value, dict):
            raise self.wrong("an object")
        if name not in self.value:
            raise self._fault(f"{self.place or 'the whole'} has no member {name!r}")
        return Node(self.value[name], self.source, self, name)

    def get(self, name: str) -> "Node":
        """Return a member, or a null where there is none."""
        if not isinstance(self.value, dict):
            raise self.wrong("an object")
        return Node(self.value.get(name), self.source, self, name)

    def items(self) -> "list[tuple[str, Node]]":
        """Return the members of an object."""
        return [(name, self.at(name)) for name in self.of(dict)]

    def each(self) -> "list[Node]":
        """Return the elements of a list."""
        return [Node(each, self.source, self, index) for index, each in enumerate(self.of(list))]

    def of(self, kind: type[T]) -> T:
        """Return the value if it is of this type; a whole number is a number, and no boolean is one."""
        value: Any = self.value
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self.wrong(WORDS[kind])
        return value

    def maybe(self, kind: type[T]) -> T | None:
        """Return the value if it is of this type, None for null."""
        return None if self.value is None else self.of(kind)

    def texts(self) -> list[str]:
        """Return a list of texts."""
        return [each.of(str) for each in self.each()]

    def among(self, *known: str) -> str:
        """Return a text that is one of the known ones."""
        value = self.of(str)
        if value not in known:
            raise self._fault(f"{self.place} is {value!r:.60}, and not one of {', '.join(known)}")
        return value

    def version(self, *known: int) -> "Node":
        """Return this object if its version is known."""
        found = self.get("version").value
        if found not in known or isinstance(found, bool):
            raise ClocheError(
                f"{self.source}: its version is {found!r:.60}, and this Cloche reads {' and '.join(map(str, known))}; "
                "make both with the same Cloche"
            )
        return self

    def wrong(self, wanted: str) -> ClocheError:
        """Return the error that this is not what was wanted."""
        kind = "null" if self.value is None else WORDS.get(type(self.value), type(self.value).__name__)
        return self._fault(f"{self.place or 'the whole'} is {kind}, and not {wanted}")

    def _fault(self, fault: str) -> ClocheError:
        return ClocheError(f"{self.source}: {fault}; it was not written by this Cloche; build it again")
