"""Headless Chromium of the toolchain's role `browser`, driven by Selenium: what tests of pages look through."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conftest import ROOT, built, run

SYSTEM = f"{os.uname().machine}-linux"
# Names of fonts that a page asks for, and what stands for them: the role has no configuration.
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
<dir>{role}/usr/share/fonts</dir><cachedir>{work}/fonts</cachedir>
<alias><family>serif</family><prefer><family>Liberation Serif</family></prefer></alias>
<alias><family>sans-serif</family><prefer><family>Liberation Sans</family></prefer></alias>
<alias><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
</fontconfig>
"""
# The library that a page waits for, on a busy machine.
PATIENCE = 600


def role() -> Path:
    """Return the role `browser`, whose packages nothing else brings."""
    brought = run("sh", ROOT / "pkgs/fetch/fetch.sh", "--tools-only", "--role", "browser")
    assert brought.code == 0, brought.err
    expression = f'(import {ROOT}/pkgs/toolchain {{ system = "{SYSTEM}"; }}).roles.browser'
    return Path(built(run("nix", "build", "--impure", "--no-link", "--print-out-paths", "--expr", expression)))


class Browser:
    """One browser; `open` shows a page at a width and in a scheme of colours."""

    def __init__(self, place: Path, work: Path) -> None:
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        work.mkdir(parents=True, exist_ok=True)
        fonts = work / "fonts.conf"
        fonts.write_text(FONTS.format(role=place, work=work))
        libraries = place / f"usr/lib/{os.uname().machine}-linux-gnu"
        environment = {
            "HOME": str(work),
            "TMPDIR": str(work),
            "FONTCONFIG_FILE": str(fonts),
            "LD_LIBRARY_PATH": f"{libraries}:{libraries}/pulseaudio",
            "PATH": os.environ["PATH"],
        }
        options = webdriver.ChromeOptions()
        options.binary_location = str(place / "usr/lib/chromium/chromium-headless-shell")
        # Its own sandbox needs what containers do not give; it sees nothing but files that the tests made.
        for word in ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"):
            options.add_argument(word)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(
            options=options, service=Service(str(place / "bin/chromedriver"), env=environment)
        )
        self.driver.set_page_load_timeout(PATIENCE)

    def open(self, page: Path, width: int = 1280, scheme: str = "light") -> None:
        """Open a page from the disk, as a reader with this width and scheme sees it; forget what was said before."""
        self.driver.get_log("browser")
        self.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self.driver.get(page.as_uri())

    def command(self, name: str, **words: object) -> Any:  # noqa: ANN401 - of any shape
        """Return the answer of the browser's own protocol."""
        return self.driver.execute_cdp_cmd(name, words)

    def run(self, script: str, *words: object) -> Any:  # noqa: ANN401 - of any type
        """Return what a script in the page returns."""
        return self.driver.execute_script(script, *words)

    def until(self, script: str, *words: object) -> Any:  # noqa: ANN401 - of any type
        """Return what a script returns as soon as that is something; fail when it stays nothing."""
        end = time.monotonic() + PATIENCE
        while not (found := self.run(script, *words)):
            assert time.monotonic() < end, f"never true: {script}"
            time.sleep(0.1)
        return found

    def press(self, *keys: str) -> None:
        """Press keys one after another, wherever the focus is."""
        from selenium.webdriver.common.action_chains import ActionChains

        chain = ActionChains(self.driver)
        for key in keys:
            chain.send_keys(key)
        chain.perform()

    def errors(self) -> list[str]:
        """Return what the page said to the console that is no mere information."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] not in {"INFO", "DEBUG"}]

    def see_all(self, done: Callable[[], bool]) -> None:
        """Scroll to the end of the page bit by bit, until something is so."""
        end = time.monotonic() + PATIENCE
        while not done():
            height = self.run("return document.documentElement.scrollHeight")
            for place in range(0, height, 600):
                self.run("scrollTo(0, arguments[0])", place)
                time.sleep(0.02)
            assert time.monotonic() < end, "what should come into view did not come"

    def close(self) -> None:
        """End the browser."""
        self.driver.quit()
