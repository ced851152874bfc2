"""What the plugin for chaos costs a suite of small tests: switched off, and on while nothing fails."""

from __future__ import annotations

from pathlib import Path

from measure import Bench, Figure

FILES, TESTS = 20, 100


def chaos(bench: Bench) -> list[Figure]:
    """Run 2,000 tests without the plugin, with it, and under chaos without a call that could fail."""
    suite = bench.work / "trivial"
    suite.mkdir()
    (suite / "pytest.ini").write_text("[pytest]\n")
    for number in range(FILES):
        tests = "".join(f"def test_{each}():\n    assert {each} + 1 == {each + 1}\n" for each in range(TESTS))
        (suite / f"test_{number}.py").write_text(tests)
    environment = bench.run("nix", "build", "--no-link", "--print-out-paths", f"git+file://{bench.checkout}#test-environment").strip()
    pytest: list[str | Path] = [Path(environment, "bin/pytest"), "-q", "-p", "no:cacheprovider"]
    off = Figure("chaos-off", f"{FILES * TESTS} trivial tests, the plugin switched off", 1.01, other_what="without the plugin")
    on = Figure("chaos-on", f"{FILES * TESTS} trivial tests under chaos, no call that can fail", 1.05, other_what="without the plugin")
    # Once for the byte code: under chaos the tests have another, which tells what is asserted.
    commands = [[*pytest, "-p", "no:cloche.chaos.plugin"], pytest, [*pytest, "--chaos"]]
    for command in commands:
        bench.run(*command, cwd=suite)
    for _ in range(bench.runs):
        for runs, command in zip((off.other, off.ours, on.ours), commands, strict=True):
            runs.append(bench.spend(*command, cwd=suite))
    on.other = off.other
    return [off, on]
