"""A chart as a file: a figure, or the table of its numbers."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vitviz import __version__
from vitviz.errors import VitvizError
from vitviz.exporting.provenance import Disclosure, Provenance, libraries, renamed, to_json
from vitviz.exporting.stamp import write_with_provenance
from vitviz.figures.chart import Chart
from vitviz.paths import resolved
from vitviz.plain_text import cell_text
from vitviz.session import session_file
from vitviz.session.state import Session

if TYPE_CHECKING:
    from vitviz.models.card import ModelCard

FIGURES = (".pdf", ".svg", ".png")
SUFFIXES = (*FIGURES, ".csv")


@dataclass(frozen=True)
class Measured:
    """What a chart was made of.

    Args:
        photos: Name and SHA-256 of each photo's file.
        models: The model, and the other one where there are two.
        settings: What was asked.
        session: The choices that lead to it; None says nothing of them.
    """

    photos: Sequence[tuple[str, str]]
    models: Sequence[ModelCard]
    settings: dict[str, object]
    session: Session | None = None


def write_chart(
    path: Path, chart: Chart, measured: Measured, disclosure: Disclosure | None = None
) -> None:
    """Writes a chart; the suffix says how.

    Args:
        path: Of the new file: a figure as ``.pdf``, ``.svg`` or ``.png``, the numbers as ``.csv``.
        chart: What is written.
        measured: What it was made of.
        disclosure: What is said of where it comes from.

    Raises:
        VitvizError: It cannot be written there, or the suffix is unknown. What was there stays.
    """
    check_chart_file(path)
    if resolved(path) in {resolved(Path(name)) for name, _ in measured.photos}:
        raise VitvizError(f"{path.name} is a photo of the chart.", "Choose another name.")
    said = disclosure or Disclosure()
    provenance = _provenance(chart, measured, said)
    suffix = path.suffix.lower()
    if suffix == ".csv":
        content = table(chart)
    else:
        from vitviz.figures.chart_drawing import encode_chart

        content = encode_chart(chart, suffix, provenance=to_json(provenance))
    write_with_provenance(path, content, provenance, beside=said.beside)


def check_chart_file(path: Path) -> None:
    """Refuses what a chart cannot be written as.

    Raises:
        VitvizError: No such kind of file has this suffix.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise VitvizError(
            f"{path.name}: charts cannot be written as {path.suffix or 'a file without suffix'}.",
            f"Use one of {', '.join(SUFFIXES)}.",
        )


def table(chart: Chart) -> bytes:
    """The numbers, as CSV; a cell without a number is empty."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    for row in chart.numbers:
        writer.writerow([_cell(value) for value in row])
    return text.getvalue().encode("utf-8")


def _cell(value: str | float | int) -> str:
    if isinstance(value, str):
        return cell_text(value)
    return "" if isinstance(value, float) and not math.isfinite(value) else f"{value:.9g}"


def _provenance(chart: Chart, measured: Measured, said: Disclosure) -> Provenance:
    def named(name: str) -> str:
        return name if said.full_paths else Path(name).name

    files = {named(name): sha256 for name, sha256 in measured.photos}
    files |= {card.id: card.sha256 for card in measured.models}
    session = {}
    if measured.session is not None:
        session = json.loads(session_file.to_json(renamed(measured.session, named)))
    settings = {"chart": chart.name, "caption": chart.caption, **measured.settings}
    return Provenance("chart", __version__, libraries(), (), settings, files, session)
