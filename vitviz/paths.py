"""Questions about files that never raise and never wait, and which names may be asked about.

``Path.is_file`` and its like raise for names that are too long and for folders that may not be
looked into, ``resolve`` for links that go in circles. Names in sessions, in provenance and in lists
of recent files come from anywhere: to each question about them there is an answer here, and what
cannot be looked at is not there.
"""

from __future__ import annotations

import os
import posixpath
import re
from pathlib import Path

Name = str | os.PathLike[str]

UNASKABLE = (OSError, ValueError, RuntimeError)
"""What asking the system can raise: ``ValueError`` for NUL and lone surrogates, ``RuntimeError``
for links in circles."""

DEVICE = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *([.:].*)?", re.IGNORECASE | re.DOTALL
)
"""Names that are devices in every folder of Windows, with any suffix. Source: Microsoft, "Naming
Files, Paths, and Namespaces"."""

ADDRESS = re.compile(r"file:|[a-z][a-z0-9+.-]+:[/\\]{2}", re.IGNORECASE)
"""How an address begins; a drive has one letter."""

DEVICE_FOLDERS = ("/dev", "/proc", "/sys", "/net", "/afs", "/network")
"""What lies in there is made as it is asked for: by drivers, or by asking another computer."""


def is_elsewhere(name: Name) -> bool:
    """Whether a name leads to another computer or to a device, by the name alone.

    Such a name is not looked at unless the user has chosen it: Windows sends who the user is to
    any computer that a path names. The answer is the same on every system, since files travel;
    only a home folder that lies on a server makes what is inside it near.
    """
    text = os.fspath(name)
    plain = text.replace("\\", "/")
    if DEVICE.fullmatch(plain.rstrip("/ ").rpartition("/")[2]):
        return True
    if not _is_far(text):
        return False
    home = os.path.expanduser("~")  # noqa: PTH111 (this one never raises)
    return not (_is_far(home) and _place(text).startswith(_place(home)))


def _place(text: str) -> str:
    """The folders of a name, one spelling for all that are one on some system."""
    return f"{posixpath.normpath(text.replace(chr(92), '/')).casefold()}/"


def _is_far(text: str) -> bool:
    if re.match(r"[/\\]{2}|[/\\]\?\?[/\\]", text) or ADDRESS.match(text):
        return True
    place = _place(text)
    return any(place.startswith(f"{folder}/") for folder in DEVICE_FOLDERS)


def is_file(path: Name) -> bool:
    """Whether there is an ordinary file: no folder, pipe or device."""
    return os.path.isfile(path)  # noqa: PTH113 (this one never raises, and takes a fifth)


def is_folder(path: Name) -> bool:
    """Whether there is a folder."""
    return os.path.isdir(path)  # noqa: PTH112


def is_there(path: Name) -> bool:
    """Whether there is anything."""
    try:
        return Path(path).exists()
    except UNASKABLE:
        return False


def is_something_else(path: Name) -> bool:
    """Whether there is something that is no ordinary file: reading from a pipe may never end."""
    return is_there(path) and not is_file(path)


def is_file_at_hand(name: Name) -> bool:
    """Whether a name from a file is one of an ordinary file; what is elsewhere is not asked."""
    return not is_elsewhere(name) and is_file(name)


def is_inside(name: str) -> bool:
    """Whether a name is relative, on every system, and stays in the folder that it is put to."""
    parts = name.replace("\\", "/").split("/")
    return parts[0] != "" and ".." not in parts and not re.match("[a-zA-Z]:", name)


def absolute(path: Name) -> Path:
    """The path from the root; as it is where the current folder is gone."""
    try:
        return Path(path).absolute()
    except UNASKABLE:
        return Path(path)


def resolved(path: Name) -> Path:
    """The path from the root without links; with them where they cannot be followed."""
    try:
        return Path(path).resolve()
    except UNASKABLE:
        return absolute(path)
