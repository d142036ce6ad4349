"""The window: puts the parts together and shows the session in them."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QSize, Qt, QTimer, Slot
from PySide6.QtGui import QCloseEvent, QColor, QDragEnterEvent, QDropEvent, QIcon
from PySide6.QtWidgets import (
    QApplication,
    QMainWindow,
    QMenu,
    QMenuBar,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from vitviz.engine.engine import Cell
from vitviz.engine.photos import PhotoCache
from vitviz.errors import VitvizError
from vitviz.gui import theme
from vitviz.gui.batch.commands import BatchCommands
from vitviz.gui.canvas.canvas import Canvas
from vitviz.gui.commands import table as actions
from vitviz.gui.commands.commands import Commands
from vitviz.gui.controller import Controller
from vitviz.gui.documents import Documents
from vitviz.gui.finetune.commands import FinetuneCommands
from vitviz.gui.layout import Panels, TopBar
from vitviz.gui.settings import Settings
from vitviz.gui.store import Store
from vitviz.gui.threads.jobs import Jobs
from vitviz.gui.threads.service import Preview, Service
from vitviz.gui.views.compare.view import CompareView
from vitviz.gui.views.heads.view import HeadsView
from vitviz.gui.views.look import LookView
from vitviz.gui.views.patches.view import PatchesView
from vitviz.gui.widgets.banner import Banner
from vitviz.gui.widgets.job_view import JobView
from vitviz.gui.widgets.status import StatusBar
from vitviz.imaging.samples import sample_photos
from vitviz.models.card import ModelCard
from vitviz.models.loading import bundled
from vitviz.session import session_file
from vitviz.session.state import MOST_PANES, PhotoRef, Session

log = logging.getLogger(__name__)

FIRST_SIZE = QSize(1400, 880)
"""Of the window before its user has chosen one, where the screen has room for it, in pixels."""

FRAME = QSize(16, 48)
"""Room for what the desktop draws around a window, in pixels."""

CENTRE_WIDTH = 270
"""Least width of the photo's part of the window, in pixels: panels give way before."""

TABS = (("look", "Look"), ("heads", "Heads"), ("patches", "Patches"), ("compare", "Compare"))

PROGRESS_MS = 60
"""How often the panes say how far their work is."""


