"""Give a target of fuzz_targets.py inputs that nobody thought of: `python fuzzing.py TARGET ARGUMENT...`.

atheris measures which lines of the parser each input reaches and what it is compared with, and goes on from those that
reach something new; the arguments are libFuzzer's (`-max_total_time=60`), whose limits of memory and of time for one input
are a part of what is shown. `ci/bench fuzz` starts this.
"""

import importlib
import json
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import tomli_w

from fuzz_targets import CORPUS, TARGETS, run

# Values that readers stumble over: of the wrong type, at the ends of a range, or of characters that are none.
ODD: tuple[Any, ...] = (
    *(None, True, 0, -1, 2**31, 2**62, 2**63, 2**64, 10**30, 10**4400, -0.0, 1e308, float("inf"), float("nan")),
    *(
        "",
        "\0",
        " ",
        "\ud800",
        "\u2028\x85\x0c",
        "\u202e",
        "x" * 300,
        "1" * 5000,
        "../../x",
        "A@B",
        "9999-12-31T23:59:59Z",
    ),
    *("0001-01-01", "1e999", "[" * 200, "(" * 200, "==", "%", "//[", "sha256:", "-----BEGIN CERTIFICATE-----"),
    *([], {}, [[]], [None], {"": None}, [0] * 50),
)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:  # noqa: ANN401 - JSON is of any shape
    """Yield each (object or list, name or number) in a value."""
    for key in [*value] if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from _places(value[key])


def exchanged(data: bytes, form: str, seed: int) -> bytes | None:
    """Return a document with one of its values or names exchanged, left out or put elsewhere; None where it is none."""
    random = Random(seed)  # noqa: S311 - the same for the same number, and no secret
    try:
        lines = data.splitlines() if form == "json" and b"\n" in data else [data]
        number = random.randrange(len(lines))
        value = json.loads(lines[number]) if form == "json" else tomllib.loads(data.decode())
        places = list(_places(value))
        holder, key = random.choice(places)
        other, second = random.choice(places)
        match random.randrange(5):
            case 0 | 1:
                holder[key] = random.choice(ODD)
            case 2:
                del holder[key]
            case 3:
                # Not into itself: there are no documents without an end.
                holder[key] = json.loads(json.dumps(other[second], default=str))
            case _ if isinstance(holder, dict):
                holder[str(random.choice([second, str(key).swapcase(), *ODD[-7:-1]]))] = holder.pop(key)
        lines[number] = json.dumps(value).encode() if form == "json" else tomli_w.dumps(value).encode()
        return b"\n".join(lines) + (b"\n" if len(lines) > 1 else b"")
    except (ArithmeticError, LookupError, TypeError, ValueError, RecursionError):
        return None


def main(arguments: list[str]) -> None:
    """Fuzz the first argument's target with libFuzzer's other arguments, from its seeds and what was found before.

    Without an argument, the targets are listed.
    """
    if not arguments:
        sys.stdout.write(" ".join(TARGETS) + "\n")
        return
    atheris = importlib.import_module("atheris")
    name, *options = arguments
    target = TARGETS[name]
    found = [str(CORPUS / name)] if (CORPUS / name).is_dir() else []
    with atheris.instrument_imports(
        include=["cloche", "installer", "packaging", "tomllib", "unearth", "zipfile", "tarfile"]
    ):
        parser = target.make()
        seeds = list(target.seeds())
    new = Path(tempfile.mkdtemp(prefix=f"{name}."))
    for number, seed in enumerate(seeds):
        (new / f"seed-{number}").write_bytes(seed)

    def mutated(data: bytes, most: int, seed: int) -> bytes:
        changed = exchanged(data, target.form, seed) if target.form and seed % 2 else None
        return atheris.Mutate(data, most) if changed is None or len(changed) > most else changed

    atheris.Setup([name, *options, str(new), *found], lambda data: run(parser, data), custom_mutator=mutated)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
