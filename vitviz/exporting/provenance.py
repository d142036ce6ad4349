"""What made a file, as JSON that is the same each time: the whole way back from a figure.

What is in it and what is not: names of files, never the folders they lie in, unless asked; the
SHA-256 of photos and weights, by which they are found again; no time, no user, no computer's name.
Layers and heads of ``MapFacts`` count from 1, as people read them; those of the session from 0.
"""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from vitviz import __version__
from vitviz.engine.answers import Cell
from vitviz.errors import SessionError, VitvizError
from vitviz.maps.style import Style
from vitviz.methods import METHODS
from vitviz.methods.base import ParameterValue
from vitviz.models.loading import bundled, is_id
from vitviz.reading import parse, typed
from vitviz.session import session_file
from vitviz.session.queries import points_of
from vitviz.session.state import Compare, Pane, PhotoRef, Session, View
from vitviz.wording.caption import caption
from vitviz.wording.description import describe_map
from vitviz.wording.names import query_name

VERSION = 2
"""1 said of no map what its class was set against. It is still read."""

MAX_CHARACTERS = 4 << 20
"""Of a provenance; one map takes about three thousand."""

LIBRARIES = ("torch", "numpy", "pillow")


@dataclass(frozen=True)
class Disclosure:
    """How much is said of where a file comes from; what is in the file itself is always there.

    Args:
        beside: Also as JSON beside the file; None: beside those that have no room for it.
        full_paths: The session's part names photos and checkpoints with their folders.
    """

    beside: bool | None = None
    full_paths: bool = False


@dataclass(frozen=True)
class PhotoFacts:
    """Which photo.

    Args:
        name: Of its file.
        sha256: Of its file's bytes.
        size: Height and width, upright.
        frame: Of an animation, from 0.
        background: RGB behind a transparent one.
    """

    name: str
    sha256: str
    size: tuple[int, int]
    frame: int
    background: tuple[int, int, int]


@dataclass(frozen=True)
class ModelFacts:
    """Which model.

    Args:
        id: Of its card.
        title: For people.
        sha256: Of the weights file.
        bytes: Its size.
        notes: What its reader had to assume.
    """

    id: str
    title: str
    sha256: str
    bytes: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class InputFacts:
    """How the photo became the model's input, and where its patches lie on the photo.

    The whole photo is resized to ``resized_size``; the input is the window of ``input_size`` at
    ``window_origin`` of that. Patch (row, column), both from 0, has these photo pixels: left is
    ``(window_origin[1] + column * patch) * photo_width / resized_size[1]``, and so on.

    Args:
        mode: "as trained" or "whole photo".
        fineness: Times the patches along each side.
        rule: How sizes are made to fit.
        interpolation: Of the resizing.
        mean: Subtracted from red, green, blue (0..1).
        std: What they are divided by.
        resized_size: Height and width.
        window_origin: Top and left.
        input_size: Height and width.
        patch: Side of a patch in input pixels.
        grid: Rows and columns of patches.
        seen: The part of the photo that the model saw: left, top, right, bottom in photo pixels.
    """

    mode: str
    fineness: int
    rule: str
    interpolation: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    resized_size: tuple[int, int]
    window_origin: tuple[int, int]
    input_size: tuple[int, int]
    patch: int
    grid: tuple[int, int]
    seen: tuple[float, float, float, float]


@dataclass(frozen=True)
class MapFacts:
    """One map.

    Args:
        caption: In words.
        photo: Of what.
        model: By whom.
        input: How the photo was given to it.
        method: Name of the method.
        parameters: All of its parameters, defaults too.
        layer: From 1; None where a file holds all of them.
        head: From 1, or a fusion; None where a file holds all of them.
        query: What was asked about: "CLS", "row 3, column 5" (from 1), "the mean over all patches".
        query_point: The point (x, y) in photo pixels that chose it; None where it was named, or by
            several, which the session has.
        direction: Of the query, or to it.
        target: Index of the class asked about; None: of none.
        contrast: Index of the class that it was set against; None: of none.
        unit: Of the values.
        device: Where it was computed.
        precision: Of the computation.
    """

    caption: str
    photo: PhotoFacts
    model: ModelFacts
    input: InputFacts
    method: str
    parameters: dict[str, bool | int | float | str]
    layer: int | None
    head: int | str | None
    query: str
    query_point: tuple[float, float] | None
    direction: str
    target: int | None
    contrast: int | None
    unit: str
    device: str
    precision: str


