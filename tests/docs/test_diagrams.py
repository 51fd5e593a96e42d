"""The diagrams of the docs are those that the script draws, and each is on a page."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from scripts.diagrams import DIAGRAMS, FOLDER


@pytest.mark.parametrize("diagram", DIAGRAMS, ids=lambda diagram: diagram.__name__)
def test_the_diagram_is_up_to_date(diagram: object) -> None:
    drawing = diagram()  # type: ignore[operator]
    assert (FOLDER / f"{drawing.name}.svg").read_text(encoding="utf-8") == drawing.svg(), "python -m scripts.diagrams"
    root = ElementTree.fromstring(drawing.svg())
    assert root.find("{http://www.w3.org/2000/svg}title") is not None
    pages = "".join(path.read_text(encoding="utf-8") for path in FOLDER.parent.glob("*.md"))
    assert f"images/{drawing.name}.svg" in pages
