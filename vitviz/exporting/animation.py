"""A map moving through layers or heads, frame by frame, with one range of colours for all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from vitviz.engine.answers import Cell
from vitviz.engine.requests import ExplainRequest
from vitviz.errors import VitvizError
from vitviz.exporting.film import Film, encode
from vitviz.exporting.formats import check_suffix
from vitviz.exporting.lettering import missing_in
from vitviz.exporting.map_files import CHANGED, check_target
from vitviz.exporting.plate import Plate, Words
from vitviz.exporting.provenance import Disclosure, provenance_of, to_json
from vitviz.exporting.stamp import write_with_provenance
from vitviz.imaging.photo import Photo
from vitviz.maps.bar import bar_of
from vitviz.maps.overlay import drawn
from vitviz.maps.ranges import Look, look, style_for
from vitviz.maps.style import Style
from vitviz.methods import METHODS
from vitviz.progress import Progress, Stage, silent
from vitviz.session.state import Session, View
from vitviz.shapes import UInt8
from vitviz.wording.caption import caption
from vitviz.wording.description import describe_map
from vitviz.wording.names import capitalised, head_name, layer_name, layers_name

Along = Literal["layers", "heads", "depth"]

MOST_PIXELS = 1920
"""Width of the photo in a film, at most."""


@dataclass(frozen=True)
class Animation:
    """What is to be shown.

    Args:
        along: Layer by layer; head by head; or, for methods that follow attention through the
            layers, their depth: the first layer stays, the last one moves up.
        width: Of the photo in it, in pixels, at most ``MOST_PIXELS``; a smaller photo stays as it
            is.
        words: Each frame says what it is.
        bar: Each frame has the colour bar.
        film: How fast, and how often.
    """

    along: Along = "layers"
    width: int = 720
    words: bool = True
    bar: bool = True
    film: Film = field(default_factory=Film)


def alongs(method: str) -> tuple[Along, ...]:
    """Along what the maps of a method can move."""
    chosen = METHODS[method]
    has_start = any(parameter.first_layer for parameter in chosen.parameters)
    deep: Along = "depth" if has_start else "layers"
    return (deep, "heads") if chosen.has_heads else (deep,)


def write_animation(
    path: Path,
    photo: Photo,
    cell: Cell,
    session: Session,
    animation: Animation,
    answer: Callable[[ExplainRequest, Progress], Cell],
    progress: Progress = silent,
    disclosure: Disclosure | None = None,
) -> str:
    """Writes a film of maps; the suffix says of which kind.

    Args:
        path: Of the new file: ``.gif``, ``.apng`` or ``.png`` (the same), ``.mp4``.
        photo: The one that the cell is about.
        cell: The answer to what the session asks.
        session: The choices: the view gives what does not move.
        animation: What moves.
        answer: Gives the cells of other heads, for methods that fuse heads first.
        progress: Called before each frame.
        disclosure: What is said of where it comes from.

    Returns:
        The letters in it that no installed font has, which are boxes; "" for none.

    Raises:
        VitvizError: There can be no such film, or it cannot be written. What was there stays.
        Cancelled: ``progress`` said so; nothing is left.
    """
    check(path, photo, cell, animation)
    shown = shots(cell, session.view, animation.along, answer, progress)
    check_target(path, [cell])
    low, high = ends(shown, session.style)
    disclosure = disclosure or Disclosure()
    provenance = provenance_of(
        "animation", session, shown, {**asdict(animation), "range": [low, high]},
        full_paths=disclosure.full_paths,
    )  # fmt: skip
    drawn = list(frames(photo, shown, session.style, animation, progress))
    content = encode(path.suffix.lower(), drawn, animation.film, to_json(provenance), progress)
    progress(Stage("writing_file"), 1.0)  # the last moment to cancel
    write_with_provenance(path, content, provenance, beside=disclosure.beside)
    words = _words(shown, session.style, animation)
    return missing_in(*(text for one in words for text in (one.heading, one.caption)))


def check(path: Path, photo: Photo, cell: Cell, animation: Animation) -> None:
    """Refuses what cannot be.

    Raises:
        VitvizError: The suffix is unknown; the method does not move so; the photo is another.
    """
    check_suffix(path, "animation")
    method = cell.request.method
    if animation.along not in alongs(method):
        raise VitvizError(
            f"{METHODS[method].title} does not move along {animation.along}.",
            f"It moves along: {', '.join(alongs(method))}.",
        )
    if photo.sha256 != cell.photo_sha256:
        name = Path(cell.request.photo.path).name
        raise VitvizError(f"{name} is no longer the photo that the map is of.", CHANGED)


def shots(
    cell: Cell,
    view: View,
    along: Along,
    answer: Callable[[ExplainRequest, Progress], Cell],
    progress: Progress = silent,
) -> list[tuple[Cell, View]]:
    """What each frame shows."""
    if along != "heads":
        return [(cell, replace(view, layer=layer)) for layer in cell.explanation.layers]
    found, heads = [], cell.outline.heads
    for head in range(heads):
        of_head = cell
        if METHODS[cell.request.method].fuses_first:
            progress(Stage("computing_heads", head, heads), head / heads)
            of_head = answer(replace(cell.request, head=head), progress)
        found.append((of_head, replace(view, head=head)))
    return found


def ends(shown: Sequence[tuple[Cell, View]], style: Style) -> tuple[float, float]:
    """One range of colours for all frames: what the style's range is over all of them."""
    each = [look(style, cell.heat_map(view), cell.explained(view)) for cell, view in shown]
    return min(one.low for one in each), max(one.high for one in each)


