"""The page of the score as browsers of a laptop and of a phone show it: nothing is cut, and tables sort."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from steps.score.page import DrawnPanel, Section, page_of, panels, sorting
from utils.report_tables import Cell, Table

NASTY = "<b>&\"'$x^2$ ünï \u4e2d </script><img src=x>"
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--allow-file-access-from-files", "--window-size=1400,1000", "--dump-dom",
]  # fmt: skip
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
ROWS = (("wanted", "high", "-"), (NASTY, "1,200.5 !", "b"), ("two", "-0.25 (0.9)", "a10"), ("three", "-", "a9"))
PROBE = """<script>
addEventListener("load", () => {
  const names = () => Array.from(document.querySelectorAll("tbody tr"), row => row.cells[0].textContent);
  const buttons = document.querySelectorAll("th button");
  const told = {width: innerWidth, page: document.documentElement.scrollWidth, orders: [names()], sorts: []};
  for (const column of [1, 1, 1, 2, 0]) {
    buttons[column].focus();
    document.activeElement.click();
    told.orders.push(names());
    told.sorts.push(Array.from(document.querySelectorAll("th"), head => head.getAttribute("aria-sort")).join(" "));
  }
  document.documentElement.setAttribute("data-told", encodeURIComponent(JSON.stringify(told)));
});
</script>"""


def table() -> Table:
    """A table with a row that stays, numbers in several spellings, and a name that is all that HTML minds."""
    return Table("Numbers", "Good is high.", ["", "value", "word"], [[Cell(text) for text in row] for row in ROWS])


def written(directory: Path) -> Path:
    """A page with the table, wide text and a picture."""
    parts = [sorting("numbers", table(), {"wanted"}), panels(Section("dots", NASTY, NASTY, [DrawnPanel(PNG, NASTY)]))]
    path = directory / "page.html"
    path.write_text(page_of(NASTY, [NASTY * 4, "x" * 300], parts), encoding="utf-8")
    return path


def told_by_browser(page: Path, directory: Path, width: int, probe: str = PROBE) -> dict[str, Any]:
    """What a probe says in a window of this width."""
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("no chromium: apt-get install chromium shows the page as its readers see it")
    directory.mkdir(exist_ok=True)
    copy = directory / f"{width}.html"
    # a window is at least 500 wide: a narrower page is in a frame of it
    frame = f'<iframe src="inner{width}.html" style="width:{width}px;height:900px;border:0"></iframe>'
    (directory / f"inner{width}.html").write_text(page.read_text(encoding="utf-8") + probe, encoding="utf-8")
    tell = "onload = () => document.documentElement.dataset.told = frames[0].document.documentElement.dataset.told"
    copy.write_text(f"<!doctype html><body>{frame}<script>{tell}</script>", encoding="utf-8")
    command = [browser, *FLAGS, f"--user-data-dir={directory / 'profile'}", copy.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    found = re.search('data-told="([^"]*)"', done.stdout)
    assert found, done.stderr
    return json.loads(unquote(found[1]))


def test_tables_sort_by_click_and_return(tmp_path: Path):
    told = told_by_browser(written(tmp_path), tmp_path / "browser", 390)
    assert told["width"] == 390 and told["page"] <= 390
    wanted, big, two, three = "wanted", NASTY, "two", "three"
    assert told["orders"] == [
        [wanted, big, two, three],
        [wanted, big, two, three],  # from the largest; what is no number is last
        [wanted, two, big, three],
        [wanted, big, two, three],  # as it came
        [wanted, big, two, three],  # words, from the end: b, a10, a9
        [wanted, big, three, two],  # names
    ]
    assert told["sorts"][:3] == ["none descending none", "none ascending none", "none none none"]
    assert told["sorts"][3:] == ["none none descending", "ascending none none"]


class Texts(HTMLParser):
    """Texts and tags of a page."""

    def __init__(self, page: str):
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.mark.hostile("Names with <, &, quotes and </script> in titles, captions, cells and pictures of the page")
def test_any_text_is_text(tmp_path: Path):
    page = Texts(written(tmp_path).read_text(encoding="utf-8"))
    assert page.texts.count(NASTY) == 6  # title, heading, cell; link, heading and caption of the picture
    assert page.tags.count("img") == 1 and page.tags.count("script") == 1 and "b" not in page.tags


def test_pictures_of_a_section_are_numbered():
    one, several = (Section("dots", "", "", [DrawnPanel(PNG, "")] * n) for n in (1, 2))
    assert list(one.files()) == ["dots.png"] and list(several.files()) == ["dots_01.png", "dots_02.png"]
