"""The console in a real browser: no errors, filters that work, narrow screens, the keyboard, contrast, and speed.

With DATAMART_PICTURES naming a folder, the pictures of the docs are written there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from kedro.framework.startup import bootstrap_project

from datamart_kedro.console.access import VARIABLE
from datamart_kedro.mart.mart import close_marts
from tests.console.desk import TOKEN, Desk, serving_desk
from tests.console.serving import Served, served
from tests.console.test_pages import PAGES
from tests.project import Project

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

BROWSER = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
EVERY = (*PAGES, "/customers/story?customer_id=1", "/metrics/revenue?by=month", "/?days=5")

CONTRAST = """
() => {
  const parts = (color) => (color.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, n) => sum + v * [0.2126, 0.7152, 0.0722][n], 0);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const found = parts(getComputedStyle(at).backgroundColor);
      if (found.length === 3 || found[3] === 1) return found;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.getClientRects().length) continue;
    const style = getComputedStyle(element);
    const ink = parts(element instanceof SVGElement ? style.fill : style.color);
    const [above, below] = [light(ink), light(ground(element))].sort((a, b) => b - a);
    const ratio = (above + 0.05) / (below + 0.05);
    if (ratio < 4.5) poor.push(`${element.tagName} ${element.textContent.trim().slice(0, 30)} ${ratio.toFixed(2)}`);
  }
  return poor;
}
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not BROWSER:
        pytest.skip("Chromium is not installed.")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Any]:
    """Open a page of a console; what the browser complains of is in its `complaints`."""
    contexts = []

    def opened(address: str, **how: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1200, "height": 900}, **how})
        contexts.append(context)
        page = context.new_page()
        page.complaints = []  # type: ignore[attr-defined]
        page.on("console", lambda message: page.complaints.append(message.text))  # type: ignore[attr-defined]
        page.on("pageerror", lambda error: page.complaints.append(str(error)))  # type: ignore[attr-defined]
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.mark.parametrize("path", [path for path in EVERY if path != "/?days=5"])
def test_a_page_loads_without_complaint_from_this_machine_alone(shown: Served, open_page: Any, path: str):
    page = open_page("about:blank")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(shown.address + path)
    assert page.complaints == []
    assert len(asked) >= 3
    assert [url for url in asked if not url.startswith(shown.address + "/")] == []
    assert page.locator("h1").count() == 1


