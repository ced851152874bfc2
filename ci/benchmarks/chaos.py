"""What the plugin for chaos costs a suite of small tests: switched off, and on while nothing fails.

Of so short a suite times differ by more than what is looked for, so it is instructions that are compared, as cachegrind counts
them; they repeat to a millionth, and one run of each is enough.
"""

from __future__ import annotations

import os
from pathlib import Path

from measure import Bench, Figure, Spent

FILES, TESTS = 20, 100
MILLIARD = 1e9


def chaos(bench: Bench) -> list[Figure]:
    """Run 2,000 tests without the plugin, with it, and under chaos without a call that could fail."""
    suite = bench.work / "trivial"
    suite.mkdir()
    (suite / "pytest.ini").write_text("[pytest]\n")
    for number in range(FILES):
        tests = "".join(f"def test_{each}():\n    assert {each} + 1 == {each + 1}\n" for each in range(TESTS))
        (suite / f"test_{number}.py").write_text(tests)
    environment = bench.run(
        "nix", "build", "--no-link", "--print-out-paths", f"git+file://{bench.checkout}#test-environment"
    ).strip()
    pytest: list[str | Path] = [Path(environment, "bin/python"), "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    bench.run("sh", bench.checkout / "pkgs/fetch/fetch.sh", "--tools-only", "--role", "valgrind")
    role = f'(import {bench.checkout}/pkgs/toolchain {{ system = "{os.uname().machine}-linux"; }}).roles.valgrind'
    valgrind = Path(bench.run("nix", "build", "--impure", "--no-link", "--print-out-paths", "--expr", role).strip())
    counts = bench.work / "counts"
    counting: list[str | Path] = [
        valgrind / "bin/valgrind",
        "--quiet",
        "--tool=cachegrind",
        "--cache-sim=no",
        "--branch-sim=no",
        f"--cachegrind-out-file={counts}",
    ]

    def counted(command: list[str | Path]) -> Spent:
        # Once for the byte code: under chaos the tests have another, which tells what is asserted.
        bench.run(*command, cwd=suite)
        bench.run(
            *counting, *command, cwd=suite, VALGRIND_LIB=str(valgrind / "usr/libexec/valgrind"), PYTHONHASHSEED="0"
        )
        summary = next(line for line in counts.read_text().splitlines() if line.startswith("summary:"))
        number = int(summary.split()[1]) / MILLIARD
        return Spent(number, number)

    without = [counted([*pytest, "-p", "no:cloche.chaos.plugin"])]
    unit = f"10^9 instructions of {FILES * TESTS} trivial tests"
    return [
        Figure("chaos-off", f"{unit}, the plugin switched off", 1.01, [counted(pytest)], without, "without the plugin"),
        Figure(
            "chaos-on",
            f"{unit} under chaos, no call that can fail",
            1.05,
            [counted([*pytest, "--chaos"])],
            without,
            "without the plugin",
        ),
    ]
