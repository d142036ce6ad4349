"""What tells panes beside each other apart, and what they have in common."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from vitviz.engine.answers import Cell
from vitviz.methods import METHODS
from vitviz.plain_text import MOST_OF_NAME, shown_text
from vitviz.session.state import Pane
from vitviz.wording.caption import SEPARATOR, ablation_words, layers, query_words
from vitviz.wording.description import Description, describe
from vitviz.wording.names import heads_name

NO_MATTER = object()
"""The key of what a pane is not about: class, head or token, where its method asks about none."""

OF_ONE = ("method", "layer", "head", "query", "ablation")
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
    aspects = [_aspects(describe(*both)) for both in zip(panes, cells, strict=True)]
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
    aspects = [_aspects(describe(*both)) for both in zip(panes, cells, strict=True)]
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


def in_common(
    panes: Sequence[Pane], cells: Sequence[Cell | None], without: Collection[str] = ()
) -> str:
    """What is the same in all panes, in the same words as ``headings``; "" where all differs.

    Args:
        panes: What was chosen.
        cells: Their answers.
        without: Names of what somebody else says: "photo", "model".
    """
    aspects = [_aspects(describe(*both)) for both in zip(panes, cells, strict=True)]
    if not aspects:
        return ""
    told = []
    for name in (name for name in aspects[0] if name not in without):
        known = [of_one[name] for of_one in aspects if of_one[name].key is not NO_MATTER]
        if known and not known[0].usual and not _differs(aspects, name):
            told.append(known[0].text)
    return SEPARATOR.join(filter(None, told))


def _differs(aspects: Sequence[dict[str, Aspect]], name: str) -> bool:
    found = [of_one[name] for of_one in aspects if of_one[name].key is not NO_MATTER]
    return len({aspect.key for aspect in found}) > 1 and not all(a.usual for a in found)


def _joined(aspects: dict[str, Aspect], names: Sequence[str]) -> str:
    told = (aspects[name] for name in names)
    return SEPARATOR.join(one.text for one in told if one.text and not one.usual)


def _joined_short(aspects: dict[str, Aspect], names: Sequence[str]) -> str:
    words = (aspects[name].short or aspects[name].text for name in names)
    return SEPARATOR.join(filter(None, words))


def _aspects(of: Description) -> dict[str, Aspect]:
    """By name, in the order in which they are told."""
    return {
        "photo": _photo(of),
        "model": Aspect(of.model, of.model_title),
        "input": _input(of),
        "method": Aspect(of.method.name, of.method.title),
        **{f"setting {name}": _setting(of, name) for name in SETTINGS},
        "class": _class(of),
        "layer": Aspect(NO_MATTER if of.layer is None else (of.first, of.layer), layers(of)),
        "head": _head(of),
        "query": _query(of),
        "ablation": Aspect(
            of.ablation, ablation_words(of.ablation) or "whole model", usual=not of.ablation
        ),
        "outliers": _outliers(of),
    }


def _photo(of: Description) -> Aspect:
    if of.photo is None:
        return Aspect(None, "no photo")
    frame = f", frame {of.photo.frame + 1}" if of.photo.frame else ""
    return Aspect(
        (of.photo.path, of.photo.frame), shown_text(Path(of.photo.path).name, MOST_OF_NAME) + frame
    )


def _input(of: Description) -> Aspect:
    finer = f", {of.input.fineness}× finer" if of.input.fineness > 1 else ""
    if of.input.mode == "as trained":
        return Aspect(of.input.mode, "input as trained", usual=True)
    return Aspect(of.input, of.input.mode + finer)


def _setting(of: Description, name: str) -> Aspect:
    found = [p for p in of.method.parameters if p.name == name]
    if not found:
        return Aspect(None, "", usual=True)
    default, title = found[0].default, found[0].title.lower()
    value = dict(of.given).get(name, default)
    if isinstance(value, bool):
        text = title if value else f"no {title}"
    else:
        text = f"{title} {value:g}" if isinstance(value, float) else f"{title} {value}"
    return Aspect(value, text, usual=value == default)


def _class(of: Description) -> Aspect:
    """The class asked about, where the method asks about one."""
    if not of.method.class_specific:
        return Aspect(NO_MATTER, "")
    name = "most probable class" if of.target is None else of.target_name
    against = f", not {of.contrast_name}" if of.contrast_name else ""
    key = None if of.target is None else of.target_name
    return Aspect((key, of.contrast_name) if against else key, name + against)


def _head(of: Description) -> Aspect:
    if of.method.heads == "none":
        return Aspect(NO_MATTER, "")
    words = heads_name(of.head, of.heads)
    if isinstance(of.head, int):
        return Aspect(of.head, words)
    if of.heads == 1:
        return Aspect(0, words)
    return Aspect(of.head, words or f"{of.head} of heads", short=of.head)


def _outliers(of: Description) -> Aspect:
    choice = "show" if of.outliers is None else of.outliers.choice
    words = {"exclude": "without outlier patches", "highlight": "outlier patches framed"}
    return Aspect(choice, words.get(choice, "all patches"), usual=choice == "show")


def _query(of: Description) -> Aspect:
    if not of.method.about_token:
        return Aspect(NO_MATTER, "")
    photo = of.query_photo or (of.photo if of.method.refers == "photo" else None)
    key = (of.direction, of.query_place, photo)
    # Beside maps of other photos it has to be said of this one's, too, on which of them it lies.
    return Aspect(key, f"{of.direction} {query_words(replace(of, query_photo=photo))}")
