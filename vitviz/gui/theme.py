"""The two palettes, and the few rules of style that a palette cannot say.

Fusion with an own palette everywhere: ``setColorScheme`` has no effect on bare X and offscreen,
and a program about colours should look the same on every desktop.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from string import Template
from typing import Literal

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

from vitviz.bundled import resource

Theme = Literal["system", "light", "dark"]


@dataclass(frozen=True)
class Colours:
    """One theme.

    Text has a contrast of at least 7 on every ground, quiet text of at least 4.5, and what has to
    be seen (accent, edge, good, bad) of at least 3. ``line`` only divides what is apart anyway.
    """

    canvas: str
    panel: str
    raised: str
    hover: str
    line: str
    edge: str
    chosen: str
    text: str
    quiet: str
    accent: str
    on_accent: str
    good: str
    bad: str
    name: str


DARK = Colours(
    canvas="#0f1012", panel="#1c1d21", raised="#2a2c32", hover="#363940", line="#34363c",
    edge="#7b7f88", chosen="#40382b",
    text="#ececee", quiet="#a0a4ab", accent="#f0a03c", on_accent="#1b1306",
    good="#54b877", bad="#f0705f", name="dark",
)  # fmt: skip

LIGHT = Colours(
    canvas="#e4e4e1", panel="#f7f7f5", raised="#ffffff", hover="#ecebe7", line="#d5d4cf",
    edge="#7d7d78", chosen="#f3e2cd",
    text="#1d1d1f", quiet="#5c5e64", accent="#a85300", on_accent="#ffffff",
    good="#1f8a4c", bad="#b32a1b", name="light",
)  # fmt: skip


def colours(app: QApplication, theme: Theme) -> Colours:
    """The theme's colours; "system" follows the desktop, and is dark, which suits photos,
    where it does not say.
    """
    if theme == "system":
        light = app.styleHints().colorScheme() == Qt.ColorScheme.Light
        return LIGHT if light else DARK
    return DARK if theme == "dark" else LIGHT


def apply(app: QApplication, theme: Theme) -> Colours:
    """Gives the whole application a theme; may be called again at any time."""
    c = colours(app, theme)
    sheet = style_sheet(c)
    if app.styleSheet() != sheet:  # styling every widget again is slow
        app.setStyle("Fusion")
        app.setPalette(palette(c))
        app.setStyleSheet(sheet)
    return c


def palette(c: Colours) -> QPalette:
    """The theme as Qt's roles."""
    role = QPalette.ColorRole
    result = QPalette()
    for target, colour in (
        (role.Window, c.panel),
        (role.Base, c.canvas),
        (role.AlternateBase, c.panel),
        (role.Button, c.raised),
        (role.ToolTipBase, c.raised),
        (role.Mid, c.line),
        (role.Midlight, c.hover),
        (role.Dark, c.line),
        (role.Shadow, c.canvas),
        (role.Light, c.hover),
        (role.WindowText, c.text),
        (role.Text, c.text),
        (role.ButtonText, c.text),
        (role.ToolTipText, c.text),
        (role.PlaceholderText, c.quiet),
        (role.BrightText, c.bad),
        (role.Link, c.accent),
        (role.Highlight, c.accent),
        (role.HighlightedText, c.on_accent),
        (role.Accent, c.accent),
    ):
        result.setColor(target, QColor(colour))
    for target in (role.WindowText, role.Text, role.ButtonText):
        faint = QColor(c.quiet)
        faint.setAlphaF(0.55)
        result.setColor(QPalette.ColorGroup.Disabled, target, faint)
    return result


def style_sheet(c: Colours) -> str:
    """What the palette cannot say; ``resources/style.qss`` in these colours."""
    template = Template(resource("style.qss").read_text(encoding="utf-8"))
    return template.substitute(asdict(c), controls=resource("icons", "controls").as_posix())


def icon(name: str, colour: QColor, size: int = 20) -> QIcon:
    """A symbolic icon in one colour, sharp at one, two and three times the pixel density."""
    result = QIcon()
    drawing = resource("icons", f"{name}.svg").read_text(encoding="utf-8")
    svg = drawing.replace("currentColor", colour.name())
    for ratio in (1, 2, 3):
        pixmap = QPixmap(size * ratio, size * ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        QSvgRenderer(QByteArray(svg.encode())).render(painter)
        painter.end()
        pixmap.setDevicePixelRatio(ratio)
        result.addPixmap(pixmap)
    return result


def program_icon() -> QIcon:
    """The program's own icon, at every size it was drawn for."""
    result = QIcon()
    for size in (16, 24, 32, 48, 64, 128, 256, 512):
        result.addFile(str(resource("icons", f"vitviz-{size}.png")))
    return result
