"""What panels and views ask for, and which command's function does it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import SignalInstance

from vitviz.gui.commands import (
    ablation,
    charts,
    compare,
    file,
    go,
    help,
    model,
    photos,
    trust,
    view,
)
from vitviz.gui.commands.command import App
from vitviz.gui.views.view import ViewWidget
from vitviz.session.state import Tab

if TYPE_CHECKING:  # views are loaded when they are first opened
    from vitviz.gui.views.charts.view import ChartsView
    from vitviz.gui.views.compare.view import CompareView
    from vitviz.gui.views.heads.view import HeadsView
    from vitviz.gui.views.how.view import HowView
    from vitviz.gui.views.look import LookView
    from vitviz.gui.views.masked.view import MaskedView
    from vitviz.gui.views.patches.view import PatchesView

Function = Callable[..., None]


def connect(app: App, *pairs: tuple[object, Function]) -> None:
    """Has signals call functions, with the app before the signal's own arguments."""
    for signal, function in pairs:
        cast(SignalInstance, signal).connect(partial(function, app))


def connect_panels(app: App) -> None:
    """The panels around the view."""
    panels = app.panels
    connect(
        app,
        (panels.photos.selected, go.select_photo),
        (panels.photos.close_requested, file.close_photos),
        (panels.photos.open_requested, file.open_photos),
        (panels.photos.folder_requested, file.open_folder),
        (panels.photos.table_requested, photos.open_table),
        (panels.photos.predictions_requested, photos.predict_all),
        (panels.model.input_chosen, model.choose_input),
        (panels.model.device_chosen, model.choose_device),
        (panels.model.details_requested, model.show_card),
        (panels.model.open_requested, model.open_model),
        (panels.model.browse_requested, model.browse_models),
        (panels.model.correction_requested, model.correct_model),
        (panels.model.part_chosen, model.choose_part),
        (panels.method.chosen, go.choose_view),
        (panels.predictions.chosen, go.ask_class),
        (panels.predictions.set_against, go.choose_contrast),
        (panels.appearance.chosen, view.choose_style),
        (panels.layers.layer_chosen, go.choose_layer),
        (panels.layers.head_chosen, go.choose_head),
    )


def connect_view(app: App, name: Tab, widget: ViewWidget) -> None:
    """A view that was just made; one that asks for nothing has no function here."""
    if name in CONNECT:
        CONNECT[name](app, widget)


def _look(app: App, widget: ViewWidget) -> None:
    look = cast("LookView", widget)
    canvas = look.canvas
    connect(app, (look.problem.button.clicked, lambda app, _: file.locate_files(app)))
    connect(app, (look.trust.chosen, trust.show_trust), (canvas.brushed, ablation.brush_patch))
    connect(app, (canvas.hovered, go.hover_patch), (canvas.clicked, go.choose_patch))
    connect(app, (canvas.digit_typed, go.type_layer))
    connect(app, (look.deck_requested, view.toggle_panels))
    welcome = look.welcome
    connect(
        app,
        (welcome.open_requested, file.open_photos),
        (welcome.folder_requested, file.open_folder),
        (welcome.samples_requested, file.open_samples),
        (welcome.recent_chosen, file.open_recent),
        (look.hint.dismissed, help.dismiss_hint),
        (look.hint.tour_requested, help.show_tour),
    )
    welcome.pictures_wanted.connect(app.service.picture)
    app.service.pictured.connect(welcome.show_picture)


def _heads(app: App, widget: ViewWidget) -> None:
    heads = cast("HeadsView", widget)
    connect(
        app,
        (heads.opened, go.open_head),
        (heads.silenced, ablation.toggle_head),
        (heads.fill_chosen, ablation.choose_fill),
        (heads.grid_requested, ablation.show_head_grid),
    )


def _patches(app: App, widget: ViewWidget) -> None:
    connect(app, (cast("PatchesView", widget).token_clicked, go.choose_token))


def _masked(app: App, widget: ViewWidget) -> None:
    masked = cast("MaskedView", widget)
    connect(
        app,
        (masked.wanted, lambda app: view.ask_decoder(app, masked.normalised)),
        (masked.mask_chosen, view.choose_mask),
        (masked.patch_chosen, view.choose_masked_patch),
    )
    app.service.decoded.connect(masked.show_answer)
    app.service.decode_failed.connect(masked.show_failure)


def _charts(app: App, widget: ViewWidget) -> None:
    view_of = cast("ChartsView", widget)
    connect(
        app,
        (view_of.chosen, charts.choose_chart),
        (view_of.folder_wanted, lambda app: charts.choose_chart_folder(app, view_of)),
        (view_of.opened, charts.open_number),
        (view_of.saved, charts.save_chart),
    )
    view_of.wanted.connect(app.service.chart)
    app.service.charted.connect(view_of.show_answer)
    app.service.chart_failed.connect(view_of.show_failure)
    app.service.chart_grew.connect(view_of.show_growth)
    app.service.chart_progressed.connect(view_of.show_progress)


def _compare(app: App, widget: ViewWidget) -> None:
    panes = cast("CompareView", widget)
    connect(
        app,
        (panes.focused, compare.focus_pane),
        (panes.removed, compare.remove_pane_at),
        (panes.moved, compare.move_pane),
        (panes.add_requested, compare.add_pane),
        (panes.split_requested, compare.split_along_layers),
        (panes.dropped, compare.drop_on_pane),
        (panes.query_chosen, compare.choose_pane_query),
        (panes.hovered, compare.hover_pane),
        (panes.linked_chosen, compare.choose_linked),
        (panes.shared_chosen, compare.choose_shared),
        (panes.arrangement_chosen, compare.choose_arrangement),
        (panes.pair_chosen, compare.choose_pair),
        (panes.retry_requested, compare.retry_pane),
    )


def _how(app: App, widget: ViewWidget) -> None:
    how = cast("HowView", widget)
    connect(
        app,
        (how.wanted, lambda app, requests: app.service.tell(requests)),
        (how.patch_chosen, go.choose_patch_of_first),
        (how.token_chosen, go.choose_named_query),
        (how.layer_chosen, go.choose_layer),
        (how.head_chosen, go.choose_head),
        (how.target_chosen, go.choose_target),
        (how.contrast_chosen, go.choose_contrast),
        (how.brushed, ablation.brush_box),
        (how.head_switched, ablation.toggle_head),
        (how.whole_requested, ablation.end_ablation),
    )
    app.service.told.connect(how.show_answer)


CONNECT: dict[Tab, Callable[[App, ViewWidget], None]] = {
    "look": _look,
    "heads": _heads,
    "patches": _patches,
    "masked": _masked,
    "compare": _compare,
    "how": _how,
    "charts": _charts,
}
