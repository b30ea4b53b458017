"""A phone: Chromium without a window, 390 px wide, that says what is hard to read or to tap."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from .waiting import SOON_S

# WCAG 2.1: 1.4.3 (contrast) for every element with text of its own, 2.5.5 (size of targets) for all
# that is tapped; a box is tapped by its label.
_LOOK = """
const rgb = text => text.match(/[\\d.]+/g).map(Number);
const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
  .map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
  .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
const ground = element => {
  for (let at = element; at; at = at.parentElement) {
    const colour = rgb(getComputedStyle(at).backgroundColor);
    if (colour.length === 3 || colour[3] === 1) return colour;
  }
  return matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18] : [255, 255, 255];
};
const pale = [...document.querySelectorAll("body, body *")].filter(element =>
  [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim())
).map(element => {
  const style = getComputedStyle(element), size = parseFloat(style.fontSize);
  const [a, b] = [light(rgb(style.color)), light(ground(element))].sort((x, y) => y - x);
  const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
  return {what: element.textContent.trim().slice(0, 40), ratio: (a + 0.05) / (b + 0.05), large};
}).filter(one => one.ratio < (one.large ? 3 : 4.5));
const small = [...document.querySelectorAll("a, button, label.row, input:not([type=checkbox])")]
  .map(element => ({what: element.textContent.trim().slice(0, 40) || element.name,
                    box: element.getBoundingClientRect()}))
  .filter(one => one.box.width < 44 || one.box.height < 44)
  .map(one => `${one.what} ${one.box.width}x${one.box.height}`);
const wide = document.documentElement.scrollWidth - innerWidth;
return {pale, small, wide};
"""

_IS_THE_NEW_PAGE = "return !window.isTheOldPage && document.readyState === 'complete'"


class Phone:
    """What a person holds. `scheme` is light or dark."""

    def __init__(self, browser: webdriver.Chrome) -> None:
        self._browser = browser

    def is_set(self, scheme: str, width_px: int = 390) -> None:
        """Turn it to a colour scheme, and be so wide."""
        media = [{"name": "prefers-color-scheme", "value": scheme}]
        self._browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})
        size = {"width": width_px, "height": 844, "deviceScaleFactor": 1, "mobile": True}
        self._browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def opens(self, address: str) -> None:
        self._browser.get(address)

    def shows(self, html: str) -> None:
        """Open a mail."""
        self.opens("data:text/html;base64," + base64.b64encode(html.encode()).decode())

    @property
    def text(self) -> str:
        """What can be read, on one line."""
        return " ".join(self._browser.find_element(By.TAG_NAME, "body").text.split())

    def at(self, selector: str) -> WebElement:
        return self._browser.find_element(By.CSS_SELECTOR, selector)

    def presses(self, selector: str) -> None:
        """Tap what leads to another page, and wait until that page is all there.

        The driver answers a tap while the old page is still shown; a page that is on its way out
        answers a look with an error, which is no answer.
        """
        self._browser.execute_script("window.isTheOldPage = true")
        self.at(selector).click()
        waiting = WebDriverWait(self._browser, SOON_S, ignored_exceptions=[WebDriverException])
        waiting.until(lambda browser: browser.execute_script(_IS_THE_NEW_PAGE), selector)

    def hard(self) -> dict[str, object]:
        """What is too pale, too small to tap, or wider than the screen; empty where all is well."""
        found = self._browser.execute_script(_LOOK)
        return {name: what for name, what in found.items() if what and what != 0}


@contextmanager
def phone() -> Iterator[Phone]:
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for argument in ("--headless=new", "--no-sandbox", "--hide-scrollbars"):
        options.add_argument(argument)
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    browser = webdriver.Chrome(options, service)
    try:
        yield Phone(browser)
    finally:
        browser.quit()