def frames(
    photo: Photo,
    shown: Sequence[tuple[Cell, View]],
    style: Style,
    animation: Animation,
    progress: Progress = silent,
) -> Iterator[UInt8[np.ndarray, "height width 3"]]:
    """The frames, all of one size."""
    pixels = narrowed(photo.pixels, min(animation.width, MOST_PIXELS))
    quantity = shown[0][0].explanation.quantity
    how = Look(style_for(style, quantity), *ends(shown, style))
    words = _words(shown, style, animation)
    bar = bar_of(how[1:], quantity, how.style, ("all frames",))
    plate = Plate(pixels.shape[:2], bar if animation.bar else None, words)
    is_bare = not animation.words and not animation.bar
    for number, (cell, view) in enumerate(shown):
        progress(Stage("drawing_frames", number, len(shown)), number / len(shown))
        picture = drawn(pixels, cell.heat_map(view), how)
        yield picture if is_bare else plate.draw(picture, words[number])


def _words(shown: Sequence[tuple[Cell, View]], style: Style, animation: Animation) -> list[Words]:
    """What stands with each frame."""
    return [
        Words(heading(cell, view, animation.along), caption(describe_map(cell, view, style)))
        if animation.words else Words()
        for cell, view in shown
    ]  # fmt: skip


def heading(cell: Cell, view: View, along: Along) -> str:
    """ "Layer 3 of 12", "Layers 1 to 3 of 12", "Head 2 of 6"."""
    heat_map, outline = cell.heat_map(view), cell.outline
    if along == "heads" and isinstance(heat_map.head, int):
        return f"{capitalised(head_name(heat_map.head))} of {outline.heads}"
    first, last = cell.explanation.layers[0], heat_map.layer
    through = along == "depth" and first < last
    words = layers_name(first, last, outline) if through else layer_name(last, outline)
    return f"{capitalised(words)} of {outline.depth}"


def narrowed(
    pixels: UInt8[np.ndarray, "height width 3"], width: int
) -> UInt8[np.ndarray, "low narrow 3"]:
    """The photo no wider than ``width``, in its proportions."""
    if pixels.shape[1] <= width:
        return pixels
    height = max(1, round(pixels.shape[0] * width / pixels.shape[1]))
    image = Image.fromarray(pixels).resize(
        (width, height), Image.Resampling.LANCZOS, reducing_gap=3.0
    )
    return np.asarray(image)
