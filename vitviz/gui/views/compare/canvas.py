"""A canvas of the Compare view: draws again only what changed, and tells values in one line."""

from __future__ import annotations

from dataclasses import dataclass, field

from PySide6.QtWidgets import QWidget

from vitviz.gui.canvas.canvas import Canvas
from vitviz.gui.canvas.patch_note import left_out, sees_all, value_words
from vitviz.gui.canvas.pictures import PhotoLayer
from vitviz.gui.threads.service import OpenPhoto
from vitviz.imaging.geometry import Geometry
from vitviz.maps.colour import DIVERGING
from vitviz.maps.heat_map import HeatMap
from vitviz.maps.style import Style
from vitviz.maps.ticks import number


@dataclass(frozen=True, eq=False)
class CanvasContent:
    """What a canvas shows.

    Args:
        opened: The photo; None until it is open.
        layer: To draw it with, shared by canvases of the same photo.
        heat_map: None until there is one.
        geometry: Of the map.
        query: The patches that are asked about.
        ends: Values at the ends of the colours.
        style: How the map looks.
        bar_note: Lines below the unit on the colour bar.
        receptive: Side of what a patch can see, as of ``Canvas.set_receptive``.
    """

    opened: OpenPhoto | None = None
    layer: PhotoLayer | None = None
    heat_map: HeatMap | None = None
    geometry: Geometry | None = None
    query: tuple[tuple[int, int], ...] = ()
    ends: tuple[float, float] = (0.0, 1.0)
    style: Style = field(default_factory=Style)
    bar_note: tuple[str, ...] = ()
    receptive: float | None = None

    def has_map_of(self, other: CanvasContent) -> bool:
        """Whether both maps look the same."""
        return (
            self.opened is other.opened
            and self.heat_map is other.heat_map
            and (self.geometry, self.ends, self.style) == (other.geometry, other.ends, other.style)
        )


class CompareCanvas(Canvas):
    """A canvas without notes, for others to tell values beside it.

    Args:
        parent: Qt's.
        bar_at_left: The colour bar stands at the left.
        flat: It lies below the photo where there is no room beside it.
    """

    def __init__(self, parent: QWidget | None = None, *, bar_at_left: bool = False,
                 flat: bool = False) -> None:  # fmt: skip
        super().__init__(parent, notes=False, flat=flat)
        self.setMinimumSize(40, 40)
        self._bar_left = bar_at_left
        self._content = CanvasContent()

    @property
    def content(self) -> CanvasContent:
        """What it shows."""
        return self._content

    def show_content(self, content: CanvasContent) -> None:
        """Shows a photo and its map."""
        before, self._content = self._content, content
        if content.opened is not before.opened:
            if content.opened is None:
                self.set_photo(None)
            else:
                self.set_photo(content.opened.photo, content.opened.pyramid, content.layer)
        self.set_bar(note=content.bar_note, left=self._bar_left)
        if not content.has_map_of(before):
            self.show_map(content.heat_map, content.geometry, content.ends, content.style)
        self.set_receptive(content.receptive)
        if content.query != self.query:
            self.set_query(content.query)

    @property
    def value_words(self) -> str:
        """The value under the cursor: "0.0123 · rank 4 of 294"; "+0.004" of signed ones; ""
        where the cursor is not over it. The unit is on the colour bar.
        """
        heat_map, patch = self._content.heat_map, self.cursor_patch
        if heat_map is None:
            return ""
        if patch is None:
            return "not seen by the model" if self.is_over_unseen else ""
        if left_out(heat_map, patch) or heat_map.is_coloured:
            return value_words(heat_map, patch)
        value = float(heat_map.values[patch])
        if self._content.style.colour_map in DIVERGING:
            words = f"{'+' if value > 0 else ''}{number(value)}"
        else:
            words = f"{number(value)} · rank {heat_map.rank(*patch)} of {heat_map.known}"
        return words + self._sight_words(patch, heat_map.geometry)

    def _sight_words(self, patch: tuple[int, int], geometry: Geometry) -> str:
        """ " · sees 67 px": how much of the input the patch can see; "" where that goes without
        saying.
        """
        side = self._content.receptive
        if side is None:
            return ""
        return f" · sees {'all' if sees_all(patch, geometry, side) else f'{side:.0f} px'}"
