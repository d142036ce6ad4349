"""What the Charts view asks for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog

from vitviz.gui.commands.command import App
from vitviz.gui.threads.jobs import Job
from vitviz.maps.heat_map import Head
from vitviz.methods import METHODS
from vitviz.progress import Progress, Stage
from vitviz.session.state import ChartChoice

if TYPE_CHECKING:  # loaded when the view is first opened
    from vitviz.charts.gathering import Gathered
    from vitviz.gui.views.charts.view import ChartsView

FILTERS = "Figure, PDF (*.pdf);;Figure, SVG (*.svg);;Figure, PNG (*.png);;Numbers, CSV (*.csv)"


def choose_chart(app: App, choice: ChartChoice) -> None:
    """Another chart, or other photos; shows the view again, where it alone knows what changed."""
    session = app.store.session
    if choice == session.chart:
        app.refresh()
    else:
        app.store.set(replace(session, chart=choice), "chart")


def choose_chart_folder(app: App, view: ChartsView) -> None:
    """Asks for a folder of photos."""
    name = QFileDialog.getExistingDirectory(app.widget, "Photos that the chart is of")
    if name:
        view.set_folder(name)


def open_number(app: App, layer: int, head: Head | None) -> None:
    """From a chart to the canvas: the layer, and the head by a method that has heads."""
    session = app.store.session
    view = replace(session.view, layer=layer)
    if head is not None:
        view = replace(view, head=head)
        if not METHODS[view.method].has_heads:
            view = replace(view, method="attention", params=(), reference=())
    app.store.set(replace(session, view=view, tab="look"))


def save_chart(app: App, found: Gathered) -> None:
    """Writes a chart as a figure, or its numbers as a table: the suffix says which."""
    from vitviz.exporting.chart_files import Measured, write_chart

    name, chosen = QFileDialog.getSaveFileName(
        app.widget, "Save the chart", f"{found.chart.name}.pdf", FILTERS
    )
    if not name:
        return
    path = Path(name)
    if not path.suffix:
        path = path.with_suffix(f".{chosen.split('*.')[1].rstrip(')')}" if chosen else ".pdf")
    session = app.store.session
    measured = Measured(found.photos, found.cards, {}, session)

    def write(progress: Progress) -> None:
        progress(Stage("writing_figure"), 0.5)
        write_chart(path, found.chart, measured)

    app.jobs.begin(Job(f"Saving {path.name}", write, lambda _: app.status.show_idle(
        f"Saved {path.name}")))  # fmt: skip
