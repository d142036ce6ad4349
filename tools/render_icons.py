"""Renders the program's icon from its SVG into the sizes that systems ask for."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

ICONS = Path(__file__).resolve().parent.parent / "resources" / "icons"
SIZES_PX = (16, 24, 32, 48, 64, 128, 256, 512)


def render(svg: Path, size_px: int) -> QImage:
    """A square rendering of ``svg`` on a transparent ground, ``size_px`` wide."""
    image = QImage(size_px, size_px, QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    QSvgRenderer(str(svg)).render(painter, QRectF(0, 0, size_px, size_px))
    painter.end()
    return image


if __name__ == "__main__":
    for size in SIZES_PX:
        render(ICONS / "vitviz.svg", size).save(str(ICONS / f"vitviz-{size}.png"))
