"""The pictures of the playground in the READMEs: written by this script from the page itself.

pip install playwright pillow        # and a Chromium on the path
python scripts/screenshots.py        # docs/screens/play-en.png and play-zh.png
python scripts/screenshots.py --all looked-at/   # every size, theme and language, to look at
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from probe_play import serving

FIGURES = Path(__file__).resolve().parents[1] / "docs" / "screens"
RACE = (
    "f=sin(4*x)*exp(-x^2/4)&on=x%3D-3:3&points=120&noise=0.02&hidden=12&activation=relu&epochs=800"
    "&b.method=varpro&b.activation=tanh"
)
LOOKS = (("en", "light"), ("zh", "dark"), ("zh", "light"), ("en", "dark"))
SCENES = {  # name: settings of the page
    "race": RACE,
    "one": "f=-2/(2 %2B sin(x))&on=x%3D-3:3&hidden=12&activation=relu&epochs=600",
    "maps": "f=sin(x1)-cos(x2)&on=x1%3D-5:5&on=x2%3D-5:5&points=1000&hidden=24&activation=relu&epochs=80",
}
SIZES = {"projector": (1600, 900), "laptop": (1280, 800), "tablet": (820, 1100), "phone": (375, 740)}
LANGUAGES = {"en": "en-US", "zh": "zh-CN"}
COLOURS = 128  # of a picture for the READMEs


def shot(browser: Any, address: str, settings: str, size: tuple[int, int], lang: str, theme: str, whole: bool) -> bytes:
    """A PNG of the page after training."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, locale=LANGUAGES[lang], color_scheme=theme,
        has_touch=size[0] < 500,
    )  # fmt: skip
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: faults.append(str(e)))
    page.goto(f"{address}#{settings}")
    page.wait_for_selector("#typeset math")
    page.click("#play")
    end = time.monotonic() + 60
    while not page.inner_text("#play").startswith("▶") and time.monotonic() < end:
        time.sleep(0.05)
    page.focus("#network")
    page.keyboard.press("ArrowDown")
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    time.sleep(0.3)
    if faults or page.evaluate("document.documentElement.scrollWidth") > size[0]:
        raise SystemExit(f"{settings} at {size}, {lang}, {theme}: {faults or 'wider than the window'}")
    found = page.screenshot(full_page=whole)
    context.close()
    return found


def small(png: bytes) -> bytes:
    """The picture with few colours."""
    from PIL import Image

    found = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(
        found, "png", optimize=True
    )
    return found.getvalue()


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--all", type=Path, metavar="DIR", help="every size, theme and language")
    folder = parser.parse_args().all
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with serving() as server, sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=arguments)
        if folder is None:
            for lang in LANGUAGES:
                path = FIGURES / f"play-{lang}.png"
                path.write_bytes(small(shot(browser, server.address, RACE, (1280, 1010), lang, "light", False)))
                print(path, path.stat().st_size)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            for scene, settings in SCENES.items():
                for name, size in SIZES.items():
                    for i, (lang, theme) in enumerate(
                        (("en", "light"), ("zh", "dark"), ("zh", "light"), ("en", "dark"))
                    ):
                        if i < 2 or scene == "race":
                            png = shot(browser, server.address, settings, size, lang, theme, True)
                            (folder / f"{scene}-{name}-{lang}-{theme}.png").write_bytes(png)
        browser.close()


if __name__ == "__main__":
    main()
