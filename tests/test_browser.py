"""The page to try a model on, in a real browser: Chromium and its driver, as Debian packages them (chromium-driver)."""

import json
import os
import shutil

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait
from test_server import Served

pytestmark = pytest.mark.slow
WAIT = 20  # seconds, at most


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    driver, binary = shutil.which("chromedriver"), shutil.which("chromium") or shutil.which("google-chrome")
    if driver is None or binary is None:
        pytest.skip("no Chromium and chromedriver on this machine")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1000,900"):
        options.add_argument(argument)
    own = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield own
    own.quit()


@pytest.fixture
def page(browser, make_nlp, chosen_checkpoint, request):
    """The page, opened; its labels are those of a parameter's label_map."""
    served = Served(make_nlp(chosen_checkpoint, **getattr(request, "param", {})))
    browser.get(f"http://127.0.0.1:{served.port}/")
    yield browser
    served.close()


def type_text(page, text):
    field = page.find_element(By.ID, "text")
    field.clear()
    field.send_keys(text, Keys.CONTROL, Keys.ENTER)
    WebDriverWait(page, WAIT).until(lambda page: page.find_element(By.ID, "go").is_enabled())


def wait_for_json(page, n_ents):
    def read(page):
        shown = page.find_element(By.ID, "json").text
        return shown and len(json.loads(shown)["ents"]) == n_ents and json.loads(shown)

    return WebDriverWait(page, WAIT).until(read)


def list_marks(page):
    """The marks that look like entities: text and label."""
    return page.execute_script(
        "return [...document.querySelectorAll('#drawn mark.entity:not(.off)')].map("
        "mark => [mark.firstChild.textContent.trim(), mark.querySelector('span').firstChild.textContent.trim()])"
    )


def set_threshold(page, value):
    page.execute_script(
        "const slider = document.getElementById('threshold'); slider.value = arguments[0];"
        "slider.dispatchEvent(new Event('input'))",
        value,
    )


def find_errors(page):
    return [entry["message"] for entry in page.get_log("browser") if entry["level"] == "SEVERE"]


def test_typed_text_is_tagged_and_drawn(page):
    type_text(page, "Anna lives in Berlin")
    found = wait_for_json(page, 2)
    assert [ent["text"] for ent in found["ents"]] == ["Anna", "Berlin"]
    assert list_marks(page) == [["Anna", "PER"], ["Berlin", "LOC"]]
    rows = page.find_elements(By.CSS_SELECTOR, "#pieces tr")
    assert [cell.text for cell in rows[0].find_elements(By.TAG_NAME, "td")][:2] == ["<s>", "▁Anna"]
    assert [cell.text for cell in rows[1].find_elements(By.TAG_NAME, "td")][:2] == ["O", "B-PER"]
    assert find_errors(page) == []


def test_slider_hides_what_is_less_sure_without_asking_anew(page):
    type_text(page, "Anna lives in Berlin")
    score = wait_for_json(page, 2)["ents"][0]["score"]
    assert score < 1
    set_threshold(page, 1)
    wait_for_json(page, 0)
    assert list_marks(page) == []
    assert "Anna lives in Berlin" in page.find_element(By.ID, "drawn").text
    set_threshold(page, 0)
    wait_for_json(page, 2)
    assert len(list_marks(page)) == 2


def test_slider_moves_by_the_keyboard(page):
    type_text(page, "Anna")
    wait_for_json(page, 1)
    page.find_element(By.ID, "threshold").send_keys(Keys.END)
    wait_for_json(page, 0)
    assert page.find_element(By.ID, "least").text == "1.00"


@pytest.mark.parametrize("page", [{"label_map": {"PER": "<img src=x onerror=document.title=1>"}}], indirect=True)
def test_script_in_text_or_label_stays_text(page):
    text = "<script>document.title = 'run'</script> Anna <img src=x onerror=document.title='run'>"
    type_text(page, text)
    wait_for_json(page, 1)
    assert page.title == "Named entities"
    assert page.find_elements(By.CSS_SELECTOR, "#drawn img, #drawn script") == []
    assert "<script>" in page.find_element(By.ID, "drawn").text
    assert find_errors(page) == []


def test_too_long_a_text_is_told_on_the_page(page):
    type_text(page, "a" * 201)
    error = page.find_element(By.ID, "error")
    WebDriverWait(page, WAIT).until(lambda _: error.is_displayed())
    assert "XN271" in error.text


def test_right_to_left_text_is_drawn_so(page):
    type_text(page, "محمد")
    wait_for_json(page, 0)
    drawn = page.find_element(By.CSS_SELECTOR, "#drawn .entities")
    assert drawn.value_of_css_property("direction") == "rtl"


def test_page_fits_a_narrow_window(page):
    page.set_window_size(500, 800)
    type_text(page, "Anna lives in Berlin and the New York " * 4)
    wait_for_json(page, 12)
    widths = page.execute_script("return [document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    page.set_window_size(1000, 900)
    assert widths[0] <= widths[1]


def test_page_can_be_photographed(page, tmp_path):
    type_text(page, "Anna lives in Berlin")
    wait_for_json(page, 2)
    assert page.save_screenshot(str(tmp_path / "page.png"))
    assert os.path.getsize(tmp_path / "page.png") > 10_000
