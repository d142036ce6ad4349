"""A seeded monkey on the real window: every action, key, mouse gesture and dialog, at random.

Run by hand: ``python -m tests.monkey SEED ACTIONS``. A failure is an exception on any thread,
something the window did not expect, a warning of Qt's, a thread that does not end, work that never
ends, and an event loop that is away for more than a second. The first one ends the run and is
printed with what was done before it; the same seed does the same again, as far as threads allow.
``--on`` goes on and counts, ``--show`` prints every action. It plays in a process of its own: one
that crashes is a failure, too.
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TextIO

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["HF_HUB_OFFLINE"] = "1"  # it may press Download

from PySide6.QtCore import QObject, QTimer, Slot
from PySide6.QtWidgets import QApplication, QDialog, QWidget

from tests.heart import Heart
from tests.monkey import hands
from tests.monkey.files import Files
from tests.monkey.guard import LAST, guarded
from tests.monkey.watch import Watch
from vitviz.gui.app import application
from vitviz.gui.settings import Settings
from vitviz.gui.window import FIRST_SIZE, Window

SETTLE_EVERY = 5
"""Actions between two waits until everything asked for has come."""

PATIENCE_S = 60
"""How long such a wait may take without a word from what is waited for."""

LONGEST_S = 600
"""How long it may take at all."""

ENDING_S = 20
"""How long threads may take to end once the window is closed: code in C is not interrupted."""


class Untiring(Window):
    """A window that cannot be quitted before the end: the palette, too, has a Quit."""

    is_over = False

    def close(self) -> bool:
        return self.is_over and super().close()


class Monkey(QObject):
    """Acts, one action at each turn of the event loop, also while a dialog is open.

    Args:
        window: What it plays with.
        files: What it opens.
        seed: Chooses everything.
        actions: How many.
        go_on: After a failure, too.
        gap_s: How long the event loop may be away.
        diary: Every action is written there, for whoever finds the program dead.
    """

    def __init__(
        self, window: Untiring, files: Files, seed: int, actions: int, go_on: bool, gap_s: float,
        diary: TextIO,
    ) -> None:  # fmt: skip
        super().__init__()
        self.window, self.files, self.seed, self.actions = window, files, seed, actions
        self.number = 0
        self.done: dict[int, str] = {}
        self.failures: Counter[str] = Counter()
        self._go_on, self._diary = go_on, diary
        self._waiting_since = self._going_since = time.monotonic()
        self._settle = True
        self.heart = Heart(self._was_away, gap_s)
        window.service.progressed.connect(self._goes_on)
        window.jobs.progressed.connect(self._goes_on)

    def failed(self, words: str) -> None:
        """Prints a failure with what was done before it; one that comes again is counted."""
        key = words.splitlines()[-1]
        self.failures[key] += 1
        if self.failures[key] > 1:
            return
        print(f"FAILURE, seed {self.seed}, action {self.number}: {words}")
        for number in sorted(self.done)[-LAST:]:
            print(f"{number:8} {self.done[number]}", flush=True)

    def _was_away(self, gap: float, work: float) -> None:
        self.failed(f"the window was away for {gap:.2f} s, and at work for {work:.2f} s of them")

    def begin(self) -> None:
        self.heart.start()
        self.window.begin([])
        QTimer.singleShot(0, self._turn)

    def _turn(self) -> None:
        if self.number >= self.actions or (self.failures and not self._go_on):
            self._end()
            return
        blocking = blocking_widget()
        if not self.window.isVisible():
            self.failed("the window has closed")
        if self._settle and blocking is None and self._at_work:
            now = time.monotonic()
            if now - self._going_since > PATIENCE_S or now - self._waiting_since > LONGEST_S:
                faulthandler.dump_traceback()  # of all threads
                since = f"{now - self._waiting_since:.0f} s, {now - self._going_since:.0f} s of it"
                self.failed(f"{', '.join(self._at_work)} at work for {since} without a word")
                self._settle = False
            QTimer.singleShot(5, self._turn)
            return
        # The next turn is in the event loop of the dialog that this action opens, if it does.
        QTimer.singleShot(0, self._turn)
        self.number += 1
        self._settle = self.number % SETTLE_EVERY == 0
        self._waiting_since = self._going_since = time.monotonic()
        number, rng = self.number, random.Random(f"{self.seed} {self.number}")
        self._note("(this one)")
        words = hands.answer(blocking, rng) if blocking is not None else self._act(rng)
        self._note(words, number)

    def _note(self, words: str, number: int | None = None) -> None:
        """Keeps what an action is, by default the newest."""
        number = self.number if number is None else number
        self.done[number] = words
        self._diary.write(f"{number:8} {words!r}\n")
        self._diary.flush()

    @Slot()
    def _goes_on(self) -> None:
        self._going_since = time.monotonic()

    @property
    def _at_work(self) -> list[str]:
        """What is still to come."""
        service = self.window.service
        parts = (("maps", service.is_busy), ("photos", service.is_opening),
                 ("jobs", self.window.jobs.is_busy))  # fmt: skip
        return [name for name, is_busy in parts if is_busy]

    def _act(self, rng: random.Random) -> str:
        kind = rng.choices(
            ("command", "key", "mouse", "button", "drop", "files", "resize"),
            (40, 14, 24, 10, 6, 4, 2),
        )[0]
        if kind == "command":
            return self._command(rng)
        if kind == "drop":
            return hands.drop_files(self.files, rng)
        if kind == "files":
            return self.files.change(rng)
        if kind == "resize":
            return hands.resize(self.window, rng)
        top = rng.choice(hands.windows() or [self.window])
        if kind == "key":
            return hands.key(top, rng)
        if kind == "button":
            return hands.press_button(top, rng)
        return hands.mouse(hands.some_widget(top, rng), rng)

    def _command(self, rng: random.Random) -> str:
        commands = self.window.actions_by_id
        names = [name for name in commands if name != "file.quit"]
        name = rng.choice(names)
        if not commands[name].isEnabled():  # another chance: many ask for several panes
            name = rng.choice(names)
        self._note(name)  # already: it may open a dialog
        if commands[name].isEnabled():
            commands[name].trigger()
            return name
        return f"{name} (cannot be given)"

    def _end(self) -> None:
        if (top := blocking_widget()) is not None:
            QTimer.singleShot(0, self._turn)  # its event loop ends first
            if isinstance(top, QDialog):
                top.reject()
            else:
                top.close()
            return
        self.heart.stop()
        self.window.is_over = True
        self.window.close()
        QApplication.exit(0)


def blocking_widget() -> QWidget | None:
    """The menu or dialog that has to be answered before anything else."""
    return QApplication.activePopupWidget() or QApplication.activeModalWidget()


def threads_left() -> list[str]:
    """What still runs though the window has closed."""
    ours = [t for t in threading.enumerate() if t.name.startswith("vitviz")]
    for thread in ours:
        thread.join(ENDING_S)
    return [t.name for t in ours if t.is_alive()]


def play(
    seed: int, actions: int, go_on: bool, show: bool, gap_s: float, diary: str = os.devnull
) -> int:
    """One run; returns the exit code."""
    faulthandler.enable()
    app = application(["vitviz"])
    app.setQuitOnLastWindowClosed(False)
    with (
        tempfile.TemporaryDirectory(prefix="vitviz-monkey-") as name,
        open(diary, "w", encoding="utf-8") as file,  # noqa: PTH123
    ):
        folder = Path(name)
        os.chdir(folder)
        files = Files(folder)
        hands.replace_native(files, random.Random(seed))
        window = Untiring(Settings(folder / "settings"), FIRST_SIZE)
        monkey = Monkey(window, files, seed, actions, go_on, gap_s, file)
        Watch(monkey.failed).install()
        window.show()
        begin = time.monotonic()
        QTimer.singleShot(0, monkey.begin)
        app.exec()
        if left := threads_left():
            monkey.failed(f"threads left: {left}")
        print(f"seed {seed}: {monkey.number} actions in {time.monotonic() - begin:.0f} s, "
              f"{sum(monkey.failures.values())} failures, gaps {monkey.heart.words()}")  # fmt: skip
        if show:
            print("\n".join(f"{number:8} {words}" for number, words in monkey.done.items()))
        for words, times in monkey.failures.items():
            print(f"{times:5} x {words}")
        os.chdir("/")
    sys.stdout.flush()
    return 1 if monkey.failures else 0


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.monkey")
    parser.add_argument("seed", type=int)
    parser.add_argument("actions", type=int)
    parser.add_argument("--on", action="store_true", help="go on after a failure")
    parser.add_argument("--show", action="store_true", help="print every action at the end")
    parser.add_argument("--gap", type=float, default=1, help="s the window may be away")
    parser.add_argument("--diary", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.diary is None:
        sys.exit(guarded([sys.executable, "-m", "tests.monkey", *sys.argv[1:]], options.seed))
    os._exit(
        play(options.seed, options.actions, options.on, options.show, options.gap, options.diary)
    )


if __name__ == "__main__":
    main()
