"""The report in headless Chromium: nothing is missing, and it fits a phone."""

import shutil

import pytest

from flow.report.page import REPORT, render_report

pytestmark = pytest.mark.flow


@pytest.fixture(scope="module")
def browser():
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        pytest.skip("no Chromium: apt-get install chromium chromium-driver")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    yield driver
    driver.quit()


@pytest.fixture
def page(browser, build, config, outcome):
    path = build / REPORT
    path.write_text(render_report(build, config, outcome), "utf-8")
    browser.set_window_size(1200, 900)
    browser.get(path.as_uri())
    return browser


def test_pictures_load_and_the_console_is_silent(page):
    sizes = page.execute_script("return [...document.images].map(i => [i.complete, i.naturalWidth])")
    assert sizes == [[True, 40]] * 5
    assert page.get_log("browser") == []


def test_rows_are_those_of_the_outcome(page, outcome):
    rows = page.execute_script(
        "return [...document.querySelectorAll('#check-table tr')].slice(1)"
        ".map(r => [r.cells[0].textContent, r.cells[1].textContent])"
    )
    assert rows == [[c.name, c.status] for c in outcome.checks]


def test_a_phone_need_not_scroll_sideways(page):
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 390, "height": 800, "deviceScaleFactor": 2, "mobile": True},
    )
    try:
        assert page.execute_script("return document.documentElement.scrollWidth") <= 390
        # What a check found stands in the width of the screen, not in a column outside of it
        right, height = page.execute_script(
            "const r = document.querySelector('#check-table tr:nth-child(2)').getBoundingClientRect();"
            "const a = document.querySelector('#check-table td.about').getBoundingClientRect();"
            "return [a.right, r.height]"
        )
        assert right <= 390
        assert height < 120
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_light_and_dark_have_their_own_colours(page):
    colours = []
    for scheme in ("light", "dark"):
        feature = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", feature)
        colours.append(
            page.execute_script(
                "const s = getComputedStyle(document.body); return [s.backgroundColor, s.color]"
            )
        )
    light, dark = colours
    assert light[0] == "rgb(255, 255, 255)"
    assert dark[0] != light[0]
    assert dark[1] != light[1]
