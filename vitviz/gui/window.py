"""The window: puts the parts together and shows the session in them."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import (
    QAction,
    QCloseEvent,
    QColor,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QApplication, QMainWindow, QMenu, QVBoxLayout, QWidget

from vitviz.engine.photos import PhotoCache
from vitviz.errors import VitvizError
from vitviz.gui import theme, wiring
from vitviz.gui.ablation.chip import AblationChip
from vitviz.gui.closing import Closing
from vitviz.gui.commands import ablation, model, trust, view
from vitviz.gui.commands.actions import Actions
from vitviz.gui.commands.command import Menu
from vitviz.gui.commands.table import CANVAS_MENU, EXPORTS, LIST_MENU, MENUS
from vitviz.gui.controller import Controller
from vitviz.gui.documents import Documents
from vitviz.gui.finetune.line import TrainingLine
from vitviz.gui.found import promise
from vitviz.gui.known_files import KnownFiles
from vitviz.gui.modes import ModeChips
from vitviz.gui.panels.docks import PanelDocks
from vitviz.gui.recent import RecentMenu
from vitviz.gui.scene import Device, Part, Scene
from vitviz.gui.settings import Settings
from vitviz.gui.start import Start
from vitviz.gui.store import Store
from vitviz.gui.threads.desk import CLOSING_S
from vitviz.gui.threads.jobs import Jobs
from vitviz.gui.threads.service import Preview, Service
from vitviz.gui.top_bar import TopBar
from vitviz.gui.trust.watch import TrustWatch
from vitviz.gui.views.stack import ViewStack
from vitviz.gui.views.table import VIEWS
from vitviz.gui.widgets import drops
from vitviz.gui.widgets.banner import Banner
from vitviz.gui.widgets.dialog import room_on
from vitviz.gui.widgets.drop_cover import DropCover
from vitviz.gui.widgets.job_view import JobView
from vitviz.gui.widgets.status import StatusBar
from vitviz.gui.widgets.text import window_title
from vitviz.gui.widgets.zoom import ZoomButton
from vitviz.models.card import ModelCard
from vitviz.models.loading import bundled

if TYPE_CHECKING:  # loaded when they are first used
    from vitviz.gui.batch.commands import BatchCommands
    from vitviz.gui.browser.commands import BrowserCommands
    from vitviz.gui.corrections.commands import CorrectionCommands
    from vitviz.gui.finetune.commands import FinetuneCommands
    from vitviz.gui.trust.dialog import TrustDialog

log = logging.getLogger(__name__)

FIRST_SIZE = QSize(1400, 880)
"""Of the window before its user has chosen one, where the screen has room for it, in pixels."""

CENTRE_WIDTH = 270
"""Least width of the photo's part of the window, in pixels: panels give way before."""

REMEMBERING_S = 0.3
"""When the window closes, for keeping what it shows: one answer takes some hundredths."""

PROGRESS_MS = 60
"""How often the panes say how far their work is."""


