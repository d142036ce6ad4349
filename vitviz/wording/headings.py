"""What tells panes beside each other apart, and what they have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from vitviz.engine.answers import Cell
from vitviz.maps.resample import carried
from vitviz.methods import METHODS
from vitviz.session.state import Pane

SEPARATOR = " · "

NO_MATTER = object()
"""The key of what a pane is not about: the class, where its method asks about none."""

OF_ONE = ("method", "layer", "head", "query")
"""What a pane that nothing tells apart is called by."""

SETTINGS = tuple(sorted({p.name for method in METHODS.values() for p in method.parameters}))
"""Every setting of every method."""


@dataclass(frozen=True)
class Aspect:
    """One thing about a pane.

    Args:
        key: Panes with equal keys do not differ in it, nor does one with ``NO_MATTER`` from any.
        text: For people; "" says nothing, as with a class where no class is asked about.
        usual: As it is unless somebody changes it: worth saying only where panes differ in it.
        short: For people, beside panes that differ in it; "" for the text.
    """

    key: object
    text: str
    usual: bool = False
    short: str = ""


def letter(index: int) -> str:
    """ "a" for the first pane, from 0."""
    return chr(ord("a") + index)


def headings(panes: Sequence[Pane], cells: Sequence[Cell | None]) -> tuple[str, ...]:
    """For each pane what differs from the others: "layer 8", or "panda.jpg · head 3".

    Where nothing differs, or there is one pane only, what is looked at: "Attention · layer 8 ·
    mean of 3 heads · of CLS".

    Args:
        panes: What was chosen.
        cells: Their answers; what was chosen is named as it is where one is missing.
    """
    aspects = [_aspects(pane, cell) for pane, cell in zip(panes, cells, strict=True)]
    differing = [name for name in (aspects[0] if aspects else ()) if _differs(aspects, name)]
    if not differing:
        return tuple(_joined(of_one, OF_ONE) for of_one in aspects)
    return tuple(_joined_short(of_one, differing) for of_one in aspects)


class Table(NamedTuple):
    """Panes in rows that differ in one thing.

    Args:
        rows: What tells the rows apart.
        columns: What tells the panes of each row apart.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]


