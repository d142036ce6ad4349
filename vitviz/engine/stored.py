"""Answers kept on disk, so that what was on screen last is there again before torch is loaded.

An answer is found by all it depends on: the photo's and the weights' SHA-256, the files beside the
weights, what the user says of them, every choice, and the version of the program. It is a file of a
few dozen kilobytes: the maps and probabilities as safetensors, the rest as JSON beside them, read
by its types. What can be made anew without torch (what the model was given, where its patches lie)
is not in it. Whoever shows such an answer says so, and puts the live one in its place.
"""

from __future__ import annotations

import hashlib
import json
import logging
import platform
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np

from vitviz import __version__
from vitviz.bundled import resource
from vitviz.engine.answers import Cell, Origin
from vitviz.engine.photos import stamp
from vitviz.engine.requests import ExplainRequest
from vitviz.errors import VitvizError
from vitviz.imaging.geometry import Geometry
from vitviz.imaging.photo import Photo
from vitviz.imaging.preprocess import displayed_input, fit, model_input
from vitviz.maps.heat_map import Completeness, Explanation, Head, LayerMaps, Quantity, Span
from vitviz.models.card import LARGEST_CARD, ModelCard, from_json, to_json
from vitviz.models.checkpoints.corrections import remembered, sha256, words_of
from vitviz.models.checkpoints.places import Place
from vitviz.models.checkpoints.said import Assumption
from vitviz.models.loading import place_of
from vitviz.models.outline import Outline
from vitviz.models.tokens import TokenLayout
from vitviz.reading import Within, parse, typed
from vitviz.session.queries import query_tokens
from vitviz.writing import private_folder, write_whole

log = logging.getLogger(__name__)

SUFFIX = ".safetensors"

MOST_ANSWERS = 32
"""In the user's folder; the ones not used for longest go first."""

LARGEST = 4 << 20
"""Bytes of one; larger answers are not kept."""

Text = Annotated[str, Within(0, 1000)]


@dataclass(frozen=True)
class _Record:
    """What an answer has beside its arrays; see ``Cell``, ``Explanation`` and ``ModelCard``."""

    kind: Literal["vitviz answer 1"]
    card: Annotated[str, Within(0, LARGEST_CARD)]
    assumed: tuple[tuple[Text, Text], ...]
    parts: tuple[Text, ...]
    corrected: tuple[Text, ...]
    device: Text
    forward_s: float
    method_s: float
    quantity: Quantity
    span: Span
    head: Head | None
    target: int | None
    contrast: int | None
    completeness: dict[Annotated[str, Within(1, 4)], Completeness]