@pytest.mark.parametrize("path", EVERY)
def test_a_page_fits_a_narrow_screen(shown: Served, open_page: Any, path: str):
    page = open_page(shown.address + path, viewport={"width": 340, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 340


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", EVERY)
def test_text_stands_out_from_its_ground(shown: Served, open_page: Any, path: str, scheme: str):
    assert open_page(shown.address + path, color_scheme=scheme).evaluate(CONTRAST) == []


def test_the_measure_of_contrast_tells_pale_text(shown: Served, open_page: Any):
    page = open_page(shown.address + "/")
    page.evaluate("document.querySelector('h1').style.color = '#999'")
    assert [line.rpartition(" ")[0] for line in page.evaluate(CONTRAST)] == ["H1 Overview"]


def test_a_choice_is_shown_at_once_and_kept_in_the_address(shown: Served, open_page: Any):
    page = open_page(shown.address + "/")
    with page.expect_navigation():
        page.get_by_label("Country").select_option("FR")
    assert page.url.endswith("/?days=30&country=FR")
    assert page.locator("li.card", has_text="Orders").first.inner_text().split()[:2] == ["Orders", "1"]
    with page.expect_navigation():
        page.get_by_role("link", name="Reset").click()
    assert page.get_by_label("Country").input_value() == ""


def test_days_are_chosen_by_dates(shown: Served, open_page: Any):
    page = open_page(shown.address + "/")
    page.get_by_role("textbox", name="From").fill("2025-02-01")
    page.get_by_role("textbox", name="To").fill("2025-02-10")
    with page.expect_navigation():
        page.get_by_role("button", name="Show").click()
    assert "2025-02-01 to 2025-02-10, beside the 10 days before." in page.locator("main").inner_text()
    assert page.get_by_role("textbox", name="From").input_value() == "2025-02-01"


def test_a_number_of_days_takes_the_place_of_dates(shown: Served, open_page: Any):
    page = open_page(shown.address + "/?since=2025-02-01&until=2025-02-10")
    with page.expect_navigation():
        page.get_by_label("Days").select_option("7")
    assert page.url.endswith("/?days=7")
    assert "2025-02-14 to 2025-02-20" in page.locator("main").inner_text()


def test_filters_work_without_script(shown: Served, open_page: Any):
    page = open_page(shown.address + "/", java_script_enabled=False)
    page.get_by_label("Department").select_option("Home")
    page.get_by_role("button", name="Show").click()
    assert "department=Home" in page.url
    assert "left out" in page.locator("main").inner_text()


def test_a_figure_opens_its_definition_by_the_keyboard(shown: Served, open_page: Any):
    page = open_page(shown.address + "/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the content"
    page.get_by_role("link", name="Net revenue").first.focus()
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.locator("h1").inner_text() == "Net revenue"
    assert "SELECT" in page.locator("pre").inner_text()
    assert outline == "solid"


def test_every_field_has_a_label_and_every_table_a_header(shown: Served, open_page: Any):
    for path in EVERY:
        page = open_page(shown.address + path)
        unlabelled = "[...document.querySelectorAll('input, select')].filter((f) => !f.labels.length).length"
        assert page.evaluate(unlabelled) == 0
        headless = (
            "[...document.querySelectorAll('table')].filter((t) => !t.querySelector('thead th[scope=col]')).length"
        )
        assert page.evaluate(headless) == 0
        unnamed = "[...document.querySelectorAll('svg[role=img]')].filter((s) => !s.getAttribute('aria-label')).length"
        assert page.evaluate(unnamed) == 0
        page.close()


FORMS = ("/rules", "/rules/edit?rule=orders&rule=status_map&entry=shipped", "/corrections", "/change")


def sign_in(page: Page, address: str) -> None:
    page.goto(f"{address}/sign-in")
    page.get_by_label("Name").fill("Ana Ruiz")
    page.get_by_label("Token", exact=True).fill(TOKEN)
    page.get_by_role("button", name="Sign in").click()
    assert page.locator("h1").inner_text() == "Run now"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_forms_fit_a_narrow_screen_stand_out_and_have_labels(desk: Desk, open_page: Any, scheme: str):
    page = open_page(f"{desk.address}/sign-in", viewport={"width": 340, "height": 700}, color_scheme=scheme)
    assert page.evaluate(CONTRAST) == []
    sign_in(page, desk.address)
    for path in FORMS:
        page.goto(desk.address + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 340, path
        assert page.evaluate(CONTRAST) == [], path
        fields = "[...document.querySelectorAll('input:not([type=hidden]), select, textarea')]"
        assert page.evaluate(f"{fields}.filter((field) => !field.labels.length).length") == 0, path
    assert page.complaints == []


def test_a_value_is_corrected_by_the_forms_alone(desk: Desk, published: Project, open_page: Any):
    page = open_page(desk.address)
    sign_in(page, desk.address)
    page.get_by_role("link", name="Corrections").click()
    page.get_by_label("Column").select_option("products: category")
    page.get_by_label("Key of the row").fill("A")
    page.get_by_label("Right value").fill("Garden")
    page.get_by_role("button", name="See what it changes").click()
    assert page.url == f"{desk.address}/corrections"  # the browser asks for the reason first
    page.get_by_label("Why; it stays").fill("It is a garden lamp.")
    page.get_by_role("button", name="See what it changes").click()
    page.get_by_role("button", name="Keep it").click(timeout=60_000)
    assert "The correction is kept." in page.locator("main").inner_text()
    page.get_by_role("link", name="start one now").click()
    page.get_by_label("products", exact=True).check()
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_text("It has ended well.").wait_for(timeout=60_000)
    assert published.query("SELECT category FROM tb_products WHERE product_id = 'A'") == [("Garden",)]
    page.get_by_role("link", name="Corrections").click()
    assert "category came as 'Books'" in page.locator("main").inner_text()
    assert page.complaints == []


@pytest.fixture
def pictures() -> Iterator[tuple[Path, Path]]:
    """The folder for pictures, and the project that they are of."""
    folder, project = os.environ.get("DATAMART_PICTURES"), os.environ.get("DATAMART_PICTURES_OF")
    if not folder or not project:
        pytest.skip("DATAMART_PICTURES names no folder, or DATAMART_PICTURES_OF no project that has run.")
    bootstrap_project(Path(project))
    yield Path(folder).absolute(), Path(project)
    close_marts()


def test_pictures_for_the_docs(open_page: Any, pictures: tuple[Path, Path]):
    folder, project = pictures
    with served(project) as console:
        for name, path in (
            ("overview", "/"),
            ("customers", "/customers"),
            ("forecast", "/forecast"),
            ("quality", "/quality"),
        ):
            page = open_page(console.address + path, viewport={"width": 1200, "height": 860})
            page.screenshot(path=folder / f"console-{name}.png")
            assert (folder / f"console-{name}.png").stat().st_size > 20_000


def test_pictures_of_a_changed_rule(open_page: Any, pictures: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch):
    folder, project = pictures
    monkeypatch.chdir(project)
    monkeypatch.setenv(VARIABLE, TOKEN)
    for desk in serving_desk():
        page = open_page(f"{desk.address}/sign-in", viewport={"width": 1200, "height": 560})
        sign_in(page, desk.address)
        page.goto(f"{desk.address}/rules/edit?rule=orders&rule=status_map&entry=delivered")
        page.get_by_label("Means").select_option("shipped")
        page.get_by_label("Why").fill("The carriers tell us too late.")
        page.get_by_role("button", name="See what it changes").click()
        page.get_by_role("button", name="Keep it").wait_for(timeout=60_000)
        page.screenshot(path=folder / "console-changed-rule.png")
        page.get_by_role("button", name="Drop it").click()
