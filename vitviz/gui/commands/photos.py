"""What the list of photos asks for."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from vitviz.engine.predicting import Prediction, predictions
from vitviz.engine.requests import PredictRequest
from vitviz.gui.commands.command import App
from vitviz.gui.threads.jobs import Job
from vitviz.gui.widgets.ask_files import ask_file
from vitviz.plurals import count_of
from vitviz.progress import Progress
from vitviz.session.state import PhotoRef

if TYPE_CHECKING:
    from vitviz.batch.columns import Table

FIRST_COLUMNS = ("top1", "top1_probability", "entropy")
"""What a table is sorted by at first, where it has it."""

TABLES = "Tables (*.csv);;All files (*)"


def predict_all(app: App) -> None:
    """Asks the model what is on each photo of which it has said nothing yet."""
    from vitviz.models.torch_import import import_torch

    session, device = app.store.session, app.controller.device
    asked = session.model, session.input
    requests = [
        PredictRequest(ref, session.background, session.model, session.input, device=device)
        for ref in app.panels.photos.unpredicted
    ]
    engine = app.service.engine

    def work(progress: Progress) -> object:
        import_torch()
        return predictions(engine.predict, requests, progress)

    def show(found: object) -> None:
        session = app.store.session
        if (session.model, session.input) == asked:
            app.panels.photos.show_predictions(cast("dict[PhotoRef, Prediction]", found))

    app.jobs.begin(Job(f"Asking about {count_of(len(requests), 'photo')}", work, show))


def open_table(app: App) -> None:
    """Sorts the photos by a table, such as that of a batch."""
    name = ask_file(app.widget, "tables", "Open a table", TABLES)
    if name:
        sort_by_table(app, Path(name))


def sort_by_table(app: App, path: Path) -> None:
    """Reads a table, and sorts the photos by one of its columns; all are offered then."""
    from vitviz.batch.columns import read_columns

    photos = [ref.path for ref in app.store.session.photos]

    def show(found: object) -> None:
        table = cast("Table", found)
        first = next((name for name in FIRST_COLUMNS if name in table), next(iter(table)))
        app.panels.photos.show_table(table, first)

    app.jobs.begin(Job(f"Reading {path.name}", partial(read_columns, path, photos), show))