class StoredAnswers:
    """The answers in a folder of the user's, and those that come with the program.

    Args:
        folder: Of the user; made when something is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, request: ExplainRequest, photo: Photo) -> Cell | None:
        """The answer to a request, if it was given before; a file that is not one is deleted.

        Args:
            request: What is asked.
            photo: Of the request.
        """
        try:
            place = place_of(request.model)
            digest = sha256(place.files)
            here = self._folder / (_name(request, photo, place, digest, _machine()) + SUFFIX)
            if found := _read(here, request, photo, "last time"):
                with suppress(OSError):
                    here.touch()
                return found
            there = _name(request, photo, place, digest, "") + SUFFIX
            return _read(resource("answers") / there, request, photo, "program")
        except (OSError, ValueError, VitvizError):
            return None

    def keep(self, cell: Cell, photo: Photo) -> None:
        """Keeps an answer, where it can be told from what is kept of it.

        Args:
            cell: The answer.
            photo: That it is of.

        Raises:
            OSError: It cannot be written.
        """
        data = encoded(cell, photo)
        if data is None:
            return
        private_folder(self._folder)
        place, digest = place_of(cell.request.model), cell.card.sha256
        name = _name(cell.request, photo, place, digest, _machine())
        write_whole(self._folder / (name + SUFFIX), data)
        self._make_room()

    def forget(self, cell: Cell, photo: Photo) -> None:
        """Deletes an answer that turned out to be another than the live one."""
        place, digest = place_of(cell.request.model), cell.card.sha256
        name = _name(cell.request, photo, place, digest, _machine())
        (self._folder / (name + SUFFIX)).unlink(missing_ok=True)

    def _make_room(self) -> None:
        files = sorted(self._folder.glob(f"*{SUFFIX}"), key=lambda path: path.stat().st_mtime)
        for path in files[:-MOST_ANSWERS]:
            path.unlink(missing_ok=True)


def bundled_name(request: ExplainRequest, photo: Photo) -> str:
    """What the file of an answer that comes with the program is called."""
    place = place_of(request.model)
    return _name(request, photo, place, sha256(place.files), "") + SUFFIX


def _machine() -> str:
    return f"{platform.system()} {platform.machine()}"


def _name(request: ExplainRequest, photo: Photo, place: Place, digest: str, machine: str) -> str:
    """Of all that the answer depends on, however the files are called.

    Args:
        request: What is asked.
        photo: Of it.
        place: Of the weights.
        digest: Their SHA-256.
        machine: That the answer is from; "": any.
    """
    corrections = remembered(place.files)
    bundled = place.files[0].is_relative_to(resource())
    beside = [] if bundled else [stamp(str(path)) for path in _beside(place)]
    parts = (
        __version__, machine, photo.sha256, digest, beside, words_of(corrections),
        corrections.names, request.photo.frame, _choices(request),
    )  # fmt: skip
    return hashlib.sha256(repr(parts).encode("utf-8", "backslashreplace")).hexdigest()


def _choices(request: ExplainRequest) -> list[tuple[str, object]]:
    """All that was chosen, whatever can be chosen later; where files lie and what runs is not."""
    elsewhere = ("photo", "model", "device")
    return [
        (field.name, value)
        for field in fields(request)
        if field.name not in elsewhere and (value := getattr(request, field.name)) != field.default
    ]


def _beside(place: Place) -> list[Path]:
    """The files that say more of the weights."""
    return [*place.beside.values(), *(path.with_suffix(".json") for path in place.files[:1])]


# To a file and back


def encoded(cell: Cell, photo: Photo) -> bytes | None:
    """The file of an answer; None where not all of it can be read from there again, or where it
    depends on other photos, too.
    """
    from safetensors.numpy import save

    if (
        cell.request.ablation
        or cell.request.reference
        or any(
            (maps.tokens, maps.geometry) not in _layouts(cell.outline, cell.geometry, layer)
            for layer, maps in cell.explanation.by_layer.items()
        )
    ):
        return None
    explanation, card = cell.explanation, cell.card
    record = _Record(
        "vitviz answer 1", to_json(card), card.assumed, card.parts, card.corrected, cell.device,
        cell.forward_s, cell.method_s, explanation.quantity, explanation.span, explanation.head,
        explanation.target, explanation.contrast,
        {str(layer): found for layer, found in explanation.completeness.items()},
    )  # fmt: skip
    data: bytes = save(_arrays(cell), {"record": json.dumps(asdict(record))})
    again = decoded(data, cell.request, photo)
    return data if len(data) <= LARGEST and again is not None and is_same(cell, again) else None


def _arrays(cell: Cell) -> dict[str, np.ndarray]:
    explanation = cell.explanation
    found = {f"maps {layer}": maps.values for layer, maps in explanation.by_layer.items()}
    found |= {f"outliers {layer}": patches for layer, patches in explanation.outliers.items()}
    heads = {"probabilities": cell.probabilities, "readouts": cell.readouts}
    found |= {name: values for name, values in heads.items() if values is not None}
    return {name: np.ascontiguousarray(values) for name, values in found.items()}


def _read(path: Path, request: ExplainRequest, photo: Photo, origin: Origin) -> Cell | None:
    if not path.is_file() or path.stat().st_size > LARGEST:
        return None
    found = decoded(path.read_bytes(), request, photo)
    if found is None:
        log.warning("%s is no answer any more", path)
        with suppress(OSError):
            path.unlink()
    return None if found is None else replace(found, recalled=origin)


def decoded(data: bytes, request: ExplainRequest, photo: Photo) -> Cell | None:
    """The answer of a file; None where it is none to this request.

    Args:
        data: From anywhere.
        request: What is asked.
        photo: Of the request.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        (length,) = np.frombuffer(data[:8], "<u8")
        header = parse(data[8 : 8 + int(length)].decode("utf-8"), LARGEST)
        record = typed(_Record, parse(header["__metadata__"]["record"], LARGEST))
        arrays = {name: _frozen(values) for name, values in load(data).items()}
        assumed = tuple(Assumption(*words) for words in record.assumed)
        card = replace(from_json(record.card), assumed=assumed, parts=record.parts,
                       corrected=record.corrected)  # fmt: skip
        return _cell(record, card, arrays, request, photo)
    except (SafetensorError, VitvizError, ValueError, KeyError, IndexError, TypeError) as error:
        log.warning("a stored answer cannot be read: %s", error)
        return None


