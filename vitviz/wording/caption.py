"""One line that says exactly what is shown, and what is not."""

from __future__ import annotations

from vitviz.engine.answers import Cell
from vitviz.maps.heat_map import HeatMap
from vitviz.methods import METHODS
from vitviz.session.state import View


def caption(cell: Cell, view: View) -> str:
    """ "Attention of CLS · layer 8 · mean of 3 heads · 6.3 % on CLS, not shown".

    Where the map is about a class: "Class relevance of CLS for “collie” · layers 1 to 8 · ...".
    """
    heat_map = cell.heat_map(view)
    method = METHODS[cell.request.method]
    parts = [
        f"{method.title} {cell.request.direction} {cell.layout.name(cell.query_token)}"
        + ("" if cell.target is None else f" for “{cell.class_name(cell.target)}”"),
        _layers(cell, heat_map),
        _heads(heat_map, heads_of(cell, heat_map.layer)),
    ]
    # The layers have said where it starts, counted from 1.
    parts += [_setting(name, value) for name, value in cell.request.params if name != "start"]
    parts += [
        f"{100 * share:.1f} % on {name.upper()}, not shown" for name, share in heat_map.prefix_share
    ]
    return " · ".join(parts)


def heads_of(cell: Cell, layer: int) -> int:
    """How many heads a map of a layer is of."""
    explanation = cell.explanation
    if explanation.head is None:
        return len(explanation.by_layer[layer].values)
    return cell.outline.layers[layer].heads


def _layers(cell: Cell, heat_map: HeatMap) -> str:
    first, last = cell.explanation.layers[0] + 1, heat_map.layer + 1
    if METHODS[cell.request.method].fuses_first and first < last:
        return f"layers {first} to {last}"
    return f"layer {last}"


def _heads(heat_map: HeatMap, heads: int) -> str:
    if isinstance(heat_map.head, int):
        return f"head {heat_map.head + 1}"
    return f"{heat_map.head} of {heads} heads" if heads > 1 else "1 head"


def _setting(name: str, value: object) -> str:
    return f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
