"""One line that says exactly what is shown, and what is not."""

from __future__ import annotations

from vitviz.methods import METHODS
from vitviz.methods.base import HeatMap
from vitviz.session.engine import Cell
from vitviz.session.state import View


def head_words(heat_map: HeatMap, heads: int) -> str:
    """ "head 3", or "mean of 12 heads"."""
    if isinstance(heat_map.head, int):
        return f"head {heat_map.head + 1}"
    return f"{heat_map.head} of {heads} heads"


def caption(cell: Cell, view: View) -> str:
    """ "Attention of CLS · layer 8 · mean of 3 heads · 6.3 % on CLS, not shown"."""
    heat_map = cell.heat_map(view)
    method = METHODS[cell.request.method]
    layer = heat_map.layer + 1
    first = cell.explanation.layers[0] + 1
    parts = [
        f"{method.title} {cell.request.direction} {cell.layout.name(cell.query_token)}",
        f"layers {first} to {layer}" if method.fuses_first else f"layer {layer}",
        head_words(heat_map, cell.card.config.heads),
    ]
    parts += [f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
              for name, value in cell.request.params]  # fmt: skip
    parts += [
        f"{100 * share:.1f} % on {name.upper()}, not shown" for name, share in heat_map.prefix_share
    ]
    return " · ".join(parts)
