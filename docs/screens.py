"""Take the pictures of mails and pages, as a phone shows them: `python docs/screens.py [--check]`.

`docs/mails/<name>-<scheme>.png`, of mail_samples.pages(), light and dark, and of the first of them
`docs/digest.png` for the README. Chromium draws them, 390 px wide. A picture says in a comment
which source it was made from, so that with `--check` a stale one is found without Chromium; nothing
is written then, and the exit status is 1. Its bytes are no measure: letters depend on the fonts of
the machine it was made on.
"""

from __future__ import annotations

import base64
import hashlib
import io
import shutil
import sys
from pathlib import Path
from typing import Any, NamedTuple

import mail_samples
from PIL import Image
from PIL.PngImagePlugin import PngInfo

DOCS = Path(__file__).resolve().parent
WIDTH_PX = 390
README_PX = 1150  # as much of the digest as stands well beside the README's text
COLOURS = 128  # tags keep theirs, and letters their edges
SCHEMES = ("light", "dark")
STAMP = "Source"


class Source(NamedTuple):
    """What a picture shows: a page, in a colour scheme, down to `height_px` or to its end."""

    html: str
    scheme: str
    height_px: int | None = None

    @property
    def stamp(self) -> str:
        """What its picture says of it."""
        said = f"{self.scheme} {self.height_px} {self.html}"
        return hashlib.sha256(said.encode()).hexdigest()


def main(arguments: list[str]) -> int:
    """Take the pictures, or with `--check` look at their stamps. Returns the exit status."""
    if arguments not in ([], ["--check"]):
        print(__doc__)
        return 2
    stale = {path: one for path, one in sources().items() if stamp_in(path) != one.stamp}
    if not arguments:
        take(stale)
    for path in stale:
        name = path.relative_to(DOCS.parent)
        print(f"{name} is not what the hub says: make docs" if arguments else f"wrote {name}")
    return 1 if stale and arguments else 0


def sources() -> dict[Path, Source]:
    """The source of every picture by the picture's path."""
    pages = mail_samples.pages()
    found = {
        DOCS / "mails" / f"{name}-{scheme}.png": Source(html, scheme)
        for name, html in pages.items()
        for scheme in SCHEMES
    }
    return found | {DOCS / "digest.png": Source(pages["digest"], "light", README_PX)}


def stamp_in(path: Path) -> str:
    """The stamp of the picture `path`; empty where there is none."""
    if not path.exists():
        return ""
    with Image.open(path) as picture:
        return str(picture.info.get(STAMP, ""))


def take(wanted: dict[Path, Source]) -> None:
    """Write the pictures of `wanted`. Ends the program where Chromium is missing."""
    from selenium import webdriver  # needed to take pictures, not to check them

    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        sys.exit("pictures need Chromium, which is not here: apt install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--hide-scrollbars"):
        options.add_argument(argument)
    browser = webdriver.Chrome(options, webdriver.ChromeService(driver))
    try:
        for path, source in wanted.items():
            path.parent.mkdir(exist_ok=True)
            _save(path, _taken(browser, source), source.stamp)
    finally:
        browser.quit()


def _taken(browser: Any, source: Source) -> bytes:
    media = [{"name": "prefers-color-scheme", "value": source.scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})
    size = {"width": WIDTH_PX, "height": 300, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    page = base64.b64encode(source.html.encode()).decode()
    browser.get(f"data:text/html;base64,{page}")
    height = source.height_px or browser.execute_script(
        "return document.documentElement.scrollHeight"
    )
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size | {"height": height})
    taken = browser.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
    return base64.b64decode(taken["data"])


def _save(path: Path, png: bytes, stamp: str) -> None:
    info = PngInfo()
    info.add_text(STAMP, stamp)
    with Image.open(io.BytesIO(png)) as picture:
        few = picture.convert("RGB").quantize(COLOURS, kmeans=1, dither=Image.Dither.NONE)
        few.save(path, optimize=True, pnginfo=info)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