def _cell(
    record: _Record,
    card: ModelCard,
    arrays: Mapping[str, np.ndarray],
    request: ExplainRequest,
    photo: Photo,
) -> Cell:
    geometry = fit(photo.size, card.preprocessing, request.input)
    outline = card.outline_at(geometry.input_size)
    first = outline.geometry(0, geometry)
    explanation = Explanation(
        _maps(arrays, outline, first), record.head, record.quantity, record.span, record.target,
        record.contrast, {int(layer): found for layer, found in record.completeness.items()},
        {int(name[9:]): found for name, found in arrays.items() if name.startswith("outliers ")},
    )  # fmt: skip
    image = model_input(photo, geometry, card.preprocessing)
    probabilities, readouts = arrays.get("probabilities"), arrays.get("readouts")
    for shares in (probabilities, readouts):
        if shares is not None and shares.shape[-1] != outline.classes:
            raise ValueError(f"{shares.shape[-1]} probabilities of {outline.classes} classes")
    return Cell(
        request, photo.sha256, card, first, query_tokens(request.query, outline, first),
        explanation, probabilities, displayed_input(image, card.preprocessing), record.device,
        record.forward_s, record.method_s, readouts,
    )  # fmt: skip


def _maps(
    arrays: Mapping[str, np.ndarray], outline: Outline, geometry: Geometry
) -> dict[int, LayerMaps]:
    found = {}
    for layer in sorted(int(name[5:]) for name in arrays if name.startswith("maps ")):
        values = arrays[f"maps {layer}"]
        fitting = [
            place for place in _layouts(outline, geometry, layer)
            if values.ndim == 2 and values.shape[1] == place[0].tokens
        ]  # fmt: skip
        if not fitting or not np.isfinite(values).all():
            raise ValueError(f"maps of {values.shape} in layer {layer}")
        found[layer] = LayerMaps(values, *fitting[0])
    if not found:
        raise ValueError("no maps")
    return found


def _layouts(
    outline: Outline, geometry: Geometry, layer: int
) -> tuple[tuple[TokenLayout, Geometry], ...]:
    """Where the patches of a layer's map may lie: on its own grid, or on the first layer's."""
    return tuple(
        (outline.tokens(at), outline.geometry(at, geometry)) for at in dict.fromkeys((layer, 0))
    )


def _frozen(values: np.ndarray) -> np.ndarray:
    values.flags.writeable = False
    return values


def is_same(one: Cell, other: Cell, tolerance: float = 0.0) -> bool:
    """Whether two answers show the same.

    Args:
        one: An answer.
        other: Another one.
        tolerance: How far numbers may lie apart, as a share of the largest of its array.
    """
    first, second = _arrays(one), _arrays(other)
    return (
        _plain(one) == _plain(other)
        and first.keys() == second.keys()
        and np.array_equal(one.input_pixels, other.input_pixels)
        and all(_is_near(first[name], second[name], tolerance) for name in first)
    )


MADE_AGAIN = frozenset({
    "request", "explanation", "probabilities", "readouts", "input_pixels", "device", "forward_s",
    "method_s", "recalled", "treated", "by_layer", "outliers",
})  # fmt: skip
"""Fields of an answer that are arrays, or need not be alike for it to show the same."""


def _plain(cell: Cell) -> list[object]:
    """All else that an answer has, what will be added to it included."""
    card = cell.card
    return [
        *(getattr(part, field.name) for part in (cell, cell.explanation) for field in fields(part)
          if field.name not in MADE_AGAIN),
        (card.assumed, card.parts, card.corrected),
        [(layer, maps.tokens, maps.geometry) for layer, maps in cell.explanation.by_layer.items()],
    ]  # fmt: skip


def _is_near(one: np.ndarray, other: np.ndarray, tolerance: float) -> bool:
    if one.shape != other.shape:
        return False
    if one.dtype == bool or not tolerance:
        return np.array_equal(one, other)
    return bool(np.abs(one - other).max() <= tolerance * np.abs(one).max())
