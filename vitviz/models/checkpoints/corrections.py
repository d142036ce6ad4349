"""What the user says of a checkpoint: as words, and remembered for the file by its SHA-256.

The words are the same on the command line (``--set-model heads=12``), in the file that remembers
them, and in the notes of a model's card.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from vitviz.errors import VitvizError
from vitviz.imaging.preprocess import Interpolation, ResizeRule
from vitviz.models.checkpoints.said import NOT_SAID, Outputs, Said
from vitviz.paths import is_file
from vitviz.reading import Within, parse, typed
from vitviz.writing import private_folder, write_whole

FILE = "corrections.json"

MOST_FILES = 2000
"""Checkpoints whose corrections are remembered; the oldest are forgotten."""

MOST_NAMES = 30_000

LONGEST = 16 << 20
"""Characters of the file that remembers them."""

HASHED_AT_ONCE = 1 << 24
"""Bytes; progress is told, and cancelling possible, between two such pieces of a file."""

RULES: dict[str, ResizeRule] = {
    "crop": "shortest edge, then centre crop",
    "squash": "squash",
    "squash-crop": "squash, then centre crop",
    "pad": "longest edge, then pad",
}
"""How photos are made to fit, as ``rule=`` calls it."""

Place = Literal["network", "preprocessing", "said"]


@dataclass(frozen=True)
class Correctable:
    """Something that can be said of a checkpoint.

    Args:
        name: As in ``heads=12``.
        title: For people.
        place: Of what it is a part.
        values: What it must be, in words.
        read: A value of a text; raises ``ValueError``.
        choices: All values, where there are few.
        write: The text of a value.
    """

    name: str
    title: str
    place: Place
    values: str
    read: Callable[[str], Any]
    choices: tuple[str, ...] = ()
    write: Callable[[Any], str] = str


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdecimal() or not least <= int(text[:9]) <= most:
            raise ValueError(text)
        return int(text)

    return read


def _number(least: float, most: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        if not least <= float(text) <= most:  # NaN is not
            raise ValueError(text)
        return float(text)

    return read


def _pair(text: str) -> tuple[int, int]:
    height, _, width = text.lower().replace("×", "x").partition("x")
    read = _whole(1, 1 << 14)
    return read(height.strip()), read(width.strip())


def _three(least: float, most: float) -> Callable[[str], tuple[float, float, float]]:
    def read(text: str) -> tuple[float, float, float]:
        a, b, c = map(_number(least, most), text.split(","))
        return a, b, c

    return read


def _one_of(choices: Iterable[str]) -> Callable[[str], str]:
    allowed = tuple(choices)

    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError(text)
        return text

    return read


def _by(size: Any) -> str:
    return f"{size[0]}x{size[1]}"


def _commas(values: Any) -> str:
    return ",".join(f"{value:g}" for value in values)


def _choice(name: str, title: str, place: Place, choices: Sequence[str]) -> Correctable:
    return Correctable(
        name, title, place, f"one of {', '.join(choices)}", _one_of(choices), tuple(choices)
    )


ACTIVATIONS = ("gelu", "gelu_tanh", "quick_gelu", "silu")
POOLS = ("cls", "mean", "cls+mean", "map")

CORRECTABLE: dict[str, Correctable] = {
    one.name: one
    for one in (
        Correctable("heads", "Attention heads", "network", "a whole number", _whole(1, 1024)),
        Correctable("grid", "Grid of patches", "network", "rows x columns: 6x8", _pair, (), _by),
        _choice("activation", "Activation", "network", ACTIVATIONS),
        _choice("pool", "Class is read from", "network", POOLS),
        Correctable("norm_eps", "Epsilon of norms", "network", "a number: 1e-6",
                    _number(1e-15, 0.1)),
        Correctable("mean", "Mean of colours", "preprocessing", "three numbers from 0 to 1",
                    _three(0, 1), (), _commas),
        Correctable("std", "Standard deviation", "preprocessing", "three numbers from 0.001 to 10",
                    _three(1e-3, 10), (), _commas),
        Correctable("size", "Size of the input", "preprocessing", "height x width: 224x224",
                    _pair, (), _by),
        Correctable("rule", "Resizing", "preprocessing", f"one of {', '.join(RULES)}",
                    lambda text: RULES[_one_of(RULES)(text)], tuple(RULES),
                    lambda rule: next(name for name, one in RULES.items() if one == rule)),
        Correctable("edge", "Resized edge", "preprocessing", "a whole number", _whole(1, 1 << 14)),
        _choice("interpolation", "Interpolation", "preprocessing", get_args(Interpolation)),
        _choice("outputs", "What the outputs are", "said", get_args(Outputs)[1:]),
        Correctable("classes", "Classes of a known set", "said", "imagenet-1k, or own",
                    _one_of(("imagenet-1k", "own")), ("imagenet-1k", "own")),
        Correctable("part", "Network of the file", "said", "a name that the model's notes give",
                    str),
        Correctable("head", "File with the head", "said", "a path", str),
    )
}  # fmt: skip
"""All that can be said, by name; names of classes (``names=FILE``) on top."""

FIELDS = {"size": "input_size"}
"""Words whose field is called otherwise."""


def read_words(words: Iterable[str], names: tuple[str, ...] = ()) -> Said:
    """What ``name=value`` words say.

    Args:
        words: "heads=12", "grid=6x8"; "names=FILE" reads the names of the classes, one a line.
        names: Of the classes, where no word reads them.

    Raises:
        VitvizError: There is no such word, or it cannot have such a value.
    """
    network: dict[str, Any] = {}
    preprocessing: dict[str, Any] = {}
    said = replace(NOT_SAID, kind="user", names=names)
    for word in words:
        name, equals, text = word.partition("=")
        if name == "names" and equals:
            said = replace(said, names=_names(Path(text)))
            continue
        one = CORRECTABLE.get(name)
        if one is None or not equals:
            raise VitvizError(
                f"“{word[:100]}” says nothing of a model.",
                f"What can be said: {', '.join(CORRECTABLE)}, names; as in heads=12.",
            )
        try:
            value = one.read(text.strip())
        except (ValueError, OverflowError) as error:
            raise VitvizError(
                f"“{name}” of a model must be {one.values}, not “{text[:60]}”."
            ) from error
        match one.place:
            case "network":
                network[FIELDS.get(name, name)] = value
            case "preprocessing":
                preprocessing[FIELDS.get(name, name)] = value
            case "said":
                said = replace(said, **{name: value})
    return replace(said, network=network, preprocessing=preprocessing)


def words_of(said: Said) -> tuple[str, ...]:
    """What is said, as ``read_words`` reads it; names of classes are not among them."""
    found = []
    for one in CORRECTABLE.values():
        field = FIELDS.get(one.name, one.name)
        values = {"network": said.network, "preprocessing": said.preprocessing}
        value = values[one.place].get(field) if one.place != "said" else getattr(said, one.name)
        if value not in (None, ""):
            found.append(f"{one.name}={one.write(value)}")
    return tuple(found)


def _names(path: Path) -> tuple[str, ...]:
    """Names of classes, one a line."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            lines = file.read(MOST_NAMES * 100).splitlines()
    except (OSError, ValueError) as error:
        raise VitvizError(f"The names in {path} cannot be read: {error}.") from error
    names = tuple(line.strip()[:500] for line in lines[:MOST_NAMES])
    if not names or any("\0" in name for name in names):
        raise VitvizError(f"{path} holds no names of classes.", "Write one a line.")
    return names


