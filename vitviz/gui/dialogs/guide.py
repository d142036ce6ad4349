"""The user guide, and all keys, beside the window: with contents, pictures and a search."""

from __future__ import annotations

import re
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, Qt, QUrl
from PySide6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QKeySequence,
    QPalette,
    QShortcut,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextTable,
)
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QSplitter,
    QTextBrowser,
    QTextEdit,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from vitviz.bundled import resource
from vitviz.errors import VitvizError
from vitviz.gui.dialogs.about import NOTHING, Page
from vitviz.gui.widgets.dialog import Dialog
from vitviz.gui.widgets.text import PlainLabel, set_tooltip

PICTURE = re.compile(r"!\[([^\]]*)\]\(\.\./docs/images/([a-z0-9-]+)\.png\)")

WIDEST = 680
"""Of a picture, in pixels: less than the text's least width."""

HEADING = re.compile(r"^(#{1,3}) (.+)$", re.MULTILINE)

CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Heading:
    """A heading of a text.

    Args:
        title: Its words.
        level: 1 is the title of all.
    """

    title: str
    level: int


def headings(text: str) -> list[Heading]:
    """The headings of a text in Markdown; what looks like one in a block of code is none."""
    plain = CODE.sub("", text)
    return [Heading(match[2].replace("*", ""), len(match[1])) for match in HEADING.finditer(plain)]


class Pictures(Page):
    """Shows a text and the pictures that come with this program, and nothing else."""

    def loadResource(self, kind: int, name: QUrl | str) -> object:
        url = name.toString() if isinstance(name, QUrl) else name
        if not re.fullmatch(r"picture:[a-z0-9-]+", url):
            return NOTHING
        try:
            path = resource("images", f"{url.removeprefix('picture:')}.webp")
        except VitvizError:  # no small copy was made of it yet
            return NOTHING
        image = QImage(str(path))
        if image.width() > WIDEST:
            image = image.scaledToWidth(WIDEST, Qt.TransformationMode.SmoothTransformation)
        return NOTHING if image.isNull() else image


class GuideWindow(Dialog):
    """Is read beside the window, which stays usable.

    Args:
        title: Of this window.
        text: In Markdown of this program's own.
        parent: The window.
    """

    def __init__(self, title: str, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setModal(False)
        self.resize(1010, 740)
        self.headings = headings(text)
        self.text = Pictures()
        self.text.setOpenExternalLinks(True)
        self.text.setFrameShape(QTextBrowser.Shape.NoFrame)
        self.text.setMarkdown(PICTURE.sub(r"![\1](picture:\2)", text))
        self.text.document().setDocumentMargin(18)
        self._draw_tables()
        self.contents = QListWidget()
        self.contents.setObjectName("found")
        self.contents.setAccessibleName("Contents")
        self.contents.setSpacing(2)
        for heading in self.headings[1:]:
            item = QListWidgetItem("    " * (heading.level - 2) + heading.title)
            self.contents.addItem(item)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search (Ctrl+F)")
        self.search.setAccessibleName("Search in the text")
        self.search.setClearButtonEnabled(True)
        self.count = PlainLabel()
        self.count.setProperty("quiet", True)
        self.previous, self.next = _arrow("Previous", "↑"), _arrow("Next", "↓")
        self._hits: list[QTextCursor] = []
        self._at = -1
        self._arrange()
        self._connect()

    def _arrange(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.search, 1)
        for widget in (self.count, self.previous, self.next):
            top.addWidget(widget)
        right = QWidget()
        beside = QVBoxLayout(right)
        beside.setContentsMargins(0, 10, 12, 0)
        beside.addLayout(top)
        beside.addWidget(self.text, 1)
        split = QSplitter()
        split.addWidget(self.contents)
        split.addWidget(right)
        split.setStretchFactor(1, 1)
        split.setSizes([220, 790])
        split.setChildrenCollapsible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 0, 0)
        layout.addWidget(split)

    def _draw_tables(self) -> None:
        """Tables of quiet lines."""
        for frame in self.text.document().rootFrame().childFrames():
            if isinstance(frame, QTextTable):
                form = frame.format().toTableFormat()
                form.setBorderBrush(self.palette().mid())
                form.setCellPadding(4)
                frame.setFormat(form)

    def _connect(self) -> None:
        self.contents.currentRowChanged.connect(self._go_to)
        self.search.textChanged.connect(self._look)
        self.next.clicked.connect(lambda: self._step(1))
        self.previous.clicked.connect(lambda: self._step(-1))
        self.search.installEventFilter(self)
        find = QShortcut(QKeySequence(QKeySequence.StandardKey.Find), self)
        find.activated.connect(self._begin_search)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Enter goes to the next place with the words, Shift+Enter to the one before."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                back = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
                self._step(-1 if back else 1)
                return True
            if event.key() == Qt.Key.Key_Escape and self.search.text():
                self.search.clear()
                return True
        return super().eventFilter(watched, event)

    def _begin_search(self) -> None:
        self.search.setFocus()
        self.search.selectAll()

    def _go_to(self, row: int) -> None:
        """To a heading; those of the text are in the same order."""
        wanted = self.headings[1:][row] if 0 <= row < len(self.headings) - 1 else None
        number = row + 1
        block = self.text.document().begin()
        while wanted is not None and block.isValid():
            if block.blockFormat().headingLevel() in (1, 2, 3):
                if number == 0:
                    bar = self.text.verticalScrollBar()
                    cursor = QTextCursor(block)
                    bar.setValue(bar.value() + self.text.cursorRect(cursor).top() - 12)
                    return
                number -= 1
            block = block.next()

    def _look(self, words: str) -> None:
        document: QTextDocument = self.text.document()
        self._hits, self._at = [], -1
        cursor = document.find(words, 0) if words.strip() else QTextCursor()
        while not cursor.isNull():
            self._hits.append(cursor)
            cursor = document.find(words, cursor)
        self._mark()
        if self._hits:
            self._step(1)
        self._say_count()

    def _step(self, step: int) -> None:
        if not self._hits:
            return
        self._at = (self._at + step) % len(self._hits)
        cursor = QTextCursor(self._hits[self._at])
        cursor.setPosition(cursor.selectionStart())
        self.text.setTextCursor(cursor)
        self.text.ensureCursorVisible()
        self._mark()
        self._say_count()

    def _mark(self) -> None:
        palette = self.palette()
        marks = []
        for number, cursor in enumerate(self._hits):
            mark = QTextEdit.ExtraSelection()
            form = QTextCharFormat()
            ground = palette.color(QPalette.ColorRole.Highlight)
            if number != self._at:
                ground = QColor(ground.red(), ground.green(), ground.blue(), 70)
            else:
                form.setForeground(palette.color(QPalette.ColorRole.HighlightedText))
            form.setBackground(ground)
            mark.format, mark.cursor = form, cursor
            marks.append(mark)
        self.text.setExtraSelections(marks)

    def _say_count(self) -> None:
        found = f"{self._at + 1} of {len(self._hits)}" if self._hits else "Not found"
        self.count.setText(found if self.search.text().strip() else "")


def _arrow(name: str, sign: str) -> QToolButton:
    button = QToolButton()
    button.setObjectName("flat")
    button.setText(sign)
    button.setAccessibleName(name)
    set_tooltip(button, name)
    return button