class Window(QMainWindow):
    """The main window.

    Signals:
        closed(): It is hidden, and what still works for it has to end.

    Args:
        settings: Preferences, recent files and the window's geometry.
        size: When settings know none. None: ``FIRST_SIZE``, but not more than fits the screen.
    """

    closed = Signal()

    def __init__(self, settings: Settings, size: QSize | None = None) -> None:
        super().__init__()
        self.settings = settings
        self.preferences = settings.preferences()
        self.devices: list[Device] = [("CPU", "cpu")]
        self.card: ModelCard | None = None
        self.store = Store(parent=self)
        photos = PhotoCache(max_pixels=self.preferences.max_pixels)
        self.service = Service(photos, self, settings.folder / "answers")
        self.jobs = Jobs(self)
        self.files = KnownFiles(self)
        self.controller = Controller(self.store, self.service, self.files, self)
        self.controller.device = self.preferences.device
        self.trust = TrustWatch(self.service, self)
        self.banner = Banner()
        self.documents = Documents(self.store, settings, self.banner, self.jobs, self.files, self)
        self.panels = PanelDocks(self)
        self.status = StatusBar()
        self.chip = AblationChip()
        self.views = ViewStack(VIEWS, partial(wiring.connect_view, self))
        self.canvas = self.views.canvas
        self.menus: Sequence[Menu] = MENUS
        self.menu_actions = Actions(self, MENUS)
        self.actions_by_id: Mapping[str, QAction] = self.menu_actions.by_id
        self.start = Start(
            self.store, self.documents, settings, self.service, self.jobs, self.banner, self.files
        )
        self.keeps_session = True
        self.closing = Closing(self.banner, self.close)
        self._build()
        self._connect()
        self.apply_theme()
        geometry, docks = settings.geometry()
        self.resize(size or FIRST_SIZE.boundedTo(room_on(self.screen())))
        self.restoreGeometry(geometry)
        self.panels.restore(docks)
        self.canvas.setFocus()
        self.refresh()

    def _build(self) -> None:
        self.setObjectName("window")
        self.setMinimumSize(QSize(640, 440).boundedTo(room_on(self.screen())))
        self.setAcceptDrops(True)
        self.recent_menu = RecentMenu(self.settings, self.documents.open_recent, self)
        self._panels_menu = self.panels.menu()
        self._compare_menus = {"compare.along": QMenu(self), "compare.go": QMenu(self)}
        bundled_menu = QMenu(self)
        models = RecentMenu(
            self.settings, self.documents.open_recent, self, (("models", "Models"),)
        )
        submenus = {"model.recent": models, "file.recent": self.recent_menu,
                    "view.panels": self._panels_menu, "model.bundled": bundled_menu,
                    **self._compare_menus}  # fmt: skip
        self._menu_bar = self.menu_actions.menu_bar(submenus)
        by_id = self.actions_by_id
        exports = [by_id[name] for name in EXPORTS]
        self.top_bar = TopBar(
            self._menu_bar, VIEWS, by_id["edit.undo"], by_id["edit.redo"], exports
        )
        self.setMenuWidget(self.top_bar)
        for name in LIST_MENU:
            self.panels.photos.list.addAction(by_id[name])
        self.setStatusBar(self.status)
        self.job_view = JobView(self.jobs)
        self.status.addPermanentWidget(self.job_view)
        self.training_line = TrainingLine()
        self.training_line.clicked.connect(partial(model.show_finetune, self))
        self.status.addPermanentWidget(self.training_line)
        centre = QWidget()
        centre.setMinimumWidth(CENTRE_WIDTH)
        layout = QVBoxLayout(centre)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.banner)
        layout.addWidget(self.chip)
        layout.addWidget(self.views, 1)
        self.setCentralWidget(centre)
        self.zoom = ZoomButton(lambda: self.views.canvas)
        self.status.addPermanentWidget(self.zoom)
        self.canvas.zoom_changed.connect(self.zoom.show_zoom)
        for id in CANVAS_MENU:  # its context menu
            self.canvas.addAction(by_id[id])
        self.canvas.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self.modes = ModeChips(
            self.views, lambda: self.views.canvas, lambda id: by_id[id].trigger()
        )
        self.drop_cover = DropCover(self)

    def _connect(self) -> None:
        controller = self.controller
        controller.refreshed.connect(self.refresh)
        self.trust.changed.connect(self._show_trust)
        self.chip.ended.connect(partial(ablation.end_ablation, self))
        self.chip.brush_ended.connect(partial(ablation.put_brush_away, self))
        controller.previewed.connect(self._on_preview)
        self.panels.photos.previews_wanted.connect(controller.want_previews)
        controller.model_ready.connect(self._on_model)
        controller.photos_refused.connect(self.documents.refusals.refuse)
        controller.photos_refused.connect(self.start.last.note_refused)
        controller.photos_refused.connect(self.documents.sessions.note_refused)
        self.documents.sessions.saved.connect(self._on_saved)
        self.store.stepped.connect(self.banner.pass_on)
        controller.refused.connect(self.banner.show_error)
        controller.device_changed.connect(partial(model.choose_device, self))
        controller.progressed.connect(self.status.show_progress)
        self.store.history_changed.connect(self._show_actions)
        self.store.history_changed.connect(self._show_title)
        self.service.idle.connect(self._on_idle)
        self.service.devices_found.connect(self._on_devices)
        self.jobs.failed.connect(self.banner.show_error)
        self.status.cancel_requested.connect(partial(model.cancel, self))
        controller.progressed.connect(self.views.show_progress)
        self.top_bar.tab_chosen.connect(partial(view.choose_tab, self))
        self.panels.layers.playing_changed.connect(self._show_actions)
        self.panels.room.cleared_changed.connect(self._show_actions)
        wiring.connect_panels(self)
        self._panes_progress = QTimer(self)
        self._panes_progress.setSingleShot(True)
        self._panes_progress.setInterval(PROGRESS_MS)
        self._panes_progress.timeout.connect(self._show_panes)
        controller.panes_progressed.connect(self._on_panes_progress)
        QApplication.styleHints().colorSchemeChanged.connect(self.apply_theme)

    # What commands act on, beside the attributes

    @property
    def widget(self) -> QMainWindow:
        return self

    @cached_property
    def batch(self) -> BatchCommands:
        """Many photos at once; loaded when it is first asked for."""
        from vitviz.gui.batch.commands import BatchCommands

        return BatchCommands(
            self.store, self.controller, self.settings, self.service, self.documents, self.jobs,
            self,
        )  # fmt: skip

    @cached_property
    def browser(self) -> BrowserCommands:
        """Finding, fetching and opening models; loaded when it is first asked for."""
        from vitviz.gui.browser.commands import BrowserCommands

        return BrowserCommands(self.documents, self.settings, self)

    @cached_property
    def corrections(self) -> CorrectionCommands:
        """What the user says of the model's file; loaded when it is first asked for."""
        from vitviz.gui.corrections.commands import CorrectionCommands

        return CorrectionCommands(self.store, self.controller, self.banner, self)

    @cached_property
    def finetuning(self) -> FinetuneCommands:
        """Training a model further; loaded when it is first asked for."""
        from vitviz.gui.finetune.commands import FinetuneCommands

        return FinetuneCommands(
            self.store, self.controller, self.settings, self.service, self.training_line, self
        )

    @cached_property
    def trust_dialog(self) -> TrustDialog:
        """What is behind the line under the map; loaded when it is first asked for."""
        from vitviz.gui.trust.dialog import TrustDialog

        dialog = TrustDialog(self.service, self)
        trust.connect_dialog(self, dialog)
        return dialog

    def _loaded(self, name: str) -> Any:
        """One of the parts above, if it was asked for."""
        return vars(self).get(name)

    def begin(self, paths: list[Path]) -> None:
        """Opens the photos asked for, else last time's, else the samples, with a model."""
        self.start.begin(paths, reopen=self.preferences.reopen)

    # What is shown

    @property
    def scene(self) -> Scene:
        """What there is to show now."""
        session, controller = self.store.session, self.controller
        opened, panes = controller.opened, controller.pane_states
        preview = self.panels.photos.preview(opened.ref) if opened else None
        return Scene(
            session, panes, opened, controller.shown_cell, preview, self.card,
            self.preferences, tuple(self.devices), self.store.can_undo, self.store.can_redo,
            playing=self.panels.layers.playing and preview is not None,
            full_screen=self.isFullScreen(),
            alone=self.panels.room.is_cleared,
            recent=() if session.photos else tuple(self.settings.recent("photos")),
            brushing=self.views.brushing, missing=self.files.missing,
            undo_name=self.store.undo_name, redo_name=self.store.redo_name,
            hover=controller.hovered,
            trust=self.trust.states(session, panes, on=self.preferences.trust_line),
        )  # fmt: skip

    @Slot()
    def refresh(self) -> None:
        """Shows the session, and what has been computed of it, everywhere."""
        scene = self.scene
        parts: tuple[Part, ...] = (
            self.top_bar, self.chip, self.views, self.modes, *self.panels.all,
            self.documents.locating, self.banner, self.status, self.menu_actions,
        )  # fmt: skip
        for part in parts:
            part.show_scene(scene)
        if (dialog := self._loaded("trust_dialog")) is not None:
            dialog.show_scene(scene)
        self._show_title()
        self.zoom.show_zoom()

    @Slot(object)
    def _on_saved(self, path: Path) -> None:
        self.status.show_saved(path)
        self._show_title()

    @Slot()
    def _show_title(self) -> None:
        """The session and whether it is changed, the photo, the program."""
        path, photo = self.documents.sessions.path, self.store.session.photo
        names = [] if path is None else [f"{window_title(path.name)}[*]"]
        names += [window_title(Path(photo.path).name)] if photo else []
        self.setWindowTitle(" – ".join((*names, "vitviz")))
        self.setWindowModified(self.documents.sessions.is_changed)

    @Slot()
    def _show_trust(self) -> None:
        """The lines alone: nothing else has changed."""
        scene = self.scene
        self.views.show_trust(scene)
        if (dialog := self._loaded("trust_dialog")) is not None:
            dialog.show_scene(scene)

    @Slot()
    def _show_actions(self) -> None:
        scene = self.scene
        self.menu_actions.show_scene(scene)
        self.modes.show_scene(scene)

    @Slot()
    def _on_panes_progress(self) -> None:
        if not self._panes_progress.isActive():
            self._panes_progress.start()

    @Slot()
    def _show_panes(self) -> None:
        if self.store.session.tab == "compare":
            self.views.show_scene(self.scene)

    @Slot(object)
    def _on_preview(self, preview: Preview) -> None:
        self.panels.photos.show_preview(preview)
        self.start.note_quiet()

    @Slot(object)
    def _on_model(self, card: ModelCard) -> None:
        self.card = card
        self.service.find_devices()
        if card.id not in {known.id for known in bundled()}:
            self.settings.add_recent("models", self.store.session.model)

    @Slot(object)
    def _on_devices(self, devices: list[tuple[str, str]]) -> None:
        self.devices = devices
        self.refresh()

    @Slot()
    def _on_idle(self) -> None:
        self.status.show_idle()
        self.start.note_quiet()

    def apply_theme(self) -> None:
        """Gives everything the colours of the chosen theme."""
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        colours = theme.apply(app, self.preferences.theme)
        text = QColor(colours.text)
        for action, name in (("edit.undo", "undo"), ("edit.redo", "redo")):
            self.actions_by_id[action].setIcon(theme.icon(name, text))
        self.panels.set_colours(text, QColor(colours.quiet))
        self.status.set_colours(colours.good)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.panels.room.fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange:
            self._show_actions()
        elif event.type() == QEvent.Type.ActivationChange and self.isActiveWindow():
            self.documents.locating.look_again()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls() or event.mimeData().hasImage():
            drops.accept(event)
            files = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
            words, refuses = promise(files) if files else ("Open the picture", False)
            self.drop_cover.announce(words, refuses=refuses)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        super().dragLeaveEvent(event)
        self.drop_cover.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        drops.accept(event)
        self.drop_cover.hide()
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            urls = event.mimeData().urls()
            if len(urls) == 1 and urls[0].isLocalFile():
                self.documents.sessions.open_state(Path(urls[0].toLocalFile()))
                return
        self.documents.paste(event.mimeData(), "What was dropped")

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self.closing.may_close(self._loaded("finetuning")):
            event.ignore()
            return
        end = time.monotonic() + CLOSING_S
        self.panels.layers.set_playing(False)
        self.start.last.went_well()
        self.settings.set_geometry(self.saveGeometry(), self.panels.state())
        self.hide()
        self.documents.sessions.finish()
        try:
            if self.keeps_session:
                self.start.keep()
        except VitvizError as error:
            # Nowhere to say it any more, and no reason to keep the window open.
            log.warning("the session could not be kept: %s", error)
        self.closed.emit()
        self.panels.room.end()
        if self.keeps_session:
            self.service.remember(self.controller.answers, REMEMBERING_S)
        if (dialog := self._loaded("trust_dialog")) is not None:
            dialog.close_desk(0.0)
        others = map(self._loaded, ("batch", "browser", "corrections", "finetuning"))
        for part in (*others, self.jobs, self.trust, self.service):
            if part is not None:
                part.close(max(0.0, end - time.monotonic()))
        event.accept()
