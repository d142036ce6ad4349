"""How the map looks: colours, opacity, range, edges."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon, QImage, QPixmap
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QSlider, QWidget

from vitviz.gui.scene import Scene
from vitviz.gui.widgets.form import Choice, Number, column, form, row
from vitviz.gui.widgets.text import set_tooltip
from vitviz.maps.colour import COLOUR_MAPS, table
from vitviz.maps.mass import USUAL_SHARE
from vitviz.maps.scaling import SCALING_TITLES
from vitviz.maps.style import ColourMap, Style

RANGES = (
    ("This map", "each"),
    ("From zero", "zero"),
    ("All layers and heads", "shared"),
    ("Fixed", "fixed"),
)

OUTLINE_HELP = (
    "A line around the fewest patches that together hold this part of the map (of its positive "
    "values)"
)

SWATCH = QSize(36, 12)


def swatch(name: ColourMap) -> QIcon:
    """A colour map as an icon, dark to bright."""
    colours = table(name).tobytes()
    image = QImage(colours, 256, 1, 256 * 3, QImage.Format.Format_RGB888)
    return QIcon(QPixmap.fromImage(image.scaled(SWATCH * 2)))


class AppearancePanel(QWidget):
    """Shows a style; every change is a new style.

    Signals:
        chosen(Style style, str kind): The user chose this style; ``kind`` merges undo steps.
    """

    chosen = Signal(object, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._style = Style()
        self._shown_range = (0.0, 1.0)
        self.colours = Choice(
            "Colours", [(facts.title, name) for name, facts in COLOUR_MAPS.items()]
        )
        self.colours.setIconSize(SWATCH)
        for index, name in enumerate(COLOUR_MAPS):
            self.colours.setItemIcon(index, swatch(name))
            self.colours.setItemData(
                index, COLOUR_MAPS[name].description, Qt.ItemDataRole.ToolTipRole
            )
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setAccessibleName("Opacity")
        self.opacity.setRange(0, 100)
        self.opacity.setPageStep(10)
        self.range = Choice("Range", RANGES)
        self.scaling = Choice("Scale", [(title, name) for name, title in SCALING_TITLES.items()])
        self.low = Number("Least value of the range", -1e9, 1e9, 5)
        self.high = Number("Greatest value of the range", -1e9, 1e9, 5)
        for end in (self.low, self.high):
            end.setStepType(Number.StepType.AdaptiveDecimalStepType)
        self.smooth = QCheckBox("Smooth edges")
        self.fade = QCheckBox("Let the photo through where low")
        self.grid = QCheckBox("Patch grid")
        self.outline = QCheckBox("Outline what holds")
        self.share = Number("Part of the map that is outlined, in per cent", 1, 100, 0)
        self.share.setSuffix(" %")
        self.share.setValue(100 * USUAL_SHARE)
        set_tooltip(self.outline, OUTLINE_HELP)
        self._arrange()
        self._connect()

    def _arrange(self) -> None:
        layout = column(self)
        fields = form()
        row(fields, "Colours", self.colours)
        row(fields, "Opacity", self.opacity)
        row(fields, "Range", self.range, "Which values the ends of the colours stand for")
        self._limits = QWidget()
        limits = QHBoxLayout(self._limits)
        limits.setContentsMargins(0, 0, 0, 0)
        limits.addWidget(self.low)
        limits.addWidget(self.high)
        fields.addRow(self._limits)
        self._fields = fields
        layout.addLayout(fields)
        row(fields, "Scale", self.scaling, "Root and logarithm show quiet maps beside loud ones")
        for box in (self.smooth, self.fade, self.grid):
            layout.addWidget(box)
        outlined = QHBoxLayout()
        outlined.addWidget(self.outline)
        outlined.addWidget(self.share, 1)
        layout.addLayout(outlined)
        layout.addStretch(1)

    def _connect(self) -> None:
        self.colours.currentIndexChanged.connect(self._colours_chosen)
        self.opacity.valueChanged.connect(self._opacity_chosen)
        self.range.currentIndexChanged.connect(self._range_chosen)
        self.scaling.currentIndexChanged.connect(self._scaling_chosen)
        self.low.valueChanged.connect(self._low_chosen)
        self.high.valueChanged.connect(self._high_chosen)
        self.smooth.clicked.connect(self._boxes_chosen)
        self.fade.clicked.connect(self._boxes_chosen)
        self.grid.clicked.connect(self._boxes_chosen)
        self.outline.clicked.connect(self._outline_chosen)
        self.share.valueChanged.connect(self._share_chosen)

    def show_scene(self, scene: Scene) -> None:
        """Shows what is chosen."""
        style = self._style = scene.session.style
        if scene.look is not None:
            self._shown_range = scene.look.low, scene.look.high
        self.colours.show_value(style.colour_map)
        blocked = self.opacity.blockSignals(True)
        self.opacity.setValue(round(style.opacity * 100))
        self.opacity.blockSignals(blocked)
        fixed = not isinstance(style.range, str)
        self.range.show_value("fixed" if fixed else style.range)
        self._fields.setRowVisible(self._limits, fixed)
        coloured = scene.heat_map is not None and scene.heat_map.is_coloured
        for control in (self.colours, self.range, self.scaling, self.fade, self.outline):
            control.setEnabled(not coloured)  # what is colours already has no other
        self.scaling.show_value(style.scaling)
        if not isinstance(style.range, str):
            self.low.show_value(style.range[0])
            self.high.show_value(style.range[1])
        self.smooth.setChecked(style.smooth)
        self.fade.setChecked(style.fade)
        self.grid.setChecked(style.grid)
        self.outline.setChecked(style.outlined > 0)
        self.share.setEnabled(style.outlined > 0 and not coloured)
        if style.outlined > 0:
            self.share.show_value(100 * style.outlined)

    def _colours_chosen(self) -> None:
        self.chosen.emit(replace(self._style, colour_map=self.colours.value), "")  # type: ignore[arg-type]

    def _opacity_chosen(self, percent: int) -> None:
        self.chosen.emit(replace(self._style, opacity=percent / 100), "opacity")

    def _range_chosen(self) -> None:
        value = self.range.value
        # A fixed range starts at what is shown now, so that choosing it changes nothing yet.
        chosen = self._shown_range if value == "fixed" else value
        self.chosen.emit(replace(self._style, range=chosen), "")  # type: ignore[arg-type]

    def _scaling_chosen(self) -> None:
        self.chosen.emit(replace(self._style, scaling=self.scaling.value), "")  # type: ignore[arg-type]

    def _low_chosen(self, low: float) -> None:
        # The other end stays what it is, which may be finer than its box shows.
        self._limits_chosen(low, self._ends()[1])

    def _high_chosen(self, high: float) -> None:
        self._limits_chosen(self._ends()[0], high)

    def _ends(self) -> tuple[float, float]:
        shown = self._style.range
        return self._shown_range if isinstance(shown, str) else shown

    def _limits_chosen(self, low: float, high: float) -> None:
        self.chosen.emit(replace(self._style, range=(min(low, high), max(low, high))), "range")

    def _outline_chosen(self, on: bool) -> None:
        share = self.share.value() / 100 if on else 0.0
        self.chosen.emit(replace(self._style, outlined=share), "")

    def _share_chosen(self, percent: float) -> None:
        self.chosen.emit(replace(self._style, outlined=percent / 100), "outline")

    def _boxes_chosen(self) -> None:
        style = replace(
            self._style,
            smooth=self.smooth.isChecked(),
            fade=self.fade.isChecked(),
            grid=self.grid.isChecked(),
        )
        self.chosen.emit(style, "")
