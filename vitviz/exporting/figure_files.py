"""From a session to a figure: its panels with their headings, and the file."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vitviz.engine.engine import Cell, Engine, top_classes
from vitviz.engine.plan import Request, request_of
from vitviz.errors import VitvizError
from vitviz.exporting.map_files import CHANGED, check_target
from vitviz.exporting.provenance import Disclosure, provenance_of
from vitviz.exporting.stamp import write_made
from vitviz.figures.arrange import columns_for
from vitviz.figures.encode import check_suffix, encode
from vitviz.figures.panel import Axis, Grid, Panel
from vitviz.figures.spec import FigureSpec
from vitviz.imaging.geometry import Geometry
from vitviz.imaging.photo import Photo
from vitviz.maps.difference import difference
from vitviz.maps.ranges import value_range
from vitviz.maps.scaling import Scaling
from vitviz.methods import METHODS
from vitviz.methods.base import Head
from vitviz.progress import Progress, Stage, silent
from vitviz.session.panes import pair_of
from vitviz.session.state import Pane, Session, View
from vitviz.session.strict import check_map, check_query
from vitviz.wording.caption import caption
from vitviz.wording.headings import SEPARATOR, as_table, headings, in_common, letter

Answer = Callable[[Request, Progress], Cell]


@dataclass(frozen=True, eq=False)
class Shot:
    """One map of a figure.

    Args:
        pane: What was chosen.
        cell: Where the map is in.
        photo: The one that the cell is about.
    """

    pane: Pane
    cell: Cell
    photo: Photo

    @property
    def view(self) -> View:
        return self.pane.view

    def of(self, **changes: object) -> Shot:
        """The same with another layer or head."""
        return replace(self, pane=replace(self.pane, view=replace(self.view, **changes)))  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class Composed:
    """A figure, before it is drawn.

    Args:
        grid: Its panels.
        shots: The maps in it, in the order of the panels.
    """

    grid: Grid
    shots: tuple[Shot, ...]


def figure_panes(session: Session) -> tuple[Pane, ...]:
    """The panes that the session's figure is of."""
    compared = session.figure.content in ("compare", "compare layers")
    return session.panes if compared else (session.pane,)


def figure_requests(session: Session, device: str = "auto") -> tuple[Request, ...]:
    """What must be computed first for the session's figure; for methods that fuse heads first,
    the other heads of layers x heads come on top of it.
    """
    found = (request_of(pane, session.background, device) for pane in figure_panes(session))
    return tuple(request for request in found if request is not None)


def compose(
    session: Session,
    engine: Engine,
    device: str = "auto",
    progress: Progress = silent,
    *,
    strict: bool = False,
) -> Composed:
    """The session's figure; what is not computed yet is.

    Args:
        session: ``session.figure`` says what is in it.
        engine: Computes and remembers.
        device: "auto", "cpu", "cuda", "cuda:1", "mps".
        progress: Where the work is.
        strict: Refuses a layer, head or query that there is not, instead of taking the nearest.

    Raises:
        VitvizError: There is no photo; something cannot be computed; there is no such layer or
            head among those listed in the figure.
        Cancelled: ``progress`` said so.
    """
    requests, panes = figure_requests(session, device), figure_panes(session)
    if len(requests) < len(panes):
        raise VitvizError("There is nothing to make a figure of.", "Open a photo first.")
    shots = []
    for pane, request in zip(panes, requests, strict=True):
        cell = engine.answer(request, progress)
        if strict:
            check_query(pane.view.query, cell.layout.prefix, cell.geometry)
            check_map(pane.view, cell.explanation, cell.card.config.heads)
        shots.append(Shot(pane, cell, _photo(engine, cell)))
    composer = _Composer(session, tuple(shots), lambda r, p: engine.answer(r, p), progress)
    return composer.composed()


def _photo(engine: Engine, cell: Cell) -> Photo:
    photo = engine.photos.get(cell.request.photo, cell.request.background)
    if photo.sha256 != cell.photo_sha256:
        name = Path(cell.request.photo.path).name
        raise VitvizError(f"{name} is no longer the photo that the map is of.", CHANGED)
    return photo


def write_figure(
    path: Path,
    session: Session,
    engine: Engine,
    device: str = "auto",
    progress: Progress = silent,
    disclosure: Disclosure | None = None,
    *,
    strict: bool = False,
) -> None:
    """Writes the session's figure; the suffix says as what. One session gives the same bytes.

    Args:
        path: Of the new file: ``.png``, ``.tiff``, ``.svg``, ``.pdf``.
        session: ``session.figure`` says what is in it.
        engine: Computes and remembers.
        device: "auto", "cpu", "cuda", "cuda:1", "mps".
        progress: Where the work is.
        disclosure: What is said of where it comes from.
        strict: As of ``compose``.

    Raises:
        VitvizError: As ``compose`` and ``encode``, or it cannot be written. What was there stays.
        Cancelled: ``progress`` said so; nothing is left.
    """
    check_suffix(path)
    composed = compose(session, engine, device, progress, strict=strict)
    check_target(path, [shot.cell for shot in composed.shots])
    content = encode(composed.grid, session.figure, path.suffix.lower(), progress)
    said = disclosure or Disclosure()
    maps = [(shot.cell, shot.view) for shot in composed.shots]
    made = provenance_of("figure", session, maps, full_paths=said.full_paths)
    progress(Stage("writing_file"), 1.0)  # the last moment to cancel
    write_made(path, content, made, beside=bool(said.beside))


