"""Draws the diagrams of the docs: SVG that is readable in a light and a dark theme.

``python -m scripts.diagrams`` writes them to ``docs/images``; a test fails when they are not what this module draws.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "images"
STYLE = """
text { font: 14px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1f2933; }
.title { font-weight: 600; }
.small { font-size: 12px; fill: #52606d; }
.line { stroke: #52606d; stroke-width: 1.6; fill: none; }
.head { fill: #52606d; }
rect { rx: 8px; stroke-width: 1.4; }
.plain { fill: #f5f7fa; stroke: #9aa5b1; }
.good { fill: #e3f6f3; stroke: #00796b; }
.warn { fill: #fff4e0; stroke: #b26a00; }
.stop { fill: #fdecea; stroke: #b3261e; }
.faint { fill: none; stroke: #9aa5b1; stroke-dasharray: 5 4; }
@media (prefers-color-scheme: dark) {
  text { fill: #e4e7eb; }
  .small { fill: #b8c2cc; }
  .line { stroke: #b8c2cc; }
  .head { fill: #b8c2cc; }
  .plain { fill: #2b333b; stroke: #7b8794; }
  .good { fill: #10393a; stroke: #4db6ac; }
  .warn { fill: #43310f; stroke: #e0a030; }
  .stop { fill: #4a1f1d; stroke: #ef9a9a; }
}
"""


class Drawing:
    """One diagram, drawn piece by piece.

    :param name: name of the file, without its suffix.
    :param title: what the diagram shows, for a screen reader.
    :param width: in units of about a pixel.
    :param height: in the same units.
    """

    def __init__(self, name: str, title: str, width: int, height: int) -> None:
        self.name, self.title, self.width, self.height = name, title, width, height
        self.parts: list[str] = []

    def box(self, x: int, y: int, width: int, height: int, lines: str, kind: str = "plain") -> None:
        """A box with centred text; the first line is its title.

        :param x: left edge.
        :param y: upper edge.
        :param width: width.
        :param height: height.
        :param lines: the text, lines separated by ``|``.
        :param kind: class of its colours.
        """
        self.parts.append(f'<rect x="{x}" y="{y}" width="{width}" height="{height}" class="{kind}"/>')
        texts = [line for line in lines.split("|") if line]
        top = y + height / 2 - 8.5 * (len(texts) - 1) + 5
        for number, line in enumerate(texts):
            self.text(x + width // 2, round(top + 17 * number), line, "small" if number else "title", "middle")

    def text(self, x: int, y: int, line: str, kind: str = "small", anchor: str = "start") -> None:
        """One line of text.

        :param x: where it begins, or its middle.
        :param y: its base line.
        :param line: the text.
        :param kind: class of its font and colour.
        :param anchor: ``start``, ``middle`` or ``end``.
        """
        self.parts.append(f'<text x="{x}" y="{y}" class="{kind}" text-anchor="{anchor}">{escape(line)}</text>')

    def arrow(self, *points: tuple[int, int]) -> None:
        """A line through points, with a head at the last one.

        :param points: two or more.
        """
        (x0, y0), (x, y) = points[-2:]
        path = " ".join(f"{'L' if number else 'M'}{px} {py}" for number, (px, py) in enumerate(points))
        dx, dy = (x > x0) - (x < x0), (y > y0) - (y < y0)
        left, right = (x - 9 * dx - 5 * dy, y - 9 * dy - 5 * dx), (x - 9 * dx + 5 * dy, y - 9 * dy + 5 * dx)
        self.parts.append(f'<path d="{path}" class="line"/>')
        self.parts.append(f'<path d="M{x} {y} L{left[0]} {left[1]} L{right[0]} {right[1]} Z" class="head"/>')

    def svg(self) -> str:
        """The file."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" role="img">'
            f"<title>{escape(self.title)}</title><style>{STYLE}</style>\n" + "\n".join(self.parts) + "\n</svg>\n"
        )


def overview() -> Drawing:
    """HR to Kinde, for the front page."""
    drawing = Drawing("overview", "HR rows become a plan; guards check it; Kinde gets the changes", 760, 250)
    drawing.box(10, 70, 130, 80, "HR|file, database,|API, SCIM", "plain")
    drawing.box(190, 70, 110, 80, "Plan|who changes,|and why", "good")
    drawing.box(350, 70, 110, 80, "Guards|is it too much?|is HR broken?", "warn")
    drawing.box(500, 70, 100, 80, "Apply|and verify", "good")
    drawing.box(640, 70, 110, 80, "Kinde|users,|organizations,|roles", "plain")
    for begin, end in ((140, 190), (300, 350), (460, 500), (600, 640)):
        drawing.arrow((begin, 110), (end, 110))
    drawing.arrow((695, 70), (695, 30), (245, 30), (245, 70))
    drawing.text(470, 22, "what is there now", "small", "middle")
    drawing.box(340, 195, 130, 46, "Blocked|nothing is written", "stop")
    drawing.arrow((405, 150), (405, 195))
    drawing.box(495, 195, 110, 46, "Report|each outcome", "plain")
    drawing.arrow((550, 150), (550, 195))
    drawing.box(170, 195, 150, 46, "Held, rejected|with the reason", "plain")
    drawing.arrow((245, 150), (245, 195))
    return drawing


def people() -> Drawing:
    """Joiner, mover and leaver as the states of an account."""
    drawing = Drawing("people", "The states of an account: joiner, mover, leaver, return, deletion", 760, 290)
    drawing.box(10, 90, 140, 64, "No account|or an account|without an owner", "plain")
    drawing.box(300, 90, 150, 64, "Active|link, organizations,|roles", "good")
    drawing.box(600, 90, 150, 64, "Suspended|sessions ended;|memberships stay", "warn")
    drawing.arrow((150, 122), (300, 122))
    drawing.text(225, 112, "joiner", "title", "middle")
    drawing.text(225, 142, "create or adopt", "small", "middle")
    drawing.arrow((450, 108), (600, 108))
    drawing.text(525, 98, "leaver", "title", "middle")
    drawing.text(525, 125, "suspend, mark", "small", "middle")
    drawing.arrow((600, 140), (450, 140))
    drawing.text(525, 160, "returns: enable", "small", "middle")
    drawing.arrow((340, 90), (340, 40), (410, 40), (410, 90))
    drawing.text(375, 30, "mover: name, address, organizations, roles", "small", "middle")
    drawing.box(600, 220, 150, 50, "Deleted|only if the spec says so", "stop")
    drawing.arrow((675, 154), (675, 220))
    drawing.text(665, 192, "delete_after_days", "small", "end")
    drawing.box(10, 220, 140, 50, "Row rejected|cannot be read", "faint")
    drawing.box(165, 220, 160, 50, "Person held|needs a decision", "faint")
    drawing.text(340, 242, "The account stays as it is.")
    drawing.text(340, 260, "The report gives the reason.")
    return drawing


def ownership() -> Drawing:
    """Which accounts the sync changes."""
    drawing = Drawing("ownership", "Which accounts the sync acme-hr may change", 760, 262)
    rows = (
        ("acme-hr:10026", "Managed|it carries this sync's link", "good", "is created, changed, suspended, enabled"),
        ("acme-hr:10002", "Protected|managed, with the role owner", "warn", "loses access only by a decision"),
        ("no provided_id", "Without an owner|by hand or at sign-up", "plain", "is adopted, if its address is proven"),
        ("agency:7", "Of another source|it carries another link", "plain", "is left alone"),
    )  # fmt: skip
    drawing.text(10, 18, "provided_id of the account in Kinde")
    drawing.text(440, 18, "what the sync acme-hr does")
    for number, (link, lines, kind, does) in enumerate(rows):
        y = 30 + 58 * number
        drawing.text(10, y + 29, link, "title")
        drawing.box(205, y, 200, 48, lines, kind)
        drawing.arrow((405, y + 24), (435, y + 24))
        drawing.text(442, y + 28, does)
    return drawing


def decision() -> Drawing:
    """What lets a plan pass."""
    drawing = Drawing("decision", "Plan, guard, approve: what lets a plan pass", 760, 290)
    drawing.box(10, 30, 170, 64, "Is HR sound?|not empty, not cut off,|no column lost", "warn")
    drawing.box(290, 30, 170, 64, "Is it too much?|more than 10 % leavers,|a role lost by a quarter", "warn")
    drawing.box(580, 30, 170, 64, "Apply|in a safe order,|then read again", "good")
    drawing.arrow((180, 62), (290, 62))
    drawing.text(235, 52, "yes", "small", "middle")
    drawing.arrow((460, 62), (580, 62))
    drawing.text(520, 52, "no", "small", "middle")
    drawing.box(10, 160, 170, 64, "Blocked|correct HR;|no approval helps", "stop")
    drawing.arrow((95, 94), (95, 160))
    drawing.text(105, 132, "no")
    drawing.box(290, 160, 170, 64, "Blocked|read the plan and decide;|nothing is written", "stop")
    drawing.arrow((375, 94), (375, 160))
    drawing.text(385, 132, "yes")
    drawing.box(580, 160, 170, 64, "Approved|this plan only,|by its hash", "good")
    drawing.arrow((460, 192), (580, 192))
    drawing.text(520, 182, "it is meant", "small", "middle")
    drawing.arrow((665, 160), (665, 94))
    drawing.text(290, 262, "It is not meant: correct HR or the spec, and plan again.")
    return drawing


def dates() -> Drawing:
    """How access is decided by dates."""
    drawing = Drawing("dates", "How dates decide about access", 760, 230)
    marks = (
        (140, "start_date|- days_before_start"),
        (250, "start_date"),
        (430, "end_date"),
        (550, "+ grace_days"),
        (675, "+ delete_after_days"),
    )
    spans = (
        (5, 140, "nothing given|nothing taken", "faint"),
        (140, 250, "access|given early", "good"),
        (250, 430, "access|organizations and roles|as the rules say", "good"),
        (430, 550, "grace|kept, none given", "warn"),
        (550, 675, "suspended|a return restores", "stop"),
        (675, 755, "deleted", "faint"),
    )
    for left, right, lines, kind in spans:
        drawing.box(left, 90, right - left, 60, lines, kind)
    for number, (x, label) in enumerate(marks):
        upper = number % 2 == 0
        y = 45 if upper else 195
        drawing.parts.append(f'<path d="M{x} {60 if upper else 180} L{x} {90 if upper else 150}" class="line"/>')
        for line, text in enumerate(label.split("|")):
            anchor = "end" if x > 650 else "middle"
            drawing.text(min(x, 750), y - 12 + 17 * line if upper else y + 17 * line, text, "small", anchor)
    drawing.text(10, 222, "A day begins and ends in the time zone of the person (employment.timezone).")
    return drawing


DIAGRAMS = (overview, people, ownership, decision, dates)

if __name__ == "__main__":
    for diagram in DIAGRAMS:
        drawn = diagram()
        (FOLDER / f"{drawn.name}.svg").write_text(drawn.svg(), encoding="utf-8")
