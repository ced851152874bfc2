"""Where a link of a folder leads, as the kernel follows it: inside the folder, to a path of the store, or elsewhere.

Removing `..` from the text alone is wrong: behind a link to a folder, `..` is the parent of where that link leads.
"""

import os
import re

_HASH_NAME = re.compile(rb"[0-9a-df-np-sv-z]{32}-[0-9A-Za-z+._?=-]{1,211}")
_STORE = [b"nix", b"store"]
# As many links as the kernel follows in one path.
_MOST = 40


def named(root: bytes, link: bytes, target: bytes) -> bytes | None:
    """Return the store path (HASH-NAME) that the text of a link names; of a link in a folder, the folder only in full."""
    place = os.path.join(b"/nix/store", os.path.basename(root), *_below(root, link))  # noqa: PTH118, PTH119 - names are bytes here
    parts = os.path.normpath(os.path.join(os.path.dirname(place), target)).split(b"/")[1:4]  # noqa: PTH118, PTH120 - as above
    if parts[:2] != _STORE or len(parts) == len(_STORE) or not _HASH_NAME.fullmatch(parts[2]):
        return None
    inside = parts[2] == os.path.basename(root) and not target.startswith(b"/")  # noqa: PTH119 - as above
    return None if inside else parts[2]


def leaves(root: bytes, link: bytes, target: bytes) -> bool:
    """Return whether a link of a folder leads elsewhere than into the folder or plainly to a path of the store.

    Plainly is `/nix/store/HASH-NAME/...` or, out of the folder, `../HASH-NAME/...`, and no `..` after it. A link that leads
    to nothing in the folder stays in it. `root` may be the link itself, which has nothing inside.
    """
    below, parts = _below(root, link), _parts(target)
    rest: list[bytes] | None = parts
    if target.startswith(b"/"):
        rest = parts[2:] if parts[:2] == _STORE else []
    elif below:
        rest = _outside(root, below[:-1], parts)
    return rest is not None and not _plain(rest)


def _outside(root: bytes, position: list[bytes], waiting: list[bytes]) -> list[bytes] | None:
    """Follow a path that begins in the folder; return what is left of it where it leaves the folder, None where it stays."""
    followed = 0
    while waiting and followed < _MOST:
        part = waiting.pop(0)
        if part == b"..":
            if not position:
                return waiting
            position.pop()
            continue
        try:
            inner = os.readlink(os.path.join(root, *position, part))  # noqa: PTH115, PTH118 - as above
        except FileNotFoundError:
            break
        except OSError:
            # No link.
            position.append(part)
            continue
        followed += 1
        if inner.startswith(b"/"):
            # Where that link leads is asked for itself; from there, `..` could lead anywhere.
            return waiting if b".." in waiting else None
        waiting = _parts(inner) + waiting
    return None


def _below(root: bytes, link: bytes) -> list[bytes]:
    return _parts(link.removeprefix(root))


def _parts(path: bytes) -> list[bytes]:
    return [part for part in path.split(b"/") if part not in {b"", b"."}]


def _plain(parts: list[bytes]) -> bool:
    return bool(parts) and _HASH_NAME.fullmatch(parts[0]) is not None and b".." not in parts
