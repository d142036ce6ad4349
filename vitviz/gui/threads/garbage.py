"""Objects of Qt's end on the window's thread, whoever drops them."""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer, Slot

from vitviz.gui.threads.desk import Desk
from vitviz.models.torch_import import under_way

LOOK_MS = 500
"""How often it is asked whether there is enough new for a search."""


class Garbage(QObject):
    """Searches for garbage on this thread, and keeps Python from doing so on any other.

    Python searches on whichever thread has just made something. A dialog that is found there dies
    there, with its timers and children, which Qt does not allow: at best it warns, at worst the
    program is gone. How much has to be new before a search is what Python says it is.

    Source: riverbankcomputing.com/pipermail/pyqt/2011-August/030378.html.

    Args:
        parent: The program's application: there is one for as long as it runs.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        gc.disable()
        gc.freeze()  # what the program is made of is no garbage, and is not gone through each time
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.search)
        self._timer.start(LOOK_MS)

    @Slot()
    def search(self) -> None:
        """Searches among what is new, and among the older where enough has come to it."""
        Desk.let_go()
        if under_way.is_set():
            return
        counts = zip(gc.get_count(), gc.get_threshold(), strict=True)
        full = [age for age, (count, most) in enumerate(counts) if 0 < most < count]
        if full:
            gc.collect(full[-1])
