"""A page in headless Chromium: what became of its pictures, and what it asked of others."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--virtual-time-budget=10000", "--dump-dom",
]  # fmt: skip
MARK = "what-the-page-shows"
SCRIPT = f"""<script>
addEventListener("load", () => {{
  const shown = {{
    pictures: [...document.images].map(image => [image.alt, image.complete, image.naturalWidth, image.clientWidth]),
    requests: performance.getEntriesByType("resource").map(entry => entry.name),
    text: document.body.innerText,
  }};
  document.documentElement.setAttribute("{MARK}", encodeURIComponent(JSON.stringify(shown)));
}});
</script>"""


def open_page(page: Path, directory: Path) -> dict[str, Any]:
    """Open a copy of `page` below `directory`, a new directory.

    Returns `pictures` [alt, complete, natural width, width shown], `requests` (addresses that it loads, but for data:
    ones) and `text`.
    """
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium: install Debian's package to see the report as its readers do")
    copy = directory / "page.html"
    directory.mkdir()
    copy.write_text(SCRIPT + page.read_text(encoding="utf-8"), encoding="utf-8")
    command = [chromium, *FLAGS, f"--user-data-dir={directory / 'profile'}", copy.as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120)
    _, mark, rest = shown.stdout.partition(f'{MARK}="')
    assert mark, shown.stderr
    return json.loads(unquote(rest.partition('"')[0]))
