"""Session files: every choice as JSON, with a version."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

from vitviz.errors import SessionError, VitvizError
from vitviz.figures import spec as figure_spec
from vitviz.figures.spec import FigureSpec
from vitviz.imaging.preprocess import InputChoice, InputMode
from vitviz.maps.heat_map import Fusion, Head
from vitviz.maps.scaling import Scaling
from vitviz.maps.style import ColourMap, Style
from vitviz.methods import METHODS
from vitviz.methods.base import Direction
from vitviz.session.state import (
    MOST_PANES,
    Arrangement,
    Compare,
    Pane,
    PhotoRef,
    Query,
    Session,
    Tab,
    View,
)
from vitviz.session.strict import check_parameters
from vitviz.writing import write_whole

VERSION = 2
"""1 had one pane, no figure and no class. It is still read."""

SUFFIX = ".vitviz"
MAX_BYTES = 4 << 20
"""A session holds choices; a file larger than this is not one."""

MOST_CLASSES = 1 << 24

CHOOSE = "Choose a file that vitviz saved."


def to_json(session: Session) -> str:
    """The session as text; ``from_json`` gives an equal one back."""
    return json.dumps({"vitviz": VERSION, **asdict(session)}, indent=1) + "\n"


def from_json(text: str) -> Session:
    """The session that ``to_json`` wrote.

    Raises:
        SessionError: It is not a session, or one of a later version, or holds nonsense.
    """
    try:
        data = json.loads(text)
        version = _integer(data["vitviz"], 1, 1 << 30, "version")
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise SessionError("This is not a vitviz session.", CHOOSE) from error
    if version > VERSION:
        raise SessionError(
            f"This session has version {version}; this vitviz reads versions up to {VERSION}.",
            "Open it with a newer vitviz.",
        )
    try:
        return _session(_from_first(data) if version == 1 else data)
    except (ValueError, TypeError, KeyError, VitvizError) as error:
        raise SessionError(
            f"This session is damaged ({_why(error)}).", "Choose another, or start a new one."
        ) from error


def save(session: Session, path: Path) -> None:
    """Writes the session; a failure leaves the file that was there.

    Raises:
        VitvizError: It cannot be written.
    """
    write_whole(path, to_json(session).encode())


def read(path: Path) -> Session:
    """The session in a file.

    Raises:
        SessionError: It cannot be read, or is no session.
    """
    try:
        # Checked first, because reading from a pipe would wait for ever.
        if path.exists() and not path.is_file():
            raise SessionError(f"{path.name} is not a file.", CHOOSE)
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise SessionError(
            f"{path.name} cannot be read: {getattr(error, 'strerror', None) or error}.",
            "Check that the file is there and that you may read it.",
        ) from error
    if len(content) > MAX_BYTES:
        raise SessionError(f"{path.name} is too large to be a session.", CHOOSE)
    try:
        return from_json(content.decode())
    except UnicodeDecodeError as error:
        raise SessionError(f"{path.name} is not a vitviz session.", CHOOSE) from error


def _why(error: Exception) -> str:
    words = error.message if isinstance(error, VitvizError) else str(error)
    return f"{words} is missing" if isinstance(error, KeyError) else words[:200]


def _one_of(value: object, allowed: tuple[Any, ...], what: str) -> Any:
    if value not in allowed:
        raise ValueError(f"{what} {value!r}")
    return value


def _number(value: object, low: float, high: float, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"{what} {value!r}")
    return value


def _integer(value: object, low: int, high: int, what: str) -> int:
    if not isinstance(value, int):
        raise ValueError(f"{what} {value!r}")
    return int(_number(value, low, high, what))


def _text(value: object, what: str) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(f"{what} {value!r}")
    return value


def _list(value: object, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{what} {value!r}")
    return value


def _yes_or_no(value: object, what: str) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{what} {value!r}")
    return value


def _from_first(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """A session of version 1 as one of version 2."""
    new = json.loads(to_json(Session()))
    return {
        **data,
        "view": {**data["view"], "target": None},
        "style": {**data["style"], "scaling": "linear"},
        "compare": new["compare"],
        "figure": new["figure"],
    }


def _session(data: Mapping[str, Any]) -> Session:
    photos = tuple(_photo(ref) for ref in _list(data["photos"], "photos"))
    red, green, blue = (_integer(c, 0, 255, "colour") for c in data["background"])
    return Session(
        photos=photos,
        selected=_integer(data["selected"], 0, max(len(photos) - 1, 0), "selected photo"),
        model=_text(data["model"], "model"),
        input=_input(data["input"]),
        view=_view(data["view"]),
        style=_style(data["style"]),
        tab=_one_of(data["tab"], get_args(Tab), "tab"),
        background=(red, green, blue),
        compare=_compare(data["compare"], photos),
        figure=_figure(data["figure"]),
    )


def _compare(data: Mapping[str, Any], photos: tuple[PhotoRef, ...]) -> Compare:
    others = _list(data["others"], "panes")
    if len(others) >= MOST_PANES:
        raise ValueError(f"{len(others) + 1} panes")
    first, second = (_integer(index, 0, MOST_PANES - 1, "pair") for index in data["pair"])
    return Compare(
        others=tuple(_pane(pane, photos) for pane in others),
        focus=_integer(data["focus"], 0, len(others), "current pane"),
        linked=_yes_or_no(data["linked"], "linked"),
        shared=_yes_or_no(data["shared"], "shared"),
        arrangement=_one_of(data["arrangement"], get_args(Arrangement), "arrangement"),
        pair=(first, second),
    )


def _pane(data: Mapping[str, Any], photos: tuple[PhotoRef, ...]) -> Pane:
    photo = None if data["photo"] is None else _photo(data["photo"])
    if photo not in (photos or (None,)):
        raise ValueError("a pane's photo is not one of the open ones")
    model = _text(data["model"], "model")
    return Pane(photo, model, _input(data["input"]), _view(data["view"]))


def _input(data: Mapping[str, Any]) -> InputChoice:
    return InputChoice(
        _one_of(data["mode"], get_args(InputMode), "input"),
        _integer(data["fineness"], 1, 4, "fineness"),
    )


def _photo(ref: Mapping[str, Any]) -> PhotoRef:
    return PhotoRef(
        _text(ref["path"], "path"),
        _integer(ref["frame"], 0, 1 << 30, "frame"),
        _yes_or_no(ref["allow_large"], "allow_large"),
    )


def _view(data: Mapping[str, Any]) -> View:
    method = _one_of(data["method"], tuple(METHODS), "method")
    params = {_text(name, "parameter"): value for name, value in _list(data["params"], "params")}
    check_parameters(METHODS[method], params)
    target = data["target"]
    return View(
        method=method,
        params=tuple(sorted(params.items())),
        layer=_integer(data["layer"], -1000, 1000, "layer"),
        head=_head(data["head"]),
        query=_query(data["query"]),
        direction=_one_of(data["direction"], get_args(Direction), "direction"),
        target=None if target is None else _integer(target, 0, MOST_CLASSES, "class"),
    )  # fmt: skip


def _head(value: object) -> Head:
    if isinstance(value, str):
        fusion: Fusion = _one_of(value, get_args(Fusion), "head")
        return fusion
    return _integer(value, 0, 1000, "head")


def _query(value: Any) -> Query:
    if isinstance(value, str):
        if not re.fullmatch("cls|dist|reg[1-9][0-9]*", value):
            raise ValueError(f"query {value!r}")
        return value
    x, y = value
    return _number(x, -1e7, 1e7, "query"), _number(y, -1e7, 1e7, "query")


def _style(data: Mapping[str, Any]) -> Style:
    value_range = data["range"]
    if isinstance(value_range, str):
        _one_of(value_range, ("each", "zero", "shared"), "range")
    else:
        low, high = value_range
        value_range = (_number(low, -1e9, 1e9, "range"), _number(high, -1e9, 1e9, "range"))
    return Style(
        colour_map=_one_of(data["colour_map"], get_args(ColourMap), "colour map"),
        opacity=_number(data["opacity"], 0, 1, "opacity"),
        fade=_yes_or_no(data["fade"], "fade"),
        range=value_range,
        smooth=_yes_or_no(data["smooth"], "smooth"),
        grid=_yes_or_no(data["grid"], "grid"),
        scaling=_one_of(data["scaling"], get_args(Scaling), "scaling"),
    )


def _figure(data: Mapping[str, Any]) -> FigureSpec:
    choices: dict[str, Any] = {
        name: _one_of(data[name], get_args(getattr(figure_spec, kind)), name)
        for name, kind in (
            ("content", "Content"), ("ground", "Ground"), ("sharing", "Sharing"),
            ("across", "Across"), ("draws", "Drawn"), ("cells", "Cells"),
        )
    }  # fmt: skip
    marks: dict[str, Any] = {
        name: _yes_or_no(data[name], name)
        for name in ("letters", "headings", "caption", "colour_bar", "grid")
    }
    width = _number(
        data["width_mm"], figure_spec.LEAST_WIDTH_MM, figure_spec.MOST_WIDTH_MM, "width"
    )
    return FigureSpec(
        **choices,
        **marks,
        width_mm=width,
        height_mm=_number(data["height_mm"], 0, figure_spec.MOST_WIDTH_MM, "height"),
        dpi=_integer(data["dpi"], figure_spec.LEAST_DPI, figure_spec.MOST_DPI, "dpi"),
        text_pt=_number(
            data["text_pt"], figure_spec.LEAST_TEXT_PT, figure_spec.MOST_TEXT_PT, "text size"
        ),
        font=_text(data["font"], "font"),
        title=_text(data["title"], "title"),
        layers=tuple(_integer(n, -1000, 1000, "layer") for n in _list(data["layers"], "layers")),
        heads=tuple(_head(head) for head in _list(data["heads"], "heads")),
        columns=_integer(data["columns"], 0, 1000, "columns"),
    )