class _Composer:
    """Puts the panels of one figure together."""

    def __init__(
        self, session: Session, shots: tuple[Shot, ...], answer: Answer, progress: Progress
    ) -> None:
        self._session = session
        self._spec: FigureSpec = session.figure
        self._shots = shots
        self._answer = answer
        self._progress = progress

    def composed(self) -> Composed:
        """The figure that the spec's content asks for."""
        first = self._shots[0]
        match self._spec.content:
            case "map":
                return self._whole([[first]], caption(first.cell, first.view))
            case "patches":
                return Composed(_patches(first), (first,))
            case "layers":
                return self._strip([first.of(layer=n) for n in self._layers(first)])
            case "heads":
                return self._matrix(first)
            case "compare":
                return self._compared()
            case "compare layers":
                return self._layers_of_panes()

    # Which layers and heads

    def _layers(self, shot: Shot) -> list[int]:
        explanation, config = shot.cell.explanation, shot.cell.card.config
        for layer in self._spec.layers:
            check_map(replace(shot.view, layer=layer, head="mean"), explanation, config.heads)
        listed = [explanation.nearest_layer(layer) for layer in self._spec.layers]
        return list(dict.fromkeys(listed)) or list(explanation.layers)

    def _heads(self, shot: Shot) -> list[Head]:
        explanation, heads = shot.cell.explanation, shot.cell.card.config.heads
        for head in self._spec.heads:
            check_map(replace(shot.view, layer=-1, head=head), explanation, heads)
        return list(dict.fromkeys(self._spec.heads)) or ["mean", *range(heads)]

    def _of_head(self, shot: Shot, head: Head) -> Shot:
        """The shot of another head, computed now where the method fuses heads first."""
        if not METHODS[shot.view.method].fuses_first or shot.cell.explanation.head == head:
            return shot.of(head=head)
        request = replace(shot.cell.request, head=head)
        return replace(shot, cell=self._answer(request, self._progress)).of(head=head)

    # Arrangements

    def _compared(self) -> Composed:
        """The panes: rows and columns where that is what they are, else in reading order."""
        shots = list(self._shots)
        if self._session.compare.arrangement == "difference":
            return self._strip(shots, with_difference=True)
        table = as_table([s.pane for s in shots], [s.cell for s in shots])
        if table is None or self._spec.columns not in (0, len(table.columns)):
            return self._strip(shots)
        cols = len(table.columns)
        rows = [shots[i : i + cols] for i in range(0, len(shots), cols)]
        return self._whole(rows, _said(shots), Axis(table.rows), Axis(table.columns))

    def _strip(self, shots: list[Shot], *, with_difference: bool = False) -> Composed:
        """Panels in reading order, each with what tells it apart."""
        titles: Sequence[str] = headings([s.pane for s in shots], [s.cell for s in shots])
        panels = [self._panel(shot, title) for shot, title in zip(shots, titles, strict=True)]
        if len(shots) == 1:
            panels = [replace(panels[0], heading="")]
        elif with_difference:
            panels.append(self._difference(shots))
        aspect = math.exp(sum(math.log(panel.aspect) for panel in panels) / len(panels))
        cols = columns_for(len(panels), aspect, self._spec)
        rows = [tuple(panels[i : i + cols]) for i in range(0, len(panels), cols)]
        padded = tuple((*row, *(None for _ in range(cols - len(row)))) for row in rows)
        alone = len(shots) == 1
        words = caption(shots[0].cell, shots[0].view) if alone else _said(shots)
        return Composed(Grid(padded, caption=_caption(words, shots)), tuple(shots))

    def _matrix(self, shot: Shot) -> Composed:
        layers, of_heads = self._layers(shot), [self._of_head(shot, h) for h in self._heads(shot)]
        shots = [[one.of(layer=layer) for one in of_heads] for layer in layers]
        first, fused = shot.cell.explanation.layers[0], METHODS[shot.view.method].fuses_first
        title = f"layers {first + 1} to" if fused else "layer"
        down = Axis(tuple(str(layer + 1) for layer in layers), title)
        across = Axis(tuple(_head_label(one.view.head) for one in of_heads), "head")
        if self._spec.across == "layers":
            shots = [list(column) for column in zip(*shots, strict=True)]
            down, across = across, down
        return self._whole(shots, _said([one for row in shots for one in row]), down, across)

    def _layers_of_panes(self) -> Composed:
        shots = [[shot.of(layer=n) for n in self._layers(shot)] for shot in self._shots]
        longest = max(shots, key=len)
        across = Axis(tuple(str(one.view.layer + 1) for one in longest), "layer")
        panes = [replace(s.pane, view=replace(s.view, layer=-1)) for s in self._shots]
        titles = headings(panes, [shot.cell for shot in self._shots])
        down = Axis(titles) if len(titles) > 1 else None
        return self._whole(shots, _said([s for row in shots for s in row]), down, across)

    def _whole(
        self,
        shots: Sequence[Sequence[Shot]],
        words: str,
        down: Axis | None = None,
        across: Axis | None = None,
    ) -> Composed:
        """Panels in rows and columns with headings of these."""
        flat = tuple(one for row in shots for one in row)
        cols = max(map(len, shots))
        panels = tuple(
            (*(self._panel(one) for one in row), *(None for _ in range(cols - len(row))))
            for row in shots
        )
        return Composed(Grid(panels, down, across, caption=_caption(words, flat)), flat)

    def _panel(self, shot: Shot, heading: str = "") -> Panel:
        cell, heat_map = shot.cell, shot.cell.heat_map(shot.view)
        style = self._session.style
        query = cell.query_patch
        return Panel(
            shot.photo.pixels, cell.geometry, None if self._spec.draws == "photo"
            else heat_map.values, style, value_range(style.range, heat_map, cell.explanation),
            heat_map.unit, heading, cell.geometry.patch_box(*query) if query else None,
        )  # fmt: skip

    def _difference(self, shots: list[Shot]) -> Panel:
        """The second map of the pair minus the first, zero in the middle of its colours."""
        pair = pair_of(self._session)
        one, other = (shots[i] for i in pair)
        maps = [shot.cell.heat_map(shot.view) for shot in (one, other)]
        found = difference(
            maps[0].values, one.cell.geometry, maps[1].values, other.cell.geometry,
            (maps[0].unit, maps[1].unit),
        )  # fmt: skip
        style = self._session.style
        scaling: Scaling = "root" if style.scaling == "root" else "linear"
        style = replace(style, colour_map="coolwarm", scaling=scaling)
        heading = f"{letter(pair[1])} minus {letter(pair[0])}"
        photo = (other if found.of_second else one).photo
        return Panel(photo.pixels, found.geometry, found.values, style, found.ends,
                     f"difference, {found.unit}", heading)  # fmt: skip


