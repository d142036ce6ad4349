"""The open photos as rows, thousands of them: only those that are looked at have a thumbnail."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QImage, QPixmap, QStandardItemModel

from vitviz.gui.threads.service import Preview
from vitviz.gui.widgets.text import tooltip_text
from vitviz.plain_text import shown_text
from vitviz.session.state import PhotoRef

PREVIEW = Qt.ItemDataRole.UserRole + 1
PIXMAP = Qt.ItemDataRole.UserRole + 2
REF = Qt.ItemDataRole.UserRole + 3
LABEL = Qt.ItemDataRole.UserRole + 4
MISSING = Qt.ItemDataRole.UserRole + 5

FLAGS = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsDragEnabled

Index = QModelIndex | QPersistentModelIndex


class PhotoModel(QStandardItemModel):
    """The rows of the list of photos.

    Every row costs a reference; what is drawn of it is made when it is asked for, and previews are
    forgotten by ``keep_only``. The rows themselves are Qt's: whenever a view lays thousands of them
    out, it asks the model about each, which Python answered in 60 ms. There is never an item in
    them. (A ``QStringListModel`` puts thousands of rows in one by one: another 60 ms.)
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(0, 1, parent)
        self._refs: tuple[PhotoRef, ...] = ()
        self._rows: dict[PhotoRef, int] | None = {}
        self._previews: dict[PhotoRef, tuple[Preview, QPixmap]] = {}
        self._labels: dict[PhotoRef, str] = {}
        self._missing: Collection[str] = ()

    @property
    def refs(self) -> tuple[PhotoRef, ...]:
        return self._refs

    def set_refs(self, refs: tuple[PhotoRef, ...]) -> None:
        """Shows these photos; rows before and after what changed stay what they are."""
        old = self._refs
        if refs is old or refs == old:
            return
        before = _same(old, refs)
        after = _same(old[before:][::-1], refs[before:][::-1])
        gone, new = len(old) - after, len(refs) - after
        if gone > before:
            self._take(old[:before] + old[gone:])
            self.removeRows(before, gone - before)
        if new > before:
            self._take(refs)
            self.insertRows(before, new - before)

    def set_missing(self, names: Collection[str]) -> bool:
        """Marks photos as missing; True where others are marked than before."""
        if names == self._missing:
            return False
        self._missing = names
        if self._refs:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._refs) - 1, 0))
        return True

    def set_preview(self, preview: Preview) -> None:
        """Fills in a photo's thumbnail."""
        pixels = preview.thumbnail
        height, width = pixels.shape[:2]
        image = QImage(pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
        self._previews[preview.ref] = preview, QPixmap.fromImage(image)
        self._tell(preview.ref)

    def set_label(self, ref: PhotoRef, label: str) -> None:
        """Says below a photo what a model says of it."""
        if self._labels.get(ref) != label:
            self._labels[ref] = label
            self._tell(ref)

    def forget_labels(self) -> None:
        """Another model is asked from now on."""
        told, self._labels = self._labels, {}
        if told and self._refs:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._refs) - 1, 0))

    def _tell(self, ref: PhotoRef) -> None:
        if (row := self.row_of(ref)) >= 0:
            index = self.index(row, 0)
            self.dataChanged.emit(index, index)

    def row_of(self, ref: PhotoRef) -> int:
        """Where a photo stands; -1 where it does not."""
        if self._rows is None:
            self._rows = {ref: row for row, ref in enumerate(self._refs)}
        return self._rows.get(ref, -1)

    def preview(self, ref: PhotoRef) -> Preview | None:
        found = self._previews.get(ref)
        return None if found is None else found[0]

    def keep_only(self, refs: Collection[PhotoRef]) -> None:
        """Forgets the previews of all other photos."""
        self._previews = {ref: known for ref, known in self._previews.items() if ref in refs}

    def flags(self, index: Index) -> Qt.ItemFlag:
        return FLAGS if index.isValid() else Qt.ItemFlag.NoItemFlags

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not 0 <= index.row() < len(self._refs):  # it is just being removed
            return None
        ref = self._refs[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return shown_text(Path(ref.path).name)
            case Qt.ItemDataRole.ToolTipRole:
                return self._tooltip(ref)
        if role == REF:
            return ref
        if role == LABEL:
            return "missing" if ref.path in self._missing else self._labels.get(ref, "")
        if role == MISSING:
            return ref.path in self._missing
        preview, pixmap = self._previews.get(ref, (None, None))
        return {PREVIEW: preview, PIXMAP: pixmap}.get(role)

    def _take(self, refs: tuple[PhotoRef, ...]) -> None:
        self._refs, self._rows = refs, None  # made when the next preview comes

    def _tooltip(self, ref: PhotoRef) -> str:
        preview = self.preview(ref)
        lines = [shown_text(ref.path)]
        if ref.path in self._missing:
            lines.append("Missing: locate it, or put it back")
        if preview is not None and preview.frames > 1:
            lines.append(f"{preview.frames} frames: Alt+Right, Alt+Left")
        if preview is not None:
            lines += [shown_text(note) for note in preview.notes]
        return tooltip_text("\n".join(lines))


def _same(one: tuple[PhotoRef, ...], other: tuple[PhotoRef, ...]) -> int:
    """How many of the first are the same in both."""
    pairs = zip(one, other, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