@dataclass(frozen=True)
class Provenance:
    """What made a file.

    Args:
        kind: What the file is: "map", "figure", "values", "animation", "table".
        program: Version of vitviz.
        libraries: Version of each library that has a say in the numbers, and the system.
        maps: In the order in which the file has them.
        settings: Of the export itself; what its writer says.
        files: SHA-256 of each photo and checkpoint, by the name that the session has for it.
        session: As in a session file, with the photos and panes that are in the file.
    """

    kind: str
    program: str
    libraries: dict[str, str]
    maps: tuple[MapFacts, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    session: dict[str, Any] = field(default_factory=dict)


def provenance_of(
    kind: str,
    session: Session,
    maps: Sequence[tuple[Cell, View]],
    settings: Mapping[str, Any] | None = None,
    *,
    full_paths: bool = False,
) -> Provenance:
    """What makes a file of these maps.

    Args:
        kind: What the file is: "map", "figure", "values", "animation", "table".
        session: The choices that lead to it.
        maps: In the order in which the file has them; the view gives layer and head.
        settings: Of the export itself, JSON: a figure's size, an animation's frame rate.
        full_paths: The session's part names photos and checkpoints with their folders.
    """
    cells = [cell for cell, _ in maps]
    session = _portable(session, cells)
    names = _identity if full_paths else _names(session)
    named = renamed(session, names)
    files = {names(cell.request.photo.path): cell.photo_sha256 for cell in cells}
    files |= {names(cell.request.model): cell.card.sha256 for cell in cells}
    style = None if kind in ("values", "table") else session.style
    return Provenance(
        kind, __version__, libraries(), tuple(facts(cell, view, style) for cell, view in maps),
        dict(settings or {}), files, json.loads(session_file.to_json(named)),
    )  # fmt: skip


def to_json(provenance: Provenance, indent: int | None = None) -> str:
    """The provenance in ASCII, keys sorted: the same text for the same provenance."""
    value = {"vitviz_provenance": VERSION, **asdict(provenance)}
    return json.dumps(value, indent=indent, sort_keys=True, allow_nan=False)


def from_json(text: str) -> Provenance:
    """The provenance that ``to_json`` wrote; its session is not looked into.

    Raises:
        VitvizError: It is none, or one of a later version, or damaged.
    """
    try:
        value = parse(text, MAX_CHARACTERS)
        if not isinstance(value, dict):
            raise ValueError("it is not an object")
        version = value.pop("vitviz_provenance", None)
        if type(version) is int and version > VERSION:
            raise VitvizError(
                f"This provenance has version {version}; this vitviz reads versions up to "
                f"{VERSION}.",
                "Open it with a newer vitviz.",
            )
        if type(version) is not int or version < 1:
            raise ValueError("it has no version")
        return typed(Provenance, _in_this_version(value, version))
    except ValueError as error:
        raise VitvizError(
            f"The provenance in this file is damaged ({str(error)[:200]}).",
            "Another program may have changed it.",
        ) from error


def _in_this_version(value: dict[str, Any], version: int) -> dict[str, Any]:
    """A provenance of an earlier version with what that version did not have."""
    maps = value.get("maps")
    if version == VERSION or not isinstance(maps, list):
        return value
    added = {"contrast": None}
    return {**value, "maps": [{**one, **added} if isinstance(one, dict) else one for one in maps]}


def session_of(provenance: Provenance) -> Session:
    """The choices that lead to the file; photos and checkpoints by name (see ``reopen``).

    Raises:
        SessionError: There are none, or they make no sense to this version.
    """
    if not provenance.session:
        raise SessionError("There is no session in this provenance.", "")
    return session_file.from_json(json.dumps(provenance.session))


def facts(
    cell: Cell, view: View, style: Style | None = None, *, every_map: bool = False
) -> MapFacts:
    """One map, as it is drawn if it is; or with ``every_map`` all layers and heads of the cell."""
    request, card = cell.request, cell.card
    given, prepared = request.input, card.preprocessing
    if every_map:  # files of all layers and heads have all values
        view = replace(view, outliers="show")
    heat_map = cell.heat_map(view)
    geometry = heat_map.geometry
    head = heat_map.head + 1 if isinstance(heat_map.head, int) else heat_map.head
    kept_apart = every_map and cell.explanation.head is None
    points = points_of(request.query)
    return MapFacts(
        caption(describe_map(cell, view, style)),
        PhotoFacts(Path(request.photo.path).name, cell.photo_sha256, geometry.photo_size,
                   request.photo.frame, request.background),
        ModelFacts(card.id, card.title, card.sha256, card.bytes, card.notes),
        InputFacts(given.mode, given.fineness, prepared.rule, prepared.interpolation,
                   prepared.mean, prepared.std, geometry.resized_size, geometry.window_origin,
                   geometry.input_size, geometry.patch, geometry.grid, geometry.seen),
        request.method, _settings(request.method, dict(request.params)),
        None if every_map else heat_map.layer + 1, None if kept_apart else head,
        query_name(cell.query_layout, cell.query_tokens), points[0] if len(points) == 1 else None,
        request.direction,
        cell.explanation.target, cell.explanation.contrast, heat_map.unit, cell.device, "float32",
    )  # fmt: skip


@cache
def _libraries() -> tuple[tuple[str, str], ...]:
    from importlib.metadata import PackageNotFoundError, version

    found = [("Python", platform.python_version())]
    for name in LIBRARIES:
        module = sys.modules.get({"pillow": "PIL"}.get(name, name))
        try:
            found.append((name, str(getattr(module, "__version__", "")) or version(name)))
        except PackageNotFoundError:  # a frozen build may carry no metadata
            found.append((name, "not known"))
    return (*found, ("system", f"{platform.system()} {platform.machine()}"))


def libraries() -> dict[str, str]:
    """Version of each library that has a say in the numbers, and the kind of system."""
    return dict(_libraries())


def _settings(method: str, params: dict[str, ParameterValue]) -> dict[str, ParameterValue]:
    return dict(sorted(METHODS[method].settings(params).items()))


def _portable(session: Session, cells: Sequence[Cell]) -> Session:
    """The session with those photos and panes only that the cells are of."""
    used = {cell.request.photo for cell in cells}
    photos = tuple(ref for ref in session.photos if ref in used)
    kept = [pane for pane in session.panes if pane.photo in used or pane == session.pane]
    focus = kept.index(session.pane)
    compare = replace(session.compare, others=tuple(kept[:focus] + kept[focus + 1 :]), focus=focus)
    if len(kept) < len(session.panes):
        compare = replace(compare, pair=Compare().pair)
    selected = photos.index(session.photo) if session.photo in photos else 0
    return replace(session, photos=photos, selected=selected, compare=compare)


def _identity(path: str) -> str:
    return path


def _names(session: Session) -> Callable[[str], str]:
    """Gives each path its name; those of the same name in different folders are numbered."""
    panes = session.panes
    paths = [ref.path for ref in session.photos]
    paths += [pane.photo.path for pane in panes if pane.photo] + [pane.model for pane in panes]
    paths += [ref.path for pane in panes for ref in pane.view.reference]
    ids, names = {card.id for card in bundled()}, dict[str, str]()
    for path in dict.fromkeys(paths):
        name = path if path in ids else Path(path).name
        number = sum(Path(known).name == name for known in names.values())
        names[path] = f"{number + 1}/{name}" if number else name
    return lambda path: names.get(path, Path(path).name)


def renamed(session: Session, name: Callable[[str], str]) -> Session:
    """The session with other names for its photos and models."""

    def ref(photo: PhotoRef) -> PhotoRef:
        new = name(photo.path)
        return photo if new == photo.path else replace(photo, path=new)

    def pane(one: Pane) -> Pane:
        return replace(one, photo=ref(one.photo) if one.photo else None, model=name(one.model),
                       view=view(one.view))  # fmt: skip

    def view(one: View) -> View:
        return replace(one, reference=tuple(ref(photo) for photo in one.reference))

    others = tuple(pane(one) for one in session.compare.others)
    return replace(
        session, photos=tuple(ref(photo) for photo in session.photos),
        model=name(session.model), view=view(session.view),
        compare=replace(session.compare, others=others),
    )  # fmt: skip


def with_bundled(session: Session) -> tuple[Session, list[str]]:
    """The session with the bundled model in the place of those that came with other versions.

    Returns:
        The session, and the ids that this version does not have.
    """
    ids = {card.id for card in bundled()}
    named = {pane.model for pane in session.panes}
    retired = sorted(name for name in named if name and is_id(name) and name not in ids)
    if retired:
        session = renamed(session, lambda name: bundled()[0].id if name in retired else name)
    return session, retired
