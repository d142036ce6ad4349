"""Session files: every choice as JSON, with a version."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

from vitviz.errors import SessionError, VitvizError
from vitviz.maps.style import ColourMap
from vitviz.paths import is_something_else
from vitviz.reading import parse, typed, wrong
from vitviz.session.finding import FileFacts
from vitviz.session.state import Session, View
from vitviz.session.strict import check_parameters, method_called
from vitviz.writing import write_whole

VERSION = 11
"""1 had one pane, no figure and no class; up to 2 a query was a token or one point; up to 3 there
was no mask; up to 4 nothing was taken from networks, and no class was set against another; up to 5
no patches were outlined, and outliers were like all others; up to 6 no map referred to other
photos; up to 7 there were no test-time registers; up to 8 nothing was known of the
files; up to 9 there were no charts; up to 10 figures said what they say by themselves. They are
still read."""

QUERIES = "auto|patches|cls|dist|reg[1-9][0-9]*"

SUFFIX = ".vitviz"
MAX_BYTES = 32 << 20
"""A session holds choices, and names of photos: a hundred thousand have room."""

CHOOSE = "Choose a file that vitviz saved."


@dataclass(frozen=True)
class SavedSession:
    """What a session file holds.

    Args:
        session: Every choice.
        files: What was known of the photos and models when it was saved, by their names, so that
            they are found again where they are moved.
    """

    session: Session
    files: dict[str, FileFacts] = field(default_factory=dict)


@dataclass(frozen=True)
class _Files:
    files: dict[str, FileFacts]


def to_json(session: Session, files: Mapping[str, FileFacts] | None = None) -> str:
    """The session as text, a line for each value; ``from_json`` gives an equal one back.

    Args:
        session: Every choice.
        files: What is known of its photos and models, by their names.

    Raises:
        SessionError: It has too many photos for ``from_json``.
    """
    choices = asdict(replace(session, photos=()))
    photos = [vars(ref) for ref in session.photos]  # thousands: asdict would copy every field
    known = {name: vars(facts) for name, facts in sorted((files or {}).items())}
    whole = {"vitviz": VERSION, **choices, "photos": photos, **({"files": known} if known else {})}
    # Without indent json writes in C, a fifth of the time: the window closes once this is done.
    text = json.dumps(whole, separators=(",\n", ": "))
    if len(text) >= MAX_BYTES:  # all of it ASCII
        raise SessionError(
            f"{len(photos):,} photos are more than a session can hold.", "Close some of them."
        )
    return text + "\n"


def from_json(text: str) -> Session:
    """The session that ``to_json`` wrote; raises as ``saved_in``."""
    return saved_in(text).session


def saved_in(text: str) -> SavedSession:
    """All that ``to_json`` wrote.

    Raises:
        SessionError: It is not a session, or one of a later version, or holds nonsense.
    """
    try:
        data = parse(text, MAX_BYTES)
        version = data.pop("vitviz", None) if isinstance(data, dict) else None
        if type(version) is not int or version < 1:
            raise ValueError("it has no version")
    except ValueError as error:
        raise SessionError(f"This is not a vitviz session ({error}).", CHOOSE) from error
    if version > VERSION:
        raise SessionError(
            f"This session has version {version}; this vitviz reads versions up to {VERSION}.",
            "Open it with a newer vitviz.",
        )
    try:
        files = typed(_Files, {"files": data.pop("files", {})}).files
        return SavedSession(checked(typed(Session, _in_this_version(data, version))), files)
    except (ValueError, VitvizError) as error:
        why = error.message.removesuffix(".") if isinstance(error, VitvizError) else str(error)
        raise SessionError(
            f"This session is damaged ({why[:200]}).", "Choose another, or start a new one."
        ) from error


def save(session: Session, path: Path, files: Mapping[str, FileFacts] | None = None) -> None:
    """Writes the session; a failure or a power cut leaves the file that was there.

    Args:
        session: Every choice.
        path: Of the file.
        files: What is known of its photos and models, by their names.

    Raises:
        VitvizError: It cannot be written, or has too many photos.
    """
    write_whole(path, to_json(session, files).encode(), durable=True)


def read(path: Path) -> Session:
    """The session in a file; raises as ``read_saved``."""
    return read_saved(path).session


def read_saved(path: Path) -> SavedSession:
    """All that a session file holds.

    Raises:
        SessionError: It cannot be read, or is no session.
    """
    try:
        # Checked first, because reading from a pipe would wait for ever.
        if is_something_else(path):
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
        return saved_in(content.decode())
    except UnicodeDecodeError as error:
        raise SessionError(f"{path.name} is not a vitviz session.", CHOOSE) from error


def _in_this_version(data: Mapping[str, Any], version: int) -> Mapping[str, Any]:
    """A session of an earlier version with what that version did not have."""
    new = json.loads(to_json(Session()))
    whole = {"mask": 4, "chart": 10}  # and the version that had it first
    data = {**data, **{name: new[name] for name, since in whole.items() if version < since}}
    if version < 5:
        added_to_views = {name: new["view"][name] for name in ("ablation", "contrast")}
        data = _with_new_fields(data, added_to_views)
    if version < 6:
        data = _with_new_fields(data, {"outliers": new["view"]["outliers"]})
    data = _with_new_parts(data, version, new)
    if version < 7:
        data = _with_new_fields(data, {"reference": new["view"]["reference"]})
    if version < 8:
        data = _with_registers(data, new["view"]["ablation"]["registers"])
    if version > 1:  # what 2 could say, 3 says so too
        return data
    added: dict[str, dict[str, Any]] = {"view": {"target": None}, "style": {"scaling": "linear"}}
    parts = {
        name: {**part, **added[name]} if isinstance(part, dict) and name in added else part
        for name, part in data.items()
    }
    return {**parts, "compare": new["compare"], "figure": new["figure"]}


def _with_new_parts(
    data: Mapping[str, Any], version: int, new: Mapping[str, Any]
) -> Mapping[str, Any]:
    """What style and figure did not have."""
    for since, part, name in ((6, "style", "outlined"), (11, "figure", "words")):
        if version < since and isinstance(data.get(part), dict):
            data = {**data, part: {name: new[part][name], **data[part]}}
    return data


def _with_new_fields(part: Any, new: Mapping[str, Any]) -> Any:
    """A session of an earlier version, or a part of it: each view with what it did not have."""
    if isinstance(part, list):
        return [_with_new_fields(item, new) for item in part]
    if not isinstance(part, Mapping):
        return part
    parts = {name: _with_new_fields(value, new) for name, value in part.items()}
    if isinstance(parts.get("view"), dict):
        parts["view"] = {**new, **parts["view"]}
    return parts


def _with_registers(part: Any, registers: Any) -> Any:
    """A session of an earlier version, or a part of it: each ablation without registers."""
    if isinstance(part, list):
        return [_with_registers(item, registers) for item in part]
    if not isinstance(part, Mapping):
        return part
    parts = {name: _with_registers(value, registers) for name, value in part.items()}
    if isinstance(parts.get("ablation"), dict):
        parts["ablation"] = {"registers": registers, **parts["ablation"]}
    return parts


def checked(session: Session) -> Session:
    """The session, its parameters sorted; refuses what each field alone cannot tell.

    Raises:
        ValueError, VitvizError: Something in it does not go with the rest.
    """
    selected, last = session.selected, max(len(session.photos) - 1, 0)
    if selected > last:
        raise wrong("selected", f"at most {last}, the last of the photos", selected)
    focus, last = session.compare.focus, len(session.compare.others)
    if focus > last:
        raise wrong("compare.focus", f"at most {last}, the last of the panes", focus)
    if session.style.colour_map not in get_args(ColourMap):
        raise wrong("style.colour_map", "one for a single map", session.style.colour_map)
    others = tuple(
        replace(pane, view=_checked_view(pane.view, f"compare.others[{index}].view"))
        for index, pane in enumerate(session.compare.others)
    )
    for index, pane in enumerate(others):
        if pane.photo not in (session.photos or (None,)):
            path = None if pane.photo is None else pane.photo.path
            raise wrong(f"compare.others[{index}].photo", "one of the open photos", path)
    compare = replace(session.compare, others=others)
    return replace(session, view=_checked_view(session.view, "view"), compare=compare)


def _checked_view(view: View, place: str) -> View:
    if isinstance(view.query, str) and not re.fullmatch(QUERIES, view.query):
        raise wrong(
            f"{place}.query", "auto, patches, cls, dist, reg1, reg2, ... or points", view.query
        )
    params = dict(view.params)
    if len(params) < len(view.params):
        raise ValueError(f'"{place}.params" has one name twice')
    check_parameters(method_called(view.method), params)
    return replace(view, params=tuple(sorted(params.items())))