class Window(QMainWindow):
    """The main window.

    Args:
        settings: Preferences, recent files and the window's geometry.
        size: When settings know none. None: ``FIRST_SIZE``, but not more than fits the screen.
    """

    def __init__(self, settings: Settings, size: QSize | None = None) -> None:
        super().__init__()
        self.settings = settings
        self.preferences = settings.preferences()
        self.devices: list[tuple[str, str]] = [("CPU", "cpu")]
        self.card: ModelCard | None = None
        self.store = Store(parent=self)
        self.service = Service(PhotoCache(max_pixels=self.preferences.max_pixels), self)
        self.jobs = Jobs(self)
        self.controller = Controller(self.store, self.service, self)
        self.controller.device = self.preferences.device
        self.banner = Banner()
        self.documents = Documents(self.store, settings, self.banner, self)
        self.look, self.heads, self.patches = LookView(), HeadsView(), PatchesView()
        self.compare = CompareView()
        self.canvas = self.look.canvas
        self.panels = Panels(self)
        self.status = StatusBar()
        self.batch = BatchCommands(self.store, self.controller, settings, self.service, self)
        self.finetuning = FinetuneCommands(
            self.store, self.controller, settings, self.service, self
        )
        self.commands = Commands(self)
        self.actions_by_id = actions.build(self, self.commands)
        self._build()
        self._connect()
        self.apply_theme()
        geometry, docks = settings.geometry()
        self.resize(size or FIRST_SIZE.boundedTo(self.screen().availableSize() - FRAME))
        self.restoreGeometry(geometry)
        self.panels.restore(docks)
        self.canvas.setFocus()
        self.refresh()

    def _build(self) -> None:
        self.setObjectName("window")
        self.setMinimumSize(760, 520)
        self.setAcceptDrops(True)
        self.recent_menu = QMenu(self)
        self.recent_menu.aboutToShow.connect(self._fill_recent)
        self._panels_menu = self.panels.menu()
        self._compare_menus = {"compare.along": QMenu(self), "compare.go": QMenu(self)}
        submenus = {"file.recent": self.recent_menu, "view.panels": self._panels_menu,
                    **self._compare_menus}  # fmt: skip
        self._menus: QMenuBar = actions.menu_bar(self.actions_by_id, submenus)
        by_id = self.actions_by_id
        exports = [by_id[name] for name in actions.EXPORTS]
        self.top_bar = TopBar(self._menus, TABS, by_id["edit.undo"], by_id["edit.redo"], exports)
        self.setMenuWidget(self.top_bar)
        for name in ("file.open", "file.close", "file.close_all"):  # the list's context menu
            self.panels.photos.addAction(by_id[name])
        self.setStatusBar(self.status)
        self.job_view = JobView(self.jobs)
        self.status.addPermanentWidget(self.job_view)
        self.status.addPermanentWidget(self.finetuning.line)
        self.views = QStackedWidget()
        for view in (self.look, self.heads, self.patches, self.compare):
            self.views.addWidget(view)
        centre = QWidget()
        centre.setMinimumWidth(CENTRE_WIDTH)
        layout = QVBoxLayout(centre)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.banner)
        layout.addWidget(self.views, 1)
        self.setCentralWidget(centre)

    def _connect(self) -> None:
        controller, panels, commands = self.controller, self.panels, self.commands
        controller.refreshed.connect(self.refresh)
        controller.previewed.connect(self._on_preview)
        controller.model_ready.connect(self._on_model)
        controller.photo_refused.connect(self.documents.refuse)
        controller.refused.connect(self.banner.show_error)
        controller.device_changed.connect(commands.choose_device)
        self.store.history_changed.connect(self._show_history)
        controller.progressed.connect(self.status.show_progress)
        self.service.idle.connect(self._on_idle)
        self.service.devices_found.connect(self._on_devices)
        self.jobs.failed.connect(self.banner.show_error)
        self.status.cancel_requested.connect(commands.cancel)
        self.top_bar.tab_chosen.connect(commands.choose_tab)
        self.canvas.hovered.connect(commands.on_hovered)
        self.canvas.clicked.connect(commands.choose_patch)
        self.heads.opened.connect(commands.open_head)
        self._connect_panes()
        self.patches.token_clicked.connect(commands.choose_token)
        panels.photos.selected.connect(commands.select_photo)
        panels.photos.close_requested.connect(commands.close_photo_at)
        panels.model.input_chosen.connect(commands.choose_input)
        panels.model.device_chosen.connect(commands.choose_device)
        panels.model.details_requested.connect(commands.show_card)
        panels.model.open_requested.connect(commands.open_model)
        panels.method.chosen.connect(commands.choose_view)
        panels.predictions.chosen.connect(commands.choose_target)
        panels.appearance.chosen.connect(commands.choose_style)
        panels.layers.layer_chosen.connect(commands.choose_layer)
        panels.layers.head_chosen.connect(commands.choose_head)
        panels.layers.playing_changed.connect(self.actions_by_id["go.play"].setChecked)
        QApplication.styleHints().colorSchemeChanged.connect(self.apply_theme)

    def _connect_panes(self) -> None:
        view, commands = self.compare, self.commands
        view.focused.connect(commands.focus_pane)
        view.removed.connect(commands.remove_pane_at)
        view.moved.connect(commands.move_pane)
        view.add_requested.connect(commands.add_pane)
        view.split_requested.connect(commands.split)
        view.dropped.connect(commands.drop_on_pane)
        view.query_chosen.connect(commands.choose_pane_query)
        view.hovered.connect(commands.hover_pane)
        view.linked_chosen.connect(commands.choose_linked)
        view.shared_chosen.connect(commands.choose_shared)
        view.arrangement_chosen.connect(commands.choose_arrangement)
        view.pair_chosen.connect(commands.choose_pair)
        view.retry_requested.connect(commands.retry_pane)
        self._panes_progress = QTimer(self)
        self._panes_progress.setSingleShot(True)
        self._panes_progress.setInterval(PROGRESS_MS)
        self._panes_progress.timeout.connect(self._show_panes)
        self.controller.panes_progressed.connect(self._on_panes_progress)

    @property
    def shown_canvas(self) -> Canvas:
        """The photo that zoom and keys act on: of the current pane in the Compare view."""
        return self.compare.canvas if self.store.session.tab == "compare" else self.canvas

    def begin(self, paths: list[Path]) -> None:
        """Opens the photos asked for, else last time's, else the samples, with a model."""
        session = replace(self.store.session, model=bundled()[0].id)
        if not paths and self.preferences.reopen:
            session = self._last_session(session)
        self.store.amend(session)
        if paths:
            self.documents.add(paths)
        if not self.store.session.photos and self.documents.session_path is None:
            photos = tuple(PhotoRef(str(path)) for path in sample_photos())
            # The bundled model's last two layers gather little, the one before shows what it saw.
            view = replace(self.store.session.view, layer=-3)
            self.store.amend(replace(self.store.session, photos=photos, view=view))
        self.store.forget_history()

    def _last_session(self, otherwise: Session) -> Session:
        try:
            last = session_file.read(self.settings.last_session)
        except VitvizError:
            return otherwise
        session = self.documents.present(last)
        known = session.model in {card.id for card in bundled()} or Path(session.model).is_file()
        return session if known else replace(session, model=otherwise.model)

    @Slot()
    def refresh(self) -> None:
        """Shows the session, and what has been computed of it, everywhere."""
        session, cell, opened = (
            self.store.session,
            self.controller.shown_cell,
            self.controller.opened,
        )
        view, style = session.view, session.style
        preview = self.panels.photos.preview(opened.ref) if opened else None
        self.top_bar.show_tab(session.tab)
        index = [name for name, _ in TABS].index(session.tab)
        turned = index != self.views.currentIndex()
        self.views.setCurrentIndex(index)
        self.look.show_state(opened, cell, view, style)
        self._show_tab(session, cell, preview)
        self._show_panes()
        if turned and session.tab == "compare":
            self.compare.canvas.setFocus()
        self.panels.photos.show_photos(session.photos, session.selected)
        self.panels.model.show_model(cell.card if cell else self.card, cell, session.input)
        self.panels.model.show_costs(self.card, preview.size if preview else None, cell)
        self.panels.method.show_view(view, cell)
        self.panels.appearance.show_style(style, self.look.shown_range)
        self.panels.predictions.show_cell(cell, view)
        self.panels.layers.show_cell(cell, view, style, preview)
        self.status.show_cell(cell)
        self._show_checks(session)
        name = Path(session.photo.path).name if session.photo else ""
        self.setWindowTitle(f"{name} – vitviz" if name else "vitviz")
        if not session.photos:
            self.canvas.set_message("Drop a photo here", "or press Ctrl+O to open one")

    def _show_tab(self, session: Session, cell: Cell | None, preview: Preview | None) -> None:
        """Fills the Heads or the Patches view, when it is the one that is open."""
        if cell is None or preview is None:
            self.heads.set_message("Nothing to show yet", "Open a photo, or wait for the model")
            self.patches.set_message("Nothing to show yet", "Open a photo, or wait for the model")
        elif session.tab == "heads":
            view = session.view
            self.heads.set_message("", "")
            self.heads.show_explanation(
                cell.explanation, preview.thumbnail, cell.geometry, session.style,
                view.layer, view.head,
            )  # fmt: skip
        elif session.tab == "patches":
            self.patches.set_message("", "")
            self.patches.show_input(cell.input_pixels, cell.geometry, cell.layout, cell.query_token)

    @Slot()
    def _on_panes_progress(self) -> None:
        if not self._panes_progress.isActive():
            self._panes_progress.start()

    @Slot()
    def _show_panes(self) -> None:
        if self.store.session.tab == "compare":
            self.compare.show_state(self.controller.pane_states, self.store.session)

    def _show_pane_checks(self, session: Session) -> None:
        by_id, compare, count = self.actions_by_id, session.compare, len(session.panes)
        by_id["compare.linked"].setChecked(compare.linked)
        by_id["compare.shared"].setChecked(compare.shared)
        for name in ("panes", "difference", "wipe"):
            by_id[f"compare.{name}"].setChecked(compare.arrangement == name)
        for name in ("remove", "next", "previous", "on", "back", "linked", "shared", "panes",
                     "difference", "wipe", "pair", "swap"):  # fmt: skip
            by_id[f"compare.{name}"].setEnabled(count > 1)
        for index, name in enumerate("abcdef"):
            by_id[f"compare.go.{name}"].setEnabled(index < count)
        by_id["compare.add"].setEnabled(count < MOST_PANES)

    def _show_checks(self, session: Session) -> None:
        by_id = self.actions_by_id
        self._show_pane_checks(session)
        by_id["view.grid"].setChecked(session.style.grid)
        by_id["view.smooth"].setChecked(session.style.smooth)
        by_id["view.follow"].setChecked(self.preferences.follow_cursor)
        for name in (*actions.EXPORTS, "edit.copy_values"):
            by_id[name].setEnabled(self.controller.shown_cell is not None)
        for name in ("file.close", "file.close_all"):
            by_id[name].setEnabled(bool(session.photos))
        for name in ("go.next_class", "go.previous_class", "go.class"):
            by_id[name].setEnabled(self.panels.predictions.asks)
        self.top_bar.export.setEnabled(self.controller.shown_cell is not None)

    @Slot()
    def _show_history(self) -> None:
        self.actions_by_id["edit.undo"].setEnabled(self.store.can_undo)
        self.actions_by_id["edit.redo"].setEnabled(self.store.can_redo)

    @Slot()
    def _fill_recent(self) -> None:
        self.recent_menu.clear()
        for kind, title in (("photos", "Photos"), ("sessions", "Sessions"), ("models", "Models")):
            paths = self.settings.recent(kind)
            if paths:
                self.recent_menu.addSection(title)
            for path in paths:
                action = self.recent_menu.addAction(Path(path).name)
                action.setToolTip(path)
                action.triggered.connect(partial(self.documents.add, [Path(path)]))
        if self.recent_menu.isEmpty():
            self.recent_menu.addAction("Nothing yet").setEnabled(False)

    @Slot(object)
    def _on_preview(self, preview: Preview) -> None:
        self.panels.photos.show_preview(preview)

    @Slot(object)
    def _on_model(self, card: ModelCard) -> None:
        self.card = card
        self.service.find_devices()
        if card.id not in {known.id for known in bundled()}:
            self.settings.add_recent("models", self.store.session.model)

    @Slot(object)
    def _on_devices(self, devices: list[tuple[str, str]]) -> None:
        self.devices = devices
        self.panels.model.show_devices(devices, self.preferences.device)

    @Slot()
    def _on_idle(self) -> None:
        self.status.show_idle()

    def apply_theme(self) -> None:
        """Gives everything the colours of the chosen theme."""
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        colours = theme.apply(app, self.preferences.theme)
        text = QColor(colours.text)
        for action, name in (("edit.undo", "undo"), ("edit.redo", "redo")):
            self.actions_by_id[action].setIcon(theme.icon(name, text))
        play: QIcon = theme.icon("play", text)
        self.panels.layers.set_icons(play, theme.icon("pause", text))
        self.status.set_colours(colours.good)
        self._show_history()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls() or event.mimeData().hasImage():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        event.acceptProposedAction()
        urls, shift = event.mimeData().urls(), Qt.KeyboardModifier.ShiftModifier
        if event.modifiers() & shift and len(urls) == 1 and urls[0].isLocalFile():
            self.documents.open_state(Path(urls[0].toLocalFile()))
        else:
            self.documents.paste(event.mimeData())

    def closeEvent(self, event: QCloseEvent) -> None:
        self.panels.layers.set_playing(False)
        self.settings.set_geometry(self.saveGeometry(), self.panels.state())
        try:
            self.settings.folder.mkdir(parents=True, exist_ok=True)
            session_file.save(self.store.session, self.settings.last_session)
        except (OSError, VitvizError) as error:
            # Nowhere to say it any more, and no reason to keep the window open.
            log.warning("the session could not be kept: %s", error)
        self.hide()
        self.batch.close()
        self.finetuning.close()
        self.jobs.close()
        self.service.close()
        event.accept()
