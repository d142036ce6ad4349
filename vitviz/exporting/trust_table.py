"""The numbers and curves of a judgement as a table, with how they were made."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from vitviz import __version__
from vitviz.engine.answers import HeadGrid, Trust
from vitviz.plain_text import cell_text
from vitviz.wording.trust import trust_caption, trust_line, trust_numbers
from vitviz.writing import write_whole


def write_trust_table(path: Path, trust: Trust) -> None:
    """Writes a CSV: what was asked and how, the numbers, then a line for each step of the curves.

    Raises:
        VitvizError: It cannot be written.
    """
    found, known = trust.judgement, trust.judgement.references
    explain, heat_map = trust.request.explain, trust.heat_map
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    rows: list[tuple[object, ...]] = [
        ("photo", cell_text(Path(explain.photo.path).name)),
        ("model", cell_text(Path(explain.model).name)),
        ("method", explain.method),
        ("layer", heat_map.layer + 1),
        ("head", heat_map.head + 1 if isinstance(heat_map.head, int) else heat_map.head),
        ("class", cell_text(trust.target_name)),
        ("class index", trust.target),
        ("how", cell_text(trust_caption(trust))),
        ("vitviz", __version__),
        ("line", cell_text(trust_line(trust))),
        *((cell_text(title), cell_text(value), cell_text(tip))
          for title, value, tip in trust_numbers(trust)),
        (),
        ("removed", "marked first", "marked last", "leave-one-out first", "middle first",
         "edges first", "random 5 %", "random 95 %"),
        (0, *[known.whole] * 7),
    ]  # fmt: skip
    low, high = known.curve_band
    rows += zip(
        known.counts / known.leave_one_out.size, found.curve.first, found.curve.last,
        known.best.first, known.centre.first, known.edges.first, low, high, strict=True,
    )  # fmt: skip
    writer.writerows(rows)
    write_whole(path, text.getvalue().encode("utf-8"))


def write_head_grid(path: Path, grid: HeadGrid) -> None:
    """Writes a CSV: a line a layer, a column a head; how much the class's logit falls.

    Raises:
        VitvizError: It cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    heads = max((len(values) for _, values in grid.layers), default=0)
    writer.writerow(("class", cell_text(grid.target_name), "logit", grid.logit,
                     "silent heads put out", grid.request.fill))  # fmt: skip
    writer.writerow(("layer", *(f"head {head + 1}" for head in range(heads))))
    writer.writerows((layer + 1, *map(float, values)) for layer, values in grid.layers)
    write_whole(path, text.getvalue().encode("utf-8"))
