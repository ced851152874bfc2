"""YAML from strangers, as advisories are published in: plain values only, and within limits.

Every scalar is the text that was written: what YAML would turn into a number (the version 1.10) or a date stays as it
is. Anchors and aliases (which can stand for more memory than there is), tags and duplicate keys are refused.
"""

from typing import Any

import yaml

from cloche.errors import ClocheError
from cloche.untrusted.limits import Limit

_NULL = {"", "~", "null", "Null", "NULL"}


def bad_yaml(what: str, fault: str, line: int = 0) -> ClocheError:
    """Return the error of a text that is not the YAML it should be."""
    place = f", line {line}" if line else ""
    return ClocheError(f"{what}{place}: {fault}")


def loads(data: bytes, *, what: str, limit: Limit) -> Any:  # noqa: ANN401 - YAML is of any shape
    """Return the one document of a YAML text in UTF-8: dictionaries, lists, texts and None.

    `what` names the text in messages. Raises ClocheError for more bytes, nesting or members than the limit, and for
    what this reader refuses.
    """
    if len(data) > limit.bytes:
        raise bad_yaml(what, f"{len(data)} bytes, where at most {limit.bytes} are read")
    try:
        # libyaml's parser, which makes events and follows nothing.
        events = yaml.parse(data.decode("utf-8"), Loader=yaml.CBaseLoader)
        return _Builder(what, limit).build(events)
    except UnicodeDecodeError as error:
        raise bad_yaml(what, f"byte {error.start} is no UTF-8") from error
    except yaml.YAMLError as error:
        raise bad_yaml(what, f"it is no YAML: {' '.join(str(error).split())}") from error


class _Builder:
    """Makes values out of events, with a stack of the collections that are open."""

    def __init__(self, what: str, limit: Limit) -> None:
        self.what, self.limit = what, limit
        self.open: list[dict[str, Any] | list[Any]] = []
        self.keys: list[str | None] = []
        self.members = self.documents = 0
        self.value: Any = None

    def build(self, events: Any) -> Any:  # noqa: ANN401 - PyYAML's events have no types, and YAML is of any shape
        for event in events:
            line = event.start_mark.line + 1
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise bad_yaml(self.what, "anchors and aliases are not read", line)
            if isinstance(event, yaml.DocumentStartEvent):
                self.documents += 1
                if self.documents > 1:
                    raise bad_yaml(self.what, "a second document, where one is read", line)
            elif isinstance(event, yaml.ScalarEvent):
                self._scalar(event, line)
            elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
                self._start(event, line)
            elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                self.open.pop()
                self.keys.pop()
        return self.value

    def _start(self, event: Any, line: int) -> None:  # noqa: ANN401
        if event.tag is not None:
            raise bad_yaml(self.what, f"the tag {event.tag} is not read", line)
        if len(self.open) >= self.limit.depth:
            raise bad_yaml(self.what, f"nested more than {self.limit.depth} levels deep", line)
        value: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._put(value, line)
        self.open.append(value)
        self.keys.append(None)

    def _scalar(self, event: Any, line: int) -> None:  # noqa: ANN401
        if event.tag is not None:
            raise bad_yaml(self.what, f"the tag {event.tag} is not read", line)
        if self.open and isinstance(self.open[-1], dict) and self.keys[-1] is None:
            self.keys[-1] = event.value
            if event.value in self.open[-1]:
                raise bad_yaml(self.what, f"the key {event.value!r} stands twice", line)
            return
        # `implicit` says first whether the text stood there plain, without quotes.
        self._put(None if event.implicit[0] and event.value in _NULL else event.value, line)

    def _put(self, value: Any, line: int) -> None:  # noqa: ANN401
        self.members += 1
        if self.members > self.limit.members:
            raise bad_yaml(self.what, f"more than {self.limit.members} members")
        if not self.open:
            self.value = value
        elif isinstance(parent := self.open[-1], list):
            parent.append(value)
        else:
            key = self.keys[-1]
            if key is None:
                raise bad_yaml(self.what, "a key that is no text", line)
            parent[key] = value
            self.keys[-1] = None