def _patches(shot: Shot) -> Grid:
    """What the model was given, its patches apart."""
    cell = shot.cell
    size, patch = cell.geometry.input_size, cell.geometry.patch
    geometry = Geometry(size, size, (0, 0), size, patch)
    prefix = cell.layout.prefix
    panel = Panel(cell.input_pixels, geometry, cut=True, first_token=len(prefix))
    rows, cols = cell.layout.grid
    parts = [
        cell.card.title,
        f"input of {size[1]} × {size[0]} pixels",
        f"{rows} × {cols} patches of {patch} × {patch}",
        f"{cell.layout.tokens} tokens",
    ]
    if prefix:
        named = ", ".join(f"{i} {name.upper()}" for i, name in enumerate(prefix))
        parts.append(f"before the patches: {named}")
    return Grid(((panel,),), caption=SEPARATOR.join(parts))


def _head_label(head: Head) -> str:
    return str(head + 1) if isinstance(head, int) else head


def _said(shots: Sequence[Shot]) -> str:
    """What is the same in all maps, the photo's file aside."""
    words = in_common([shot.pane for shot in shots], [shot.cell for shot in shots])
    photo = shots[0].pane.photo
    name = Path(photo.path).name if photo is not None else ""
    parts = [part for part in words.split(SEPARATOR) if part != name]
    model = shots[0].cell.card.title
    return SEPARATOR.join(part for part in parts if part != model)


def _caption(words: str, shots: Sequence[Shot]) -> str:
    """Model, grid and class, where these are the same; then the words; then what is not shown."""
    parts: list[str] = []
    for text in (_model_text, _grid_text, _class_text):
        found = {text(shot.cell) for shot in shots}
        parts += found if len(found) == 1 else ()
    hidden = "not shown" in words
    return SEPARATOR.join(filter(None, (*parts, words, "" if hidden else _not_shown(shots))))


def _model_text(cell: Cell) -> str:
    return cell.card.title


def _grid_text(cell: Cell) -> str:
    rows, cols = cell.layout.grid
    return f"{rows} × {cols} patches"


def _class_text(cell: Cell) -> str:
    return "".join(f"{name} {100 * share:.0f} %" for name, share in top_classes(cell, 1))


def _not_shown(shots: Sequence[Shot]) -> str:
    """ "6.3 to 41.0 % on CLS, not shown"."""
    shares: dict[str, list[float]] = {}
    for shot in shots:
        for name, share in shot.cell.heat_map(shot.view).prefix_share:
            shares.setdefault(name, []).append(100 * share)
    texts = []
    for name, found in shares.items():
        low, high = f"{min(found):.1f}", f"{max(found):.1f}"
        texts.append(f"{low if low == high else f'{low} to {high}'} % on {name.upper()}")
    return f"{', '.join(texts)}, not shown" if texts else ""
