"""The two palettes, and the few rules of style that a palette cannot say.

Fusion with an own palette everywhere: ``setColorScheme`` has no effect on bare X and offscreen,
and a program about colours should look the same on every desktop.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

Theme = Literal["system", "light", "dark"]


@dataclass(frozen=True)
class Colours:
    """One theme. Text on panel has a contrast of at least 7, quiet text of at least 4.5."""

    canvas: str
    panel: str
    raised: str
    hover: str
    line: str
    text: str
    quiet: str
    accent: str
    on_accent: str
    good: str
    bad: str
    name: str


DARK = Colours(
    canvas="#0f1012", panel="#1c1d21", raised="#2a2c32", hover="#363940", line="#34363c",
    text="#ececee", quiet="#a0a4ab", accent="#f0a03c", on_accent="#1b1306",
    good="#54b877", bad="#f0705f", name="dark",
)  # fmt: skip

LIGHT = Colours(
    canvas="#e4e4e1", panel="#f7f7f5", raised="#ffffff", hover="#ecebe7", line="#d5d4cf",
    text="#1d1d1f", quiet="#62646a", accent="#b85c00", on_accent="#ffffff",
    good="#1f8a4c", bad="#bf2f1f", name="light",
)  # fmt: skip


ICONS = Path(str(files("vitviz"))) / "resources" / "icons"


def colours(app: QApplication, theme: Theme) -> Colours:
    """The theme's colours; "system" follows the desktop, and is light where it does not say."""
    if theme == "system":
        dark = app.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return DARK if dark else LIGHT
    return DARK if theme == "dark" else LIGHT


