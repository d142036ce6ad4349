"""What takes heads and patches from the network, and gives them back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from vitviz.engine.answers import FoundRegisters, HeadGrid
from vitviz.engine.requests import MOST_REGISTER_PHOTOS, HeadGridRequest, RegistersRequest
from vitviz.errors import VitvizError
from vitviz.gui.commands.command import App
from vitviz.gui.commands.go import choose_view
from vitviz.gui.commands.model import MENU
from vitviz.gui.commands.rules import has_map
from vitviz.gui.scene import Scene
from vitviz.gui.widgets.ask_files import ask_new_file
from vitviz.imaging.geometry import Box
from vitviz.methods import METHODS
from vitviz.probing.ablation import Ablation, Fill, require_room
from vitviz.progress import Progress
from vitviz.session.state import PhotoRef

if TYPE_CHECKING:
    from vitviz.gui.ablation.grid import HeadGridDialog

command = MENU.command


def is_ablated(scene: Scene) -> bool:
    """Something is taken from the current pane's network."""
    return bool(scene.session.view.ablation)


def has_attention(scene: Scene) -> bool:
    """The model has heads, and classes that they are worth something to."""
    return scene.cell is not None and {"attention", "classes"} <= scene.cell.outline.gives


@command(
    "model.brush", "&Remove Patches with the Brush", "B", when=has_map,
    checked=lambda scene: scene.brushing, separated=True,
)  # fmt: skip
def toggle_brush(app: App) -> None:
    brushing = not app.views.brushing
    if brushing and app.store.session.tab != "look":
        app.store.set(replace(app.store.session, tab="look"), "tab")
    app.views.set_brushing(brushing)
    app.refresh()


@command("model.whole", "&Whole Model Again", "Shift+B", when=is_ablated)
def end_ablation(app: App) -> None:
    choose_ablation(app, Ablation(fill=app.store.session.view.ablation.fill))


@command("model.registers", "Test-Time &Register…", when=has_map)
def ask_registers(app: App) -> None:
    """Asks how register neurons are to be looked for, where the model can have a register."""
    from vitviz.gui.ablation.registers import RegistersDialog

    cell, session = app.controller.shown_cell, app.store.session
    if cell is None or session.photo is None:
        return
    try:
        require_room(cell.card.outline)
    except VitvizError as error:
        app.banner.say(str(error))
        return
    rest = [ref for ref in session.photos if ref != session.photo]
    photos = (session.photo, *rest)[:MOST_REGISTER_PHOTOS]
    device = cell.request.device
    dialog = RegistersDialog(len(photos), app.widget)
    dialog.accepted.connect(
        lambda: find_registers(app, photos, dialog.neurons, dialog.bound, device)
    )
    dialog.open()


def find_registers(
    app: App, photos: tuple[PhotoRef, ...], neurons: int, bound: float, device: str
) -> None:
    """Looks for register neurons over some photos, and puts a register into the model."""
    from vitviz.gui.threads.jobs import Job

    session = app.store.session
    request = RegistersRequest(photos, session.background, session.model, session.input, neurons,
                               bound, device)  # fmt: skip

    def work(progress: Progress) -> FoundRegisters:
        return app.service.engine.answer(request, progress)

    def then(found: object) -> None:
        assert isinstance(found, FoundRegisters)
        if app.store.session.model == request.model:
            own = app.store.session.view.ablation
            choose_ablation(app, replace(own, registers=found.registers))

    app.jobs.begin(Job("Looking for register neurons", work, then))


@command("model.heads", "What Each &Head Is Worth…", when=has_attention)
def show_head_grid(app: App) -> None:
    from vitviz.gui.threads.jobs import Job

    cell = app.controller.shown_cell
    if cell is None:
        return
    asked = cell.request
    target = cell.target if METHODS[asked.method].class_specific else None
    fill = app.store.session.view.ablation.fill
    request = HeadGridRequest(asked.photo, asked.background, asked.model, asked.input, target,
                              fill, asked.device, ablation=asked.ablation)  # fmt: skip

    def work(progress: Progress) -> HeadGrid:
        return app.service.engine.answer(request, progress)

    def then(grid: object) -> None:
        from vitviz.gui.ablation.grid import HeadGridDialog

        assert isinstance(grid, HeadGrid)
        dialog = HeadGridDialog(grid, app.widget)
        dialog.chosen.connect(lambda layer, head: toggle_head(app, layer, head))
        dialog.table_wanted.connect(lambda: save_grid(app, dialog))
        dialog.picture_wanted.connect(lambda: save_picture(app, dialog))
        dialog.show()

    app.jobs.begin(Job("Silencing each head", work, then))


# What views and the chip ask for


def choose_ablation(app: App, ablation: Ablation, kind: str = "") -> None:
    choose_view(app, replace(app.store.session.view, ablation=ablation), kind)


def put_brush_away(app: App) -> None:
    app.views.set_brushing(False)
    app.refresh()


def toggle_head(app: App, layer: int, head: int) -> None:
    ablation = app.store.session.view.ablation
    silent = (layer, head) not in ablation.heads
    choose_ablation(app, ablation.with_head(layer, head, silent))


def choose_fill(app: App, fill: Fill) -> None:
    choose_ablation(app, replace(app.store.session.view.ablation, fill=fill))


def brush_patch(app: App, patch: tuple[int, int], gone: bool) -> None:
    """A patch of the map that is shown is removed, or put back."""
    cell = app.controller.shown_cell
    if cell is None:
        return
    view = app.store.session.view
    box = cell.heat_map(view).geometry.patch_box(*patch)
    choose_ablation(app, view.ablation.with_place(box, gone), "brush")


def brush_box(app: App, box: Box, gone: bool) -> None:
    """What lies in a box of the photo is removed, or put back."""
    view = app.store.session.view
    choose_ablation(app, view.ablation.with_place(box, gone), "brush")


def save_grid(app: App, dialog: HeadGridDialog) -> None:
    from vitviz.exporting.trust_table import write_head_grid
    from vitviz.gui.threads.jobs import Job

    path = _asked_path(dialog, ".csv", "CSV (*.csv)")
    if path is not None:
        grid = dialog.grid_of  # the dialog itself is not for another thread
        app.jobs.begin(Job(f"Saving {path.name}", lambda _: write_head_grid(path, grid)))


def save_picture(app: App, dialog: HeadGridDialog) -> None:
    """The grid as it is drawn, at twice the window's own density."""
    path = _asked_path(dialog, ".png", "PNG (*.png)")
    if path is not None and not dialog.picture().save(str(path)):
        app.banner.say(f"{path.name} cannot be written. Choose another folder.")


def _asked_path(dialog: HeadGridDialog, suffix: str, kinds: str) -> Path | None:
    photo = Path(dialog.grid_of.request.photo.path)
    suggested = f"{photo.stem}-heads{suffix}"
    name, _ = ask_new_file(dialog, "exports", "Save", suggested, kinds, str(photo))
    if not name:
        return None
    path = Path(name)
    return path if path.suffix else path.with_suffix(suffix)