# Remembered


@dataclass(frozen=True)
class _Entry:
    sha256: Annotated[str, Within(64, 64)]
    bytes: Annotated[int, Within(1, 1 << 50)]
    words: Annotated[tuple[Annotated[str, Within(3, 5000)], ...], Within(0, 100)]
    names: Annotated[tuple[Annotated[str, Within(0, 500)], ...], Within(0, MOST_NAMES)]


@dataclass(frozen=True)
class _Store:
    format: Literal[1]
    files: Annotated[tuple[_Entry, ...], Within(0, MOST_FILES)]


def folder() -> Path:
    """Where corrections are remembered: the user's data folder."""
    import platformdirs

    return Path(platformdirs.user_data_dir("vitviz", appauthor=False))


def remembered(files: Sequence[Path], place: Path | None = None) -> Said:
    """What was remembered of a checkpoint; nothing where the memory cannot be read.

    The files are read for their SHA-256 only where something of the same size is remembered.

    Args:
        files: Of the checkpoint.
        place: The folder of the memory; None: the user's.
    """
    entries = _entries(place or folder())
    if not entries:
        return NOT_SAID
    try:
        size = sum(file.stat().st_size for file in files)
        if all(entry.bytes != size for entry in entries):
            return NOT_SAID
        digest = sha256(files)
    except (OSError, ValueError):
        return NOT_SAID
    entry = next((one for one in entries if one.sha256 == digest), None)
    if entry is None:
        return NOT_SAID
    try:
        return read_words(entry.words, entry.names)
    except VitvizError:  # written by a later version
        return NOT_SAID


def remember(digest: str, size: int, said: Said, place: Path | None = None) -> None:
    """Remembers what is said of a checkpoint; nothing said means that it is forgotten.

    Args:
        digest: SHA-256 of its files, as its model's card has it.
        size: Their bytes.
        said: By the user.
        place: The folder of the memory; None: the user's.

    Raises:
        VitvizError: It could not be written.
    """
    place = place or folder()
    entries = [one for one in _entries(place) if one.sha256 != digest]
    words = words_of(said)
    if words or said.names:
        entries.append(_Entry(digest, size, words, said.names))
    value = {
        "format": 1,
        "files": [
            {"sha256": e.sha256, "bytes": e.bytes, "words": e.words, "names": e.names}
            for e in entries[-MOST_FILES:]
        ],
    }
    try:
        private_folder(place)
    except OSError as error:
        raise VitvizError(f"Corrections could not be kept in {place}.", str(error)) from error
    text = json.dumps(value, indent=1, ensure_ascii=False)
    write_whole(place / FILE, text.encode("utf-8", "backslashreplace"), private=True)


def _entries(place: Path) -> tuple[_Entry, ...]:
    path = place / FILE
    if not is_file(path):
        return ()
    try:
        with path.open(encoding="utf-8") as file:
            return typed(_Store, parse(file.read(LONGEST + 1), LONGEST)).files
    except (OSError, ValueError):
        return ()


def sha256(files: Sequence[Path], progress: Callable[[float], None] = lambda _: None) -> str:
    """Of all files, one after another.

    Args:
        files: Of a checkpoint.
        progress: Told the share done; may raise ``Cancelled``.
    """
    digest, done = hashlib.sha256(), 0
    total = max(sum(file.stat().st_size for file in files), 1)
    for path in files:
        with path.open("rb") as file:
            while piece := file.read(HASHED_AT_ONCE):
                digest.update(piece)
                done += len(piece)
                progress(min(done / total, 1.0))
    return digest.hexdigest()