def apply(app: QApplication, theme: Theme) -> Colours:
    """Gives the whole application a theme; may be called again at any time."""
    c = colours(app, theme)
    app.setStyle("Fusion")
    app.setPalette(palette(c))
    app.setStyleSheet(style_sheet(c))
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
    """What the palette cannot say: radii, paddings, quiet headings, flat buttons."""
    chevron = (ICONS / f"chevron-{c.name}.svg").as_posix()
    up = (ICONS / f"chevron-up-{c.name}.svg").as_posix()
    check = (ICONS / f"check-{c.name}.svg").as_posix()
    return f"""
    QMainWindow::separator {{ background: {c.line}; width: 1px; height: 1px; }}
    QToolTip {{ background: {c.raised}; color: {c.text};
        border: 1px solid {c.line}; padding: 4px; }}
    QMenuBar {{ background: transparent; }}
    QMenuBar::item {{ padding: 5px 9px; border-radius: 5px; }}
    QMenuBar::item:selected {{ background: {c.raised}; }}
    QMenu {{ background: {c.raised}; border: 1px solid {c.line}; padding: 4px; }}
    QMenu::item {{ padding: 5px 24px 5px 22px; border-radius: 4px; }}
    QMenu::item:selected {{ background: {c.accent}; color: {c.on_accent}; }}
    QMenu::item:disabled {{ color: {c.quiet}; }}
    QMenu::separator {{ height: 1px; background: {c.line}; margin: 4px 6px; }}
    #topBar, #statusBar {{ background: {c.panel}; }}
    #topBar {{ border-bottom: 1px solid {c.line}; }}
    QStatusBar {{ background: {c.panel}; border-top: 1px solid {c.line}; color: {c.quiet}; }}
    QStatusBar::item {{ border: none; }}
    QStatusBar QLabel {{ color: {c.quiet}; }}
    #tabs {{ background: {c.canvas}; border-radius: 8px; }}
    #tabs QToolButton {{ border: none; border-radius: 6px; padding: 5px 16px; color: {c.quiet};
        background: transparent; }}
    #tabs QToolButton:hover {{ color: {c.text}; }}
    #tabs QToolButton:checked {{ background: {c.raised}; color: {c.text}; font-weight: 600; }}
    #tabs QToolButton:focus, #chips QToolButton:focus {{ border: 1px solid {c.accent}; }}
    #chips QToolButton {{ border: 1px solid transparent; border-radius: 5px; padding: 3px 8px;
        background: {c.raised}; color: {c.text}; }}
    #chips QToolButton:hover {{ background: {c.hover}; }}
    #chips QToolButton:checked {{ background: {c.hover}; color: {c.text}; font-weight: 600;
        border: 1px solid {c.accent}; }}
    #heading {{ background: {c.panel}; color: {c.quiet}; font-weight: 600;
        padding: 10px 12px 6px 12px; }}
    QDockWidget > QWidget {{ background: {c.panel}; }}
    QScrollArea {{ background: transparent; border: none; }}
    QScrollArea > QWidget > QWidget {{ background: transparent; }}
    QLabel[quiet="true"] {{ color: {c.quiet}; }}
    QLabel[strong="true"] {{ font-weight: 600; }}
    #card {{ background: {c.raised}; border-radius: 8px; }}
    QComboBox, QSpinBox, QDoubleSpinBox, QLineEdit {{ background: {c.raised}; color: {c.text};
        border: 1px solid {c.line}; border-radius: 5px; padding: 3px 8px; min-height: 20px;
        selection-background-color: {c.accent}; selection-color: {c.on_accent}; }}
    QAbstractSpinBox QLineEdit {{ border: none; background: transparent; padding: 0 0 0 6px;
        min-height: 0; }}
    QComboBox:hover, QSpinBox:hover, QDoubleSpinBox:hover {{ background: {c.hover}; }}
    QComboBox:focus, QSpinBox:focus, QDoubleSpinBox:focus, QLineEdit:focus {{
        border: 1px solid {c.accent}; }}
    QComboBox:disabled, QSpinBox:disabled, QDoubleSpinBox:disabled {{ color: {c.quiet}; }}
    QComboBox::drop-down {{ border: none; width: 22px; }}
    QComboBox::down-arrow {{ image: url({chevron}); width: 12px; height: 12px; }}
    QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ border: none; width: 20px;
        background: transparent; }}
    QAbstractSpinBox::up-arrow {{ image: url({up}); width: 10px; height: 10px; }}
    QAbstractSpinBox::down-arrow {{ image: url({chevron}); width: 10px; height: 10px; }}
    QComboBox QAbstractItemView {{ background: {c.raised}; border: 1px solid {c.line};
        selection-background-color: {c.accent}; selection-color: {c.on_accent}; outline: none; }}
    QPushButton {{ background: {c.raised}; color: {c.text}; border: 1px solid {c.line};
        border-radius: 6px; padding: 5px 12px; }}
    QPushButton:hover {{ background: {c.hover}; }}
    QPushButton:focus {{ border: 1px solid {c.accent}; }}
    QPushButton:disabled {{ color: {c.quiet}; }}
    QPushButton[primary="true"] {{ background: {c.accent}; color: {c.on_accent};
        border: 1px solid {c.accent}; font-weight: 600; }}
    #topBar QToolButton, #statusBar QToolButton, QStatusBar QToolButton, #player QToolButton,
    #banner QToolButton {{
        border: 1px solid transparent; border-radius: 5px; padding: 4px; background: transparent; }}
    #topBar > QToolButton:hover, QStatusBar QToolButton:hover, #player QToolButton:hover,
    #banner QToolButton:hover {{ background: {c.raised}; }}
    #topBar > QToolButton:focus, QStatusBar QToolButton:focus, #player QToolButton:focus {{
        border: 1px solid {c.accent}; }}
    QListView {{ background: transparent; border: none; outline: none; }}
    QTextBrowser {{ background: {c.panel}; }}
    #found::item {{ padding: 5px 8px; border-radius: 4px; }}
    #found::item:selected {{ background: {c.accent}; color: {c.on_accent}; }}
    QCheckBox {{ spacing: 8px; padding: 1px; border: 1px solid transparent; border-radius: 4px; }}
    QCheckBox:focus {{ border: 1px solid {c.accent}; }}
    QCheckBox::indicator {{ width: 14px; height: 14px; border: 1px solid {c.quiet};
        border-radius: 4px; background: {c.raised}; }}
    QCheckBox::indicator:checked {{ background: {c.accent}; border: 1px solid {c.accent};
        image: url({check}); }}
    QSlider::groove:horizontal {{ height: 4px; border-radius: 2px; background: {c.line}; }}
    QSlider::sub-page:horizontal {{ height: 4px; border-radius: 2px; background: {c.accent}; }}
    QSlider::handle:horizontal {{ width: 14px; height: 14px; margin: -5px 0; border-radius: 7px;
        background: {c.text}; }}
    QSlider::handle:horizontal:focus {{ background: {c.accent}; }}
    QProgressBar {{ background: {c.line}; border: none; border-radius: 2px; max-height: 4px; }}
    QProgressBar::chunk {{ background: {c.accent}; border-radius: 2px; }}
    #banner {{ background: {c.raised}; border-left: 3px solid {c.bad}; border-radius: 4px; }}
    #banner[kind="question"] {{ border-left: 3px solid {c.accent}; }}
    QScrollBar:vertical {{ background: transparent; width: 10px; margin: 2px; }}
    QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 2px; }}
    QScrollBar::handle {{ background: {c.hover}; border-radius: 3px; min-height: 24px;
        min-width: 24px; }}
    QScrollBar::handle:hover {{ background: {c.quiet}; }}
    QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page {{
        background: none; border: none; width: 0; height: 0; }}
    """


def icon(name: str, colour: QColor, size: int = 20) -> QIcon:
    """A symbolic icon in one colour, sharp at one, two and three times the pixel density."""
    result = QIcon()
    svg = (ICONS / f"{name}.svg").read_text(encoding="utf-8").replace("currentColor", colour.name())
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
        result.addFile(str(ICONS / f"vitviz-{size}.png"))
    return result
