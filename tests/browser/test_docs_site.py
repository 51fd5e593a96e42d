"""The documentation site in a real browser: from a disk and over HTTP, searched, on a phone, and usable by all."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import findings

ROOT = Path(__file__).resolve().parents[2]
VENVS = Path(os.environ.get("KINDE_VENVS", ROOT / ".venvs"))
PAGES = ("index", "tutorial", "concepts", "howto/users", "api/operators")
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and logs nothing."""

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    subprocess.run([sys.executable, ROOT / "scripts" / "env.py", "docs"], check=True)
    subprocess.run(
        [VENVS / "docs" / "bin" / "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        check=True,
    )
    return folder


@pytest.fixture(params=["disk", "http"])
def address(site: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "disk":
        yield site.as_uri()
        return
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_search_finds_a_page_and_nothing_is_fetched_from_elsewhere(chromium: Any, address: str) -> None:
    page = chromium.new_page()
    fetched: list[str] = []
    wrong: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(f"{address}/index.html")
    page.locator("input.md-search__input").click()
    page.keyboard.type("max_row_drop")
    found = page.locator(".md-search-result__item a").first
    found.wait_for()
    assert "how-it-works" in page.locator(".md-search-result__list").inner_html()
    assert [url for url in fetched if not url.startswith((address, "data:"))] == []
    assert wrong == []
    page.close()


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(chromium: Any, axe: str, site: Path, scheme: str, viewport: dict[str, int]) -> None:
    page = chromium.new_page(color_scheme=scheme, viewport=viewport)
    serious = {}
    for name in PAGES:
        page.goto(f"{site.as_uri()}/{name}.html")
        serious[name] = [found for found in findings(page, axe) if "(serious)" in found or "(critical)" in found]
    assert serious == {name: [] for name in PAGES}
    page.close()


def test_wide_tables_and_diagrams_do_not_widen_the_page_of_a_phone(chromium: Any, site: Path) -> None:
    page = chromium.new_page(viewport=PHONE)
    wider = []
    for name in (*PAGES, "command-line", "guarantees", "spec"):
        page.goto(f"{site.as_uri()}/{name}.html")
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wider.append(name)
    assert wider == []
    page.close()