def as_table(panes: Sequence[Pane], cells: Sequence[Cell | None]) -> Table | None:
    """The panes as rows and columns with headings of their own, where that is what they are: two
    photos, say, and for each the same three methods, one photo after the other. Else None.
    """
    aspects = [_aspects(pane, cell) for pane, cell in zip(panes, cells, strict=True)]
    differing = [name for name in (aspects[0] if aspects else ()) if _differs(aspects, name)]
    for cols in range(2, len(aspects) // 2 + 1):
        if len(aspects) % cols:
            continue
        rows = [aspects[i : i + cols] for i in range(0, len(aspects), cols)]
        down = [name for name in differing if not any(_differs(row, name) for row in rows)]
        across = [name for name in differing if name not in down]
        headed = {tuple(_joined_short(of_one, across) for of_one in row) for row in rows}
        beside = tuple(_joined_short(row[0], down) for row in rows)
        if len(headed) == 1 and len(set(beside)) == len(rows):
            return Table(beside, headed.pop())
    return None


def in_common(panes: Sequence[Pane], cells: Sequence[Cell | None]) -> str:
    """What is the same in all panes, in the same words as ``headings``; "" where all differs."""
    aspects = [_aspects(pane, cell) for pane, cell in zip(panes, cells, strict=True)]
    if not aspects:
        return ""
    told = []
    for name in aspects[0]:
        known = [of_one[name] for of_one in aspects if of_one[name].key is not NO_MATTER]
        if known and not known[0].usual and not _differs(aspects, name):
            told.append(known[0].text)
    return SEPARATOR.join(filter(None, told))


def _differs(aspects: Sequence[dict[str, Aspect]], name: str) -> bool:
    found = [of_one[name] for of_one in aspects if of_one[name].key is not NO_MATTER]
    return len({aspect.key for aspect in found}) > 1 and not all(a.usual for a in found)


def _joined(aspects: dict[str, Aspect], names: Sequence[str]) -> str:
    return SEPARATOR.join(aspects[name].text for name in names if aspects[name].text)


def _joined_short(aspects: dict[str, Aspect], names: Sequence[str]) -> str:
    words = (aspects[name].short or aspects[name].text for name in names)
    return SEPARATOR.join(filter(None, words))


def _aspects(pane: Pane, cell: Cell | None) -> dict[str, Aspect]:
    """By name, in the order in which they are told."""
    return {
        "photo": _photo(pane),
        "model": _model(pane, cell),
        "input": _input(pane),
        "method": Aspect(pane.view.method, METHODS[pane.view.method].title),
        **{f"setting {name}": _setting(pane, name) for name in SETTINGS},
        "class": _class(pane, cell),
        "layer": _layer(pane, cell),
        "head": _head(pane, cell),
        "query": _query(pane, cell),
    }


def _photo(pane: Pane) -> Aspect:
    if pane.photo is None:
        return Aspect(None, "no photo")
    frame = f", frame {pane.photo.frame + 1}" if pane.photo.frame else ""
    return Aspect((pane.photo.path, pane.photo.frame), Path(pane.photo.path).name + frame)


def _model(pane: Pane, cell: Cell | None) -> Aspect:
    if cell is not None and cell.request.model == pane.model:
        return Aspect(pane.model, cell.card.title)
    # A checkpoint is a path; a bundled model is an id, which may hold dots but no folder.
    path = Path(pane.model)
    return Aspect(pane.model, path.stem if path.name != pane.model else pane.model)


def _input(pane: Pane) -> Aspect:
    finer = f", {pane.input.fineness}× finer" if pane.input.fineness > 1 else ""
    if pane.input.mode == "as trained":
        return Aspect(pane.input.mode, "input as trained", usual=True)
    return Aspect(pane.input, pane.input.mode + finer)


def _setting(pane: Pane, name: str) -> Aspect:
    found = [p for p in METHODS[pane.view.method].parameters if p.name == name]
    if not found:
        return Aspect(None, "", usual=True)
    default, title = found[0].default, found[0].title.lower()
    value = dict(pane.view.params).get(name, default)
    if isinstance(value, bool):
        text = title if value else f"no {title}"
    else:
        text = f"{title} {value:g}" if isinstance(value, float) else f"{title} {value}"
    return Aspect(value, text, usual=value == default)


def _class(pane: Pane, cell: Cell | None) -> Aspect:
    """The class asked about, where the method asks about one."""
    if not METHODS[pane.view.method].class_specific:
        return Aspect(NO_MATTER, "")
    target = cell.explanation.target if cell is not None else pane.view.target
    if target is None:
        return Aspect(None, "most probable class")
    names = cell.card.class_names if cell is not None else ()
    name = names[target] if target < len(names) else f"class {target}"
    return Aspect(name, name)


def _layer(pane: Pane, cell: Cell | None) -> Aspect:
    layer = pane.view.layer
    if cell is None:
        return Aspect(layer, f"layer {layer + 1}" if layer >= 0 else "last layer")
    last, first = cell.explanation.nearest_layer(layer) + 1, cell.explanation.layers[0] + 1
    if METHODS[cell.request.method].fuses_first and first < last:
        return Aspect((first, last), f"layers {first} to {last}")
    return Aspect(last, f"layer {last}")


def _head(pane: Pane, cell: Cell | None) -> Aspect:
    head = pane.view.head if cell is None else cell.explanation.nearest_head(pane.view.head)
    if isinstance(head, int):
        return Aspect(head, f"head {head + 1}")
    heads = cell.outline.heads if cell is not None else 0
    if heads == 1:
        return Aspect(0, "1 head")
    words = f"{head} of {heads} heads" if heads else f"{head} of heads"
    return Aspect(head, words, short=head)


def _query(pane: Pane, cell: Cell | None) -> Aspect:
    """A point is told by its patch, but is the same point on every grid, and in relative terms on
    every photo.
    """
    query, direction = pane.view.query, pane.view.direction
    directions = METHODS[pane.view.method].directions
    direction = direction if direction in directions else directions[0]
    key: object = query
    if cell is not None and not isinstance(query, str):
        x, y = carried(query, cell.geometry.photo_size, (1, 1))
        key = round(x, 4), round(y, 4)
    if cell is not None:
        name = cell.layout.name(cell.query_token)
    else:
        name = query.upper() if isinstance(query, str) else "a patch"
    return Aspect((direction, key), f"{direction} {name}")
