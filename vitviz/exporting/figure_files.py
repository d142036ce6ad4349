"""From a session to a figure: its panels with their headings, and the file."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vitviz.engine.answers import Cell, top_classes
from vitviz.engine.engine import Engine
from vitviz.engine.plan import request_of
from vitviz.engine.requests import ExplainRequest
from vitviz.errors import VitvizError
from vitviz.exporting.formats import check_suffix
from vitviz.exporting.map_files import CHANGED, check_target
from vitviz.exporting.provenance import Disclosure, provenance_of, to_json
from vitviz.exporting.stamp import write_with_provenance
from vitviz.figures.arrange import columns_for, text_of
from vitviz.figures.encode import encode
from vitviz.figures.panel import Axis, Grid, Panel
from vitviz.figures.spec import FigureSpec
from vitviz.figures.typesetting import Face
from vitviz.figures.words import reworded, words_of
from vitviz.imaging.photo import Photo
from vitviz.maps.difference import difference
from vitviz.maps.heat_map import Head
from vitviz.maps.overlay import drawn
from vitviz.maps.ranges import look, style_for, value_range
from vitviz.maps.style import Style
from vitviz.methods import METHODS
from vitviz.plurals import count_of
from vitviz.progress import Progress, Stage, silent
from vitviz.session.panes import pair_of
from vitviz.session.state import Pane, Session, View
from vitviz.session.strict import check_map, check_query
from vitviz.wording.caption import (
    SEPARATOR,
    caption,
    hidden_shares,
    mass_words_of_each,
    outlier_words_of_each,
)
from vitviz.wording.description import describe_map
from vitviz.wording.headings import as_table, headings, in_common, letter
from vitviz.wording.names import prefix_name
from vitviz.wording.numbers import score

Answer = Callable[[ExplainRequest, Progress], Cell]


@dataclass(frozen=True, eq=False)
class PaneMap:
    """The map of one pane, with what it is of.

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

    def of(self, **changes: object) -> PaneMap:
        """The same with another layer or head."""
        return replace(self, pane=replace(self.pane, view=replace(self.view, **changes)))  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class FigurePanels:
    """A figure, before it is drawn.

    Args:
        grid: Its panels.
        items: The maps in it, in the order of the panels.
        words: What its headings and its caption say by themselves.
    """

    grid: Grid
    items: tuple[PaneMap, ...]
    words: tuple[str, ...] = ()


def figure_panes(session: Session) -> tuple[Pane, ...]:
    """The panes that the session's figure is of."""
    compared = session.figure.content in ("compare", "compare layers")
    return session.panes if compared else (session.pane,)


def figure_requests(session: Session, device: str = "auto") -> tuple[ExplainRequest, ...]:
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
) -> FigurePanels:
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
    items = []
    for pane, request in zip(panes, requests, strict=True):
        cell = engine.answer(request, progress)
        if strict:
            check_query(
                METHODS[pane.view.method], pane.view.query, cell.layout.prefix, cell.geometry
            )
            check_map(pane.view, cell.explanation, cell.outline)
        items.append(PaneMap(pane, cell, _photo(engine, cell)))
    composer = _Composer(session, tuple(items), lambda r, p: engine.answer(r, p), progress)
    composed = composer.composed()
    grid = reworded(composed.grid, dict(session.figure.words))
    return replace(composed, grid=grid, words=words_of(composed.grid))


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
) -> str:
    """Writes the session's figure; the suffix says as what. One session gives the same bytes.

    Args:
        path: Of the new file: ``.png``, ``.tiff``, ``.svg``, ``.pdf``.
        session: ``session.figure`` says what is in it.
        engine: Computes and remembers.
        device: "auto", "cpu", "cuda", "cuda:1", "mps".
        progress: Where the work is.
        disclosure: What is said of where it comes from.
        strict: As of ``compose``.

    Returns:
        The letters in it that no installed font has, which are boxes; "" for none.

    Raises:
        VitvizError: As ``compose`` and ``encode``, or it cannot be written. What was there stays.
        Cancelled: ``progress`` said so; nothing is left.
    """
    check_suffix(path, "figure")
    composed = compose(session, engine, device, progress, strict=strict)
    check_target(path, [item.cell for item in composed.items])
    disclosure = disclosure or Disclosure()
    maps = [(item.cell, item.view) for item in composed.items]
    provenance = provenance_of("figure", session, maps, full_paths=disclosure.full_paths)
    suffix = path.suffix.lower()
    content = encode(composed.grid, session.figure, suffix, progress, to_json(provenance))
    progress(Stage("writing_file"), 1.0)  # the last moment to cancel
    write_with_provenance(path, content, provenance, beside=bool(disclosure.beside))
    return Face(session.figure.font, text_of(composed.grid, session.figure)).missing


class _Composer:
    """Puts the panels of one figure together."""

    def __init__(
        self, session: Session, items: tuple[PaneMap, ...], answer: Answer, progress: Progress
    ) -> None:
        self._session = session
        self._spec: FigureSpec = session.figure
        self._items = items
        self._answer = answer
        self._progress = progress

    def composed(self) -> FigurePanels:
        """The figure that the spec's content asks for."""
        first = self._items[0]
        match self._spec.content:
            case "map":
                return self._alone(first)
            case "patches":
                return FigurePanels(_patches(first), (first,))
            case "layers":
                return self._strip([first.of(layer=n) for n in self._layers(first)])
            case "heads":
                return self._matrix(first)
            case "compare":
                return self._compared()
            case "compare layers":
                return self._layers_of_panes()

    # Which layers and heads

    def _layers(self, item: PaneMap) -> list[int]:
        explanation, outline = item.cell.explanation, item.cell.outline
        for layer in self._spec.layers:
            check_map(replace(item.view, layer=layer, head="mean"), explanation, outline)
        listed = [explanation.nearest_layer(layer) for layer in self._spec.layers]
        return list(dict.fromkeys(listed)) or list(explanation.layers)

    def _heads(self, item: PaneMap) -> list[Head]:
        explanation, outline = item.cell.explanation, item.cell.outline
        for head in self._spec.heads:
            check_map(replace(item.view, layer=-1, head=head), explanation, outline)
        if explanation.head is not None and not METHODS[item.view.method].has_heads:
            return [explanation.head]
        return list(dict.fromkeys(self._spec.heads)) or ["mean", *range(outline.heads)]

    def _of_head(self, item: PaneMap, head: Head) -> PaneMap:
        """The item of another head, computed now where the method fuses heads first."""
        if not METHODS[item.view.method].fuses_first or item.cell.explanation.head == head:
            return item.of(head=head)
        request = replace(item.cell.request, head=head)
        return replace(item, cell=self._answer(request, self._progress)).of(head=head)

    # Arrangements

    def _compared(self) -> FigurePanels:
        """The panes: rows and columns where that is what they are, else in reading order."""
        items = list(self._items)
        if self._session.compare.arrangement == "difference":
            return self._strip(items, with_difference=True)
        table = as_table([s.pane for s in items], [s.cell for s in items])
        if table is None or self._spec.columns not in (0, len(table.columns)):
            return self._strip(items)
        cols = len(table.columns)
        rows = [items[i : i + cols] for i in range(0, len(items), cols)]
        return self._whole(rows, _said(items), Axis(table.rows), Axis(table.columns))

    def _alone(self, item: PaneMap) -> FigurePanels:
        return FigurePanels(Grid(((self._panel(item),),), caption=self._caption_of(item)), (item,))

    def _strip(self, items: list[PaneMap], *, with_difference: bool = False) -> FigurePanels:
        """Panels in reading order, each with what tells it apart."""
        titles: Sequence[str] = headings([s.pane for s in items], [s.cell for s in items])
        panels = [self._panel(item, title) for item, title in zip(items, titles, strict=True)]
        if len(items) == 1:
            panels = [replace(panels[0], heading="")]
        elif with_difference:
            panels.append(self._difference(items))
        aspect = math.exp(sum(math.log(panel.aspect) for panel in panels) / len(panels))
        cols = columns_for(len(panels), aspect, self._spec)
        rows = [tuple(panels[i : i + cols]) for i in range(0, len(panels), cols)]
        padded = tuple((*row, *(None for _ in range(cols - len(row)))) for row in rows)
        words = self._caption(_said(items), items) if len(items) > 1 else self._caption_of(items[0])
        return FigurePanels(Grid(padded, caption=words), tuple(items))

    def _matrix(self, item: PaneMap) -> FigurePanels:
        layers = self._layers(item)
        of_heads = [self._of_head(item, head) for head in self._heads(item)]
        items = [[one.of(layer=layer) for one in of_heads] for layer in layers]
        first, method = item.cell.explanation.layers[0], METHODS[item.view.method]
        title = f"layers {first + 1} to" if method.fuses_first else "layer"
        down = Axis(tuple(str(layer + 1) for layer in layers), title)
        heads = tuple(_head_label(one.view.head) for one in of_heads)
        across = Axis((method.title,) if method.heads == "none" else heads, "head")
        if self._spec.across == "layers":
            items = [list(column) for column in zip(*items, strict=True)]
            down, across = across, down
        return self._whole(items, _said([one for row in items for one in row]), down, across)

    def _layers_of_panes(self) -> FigurePanels:
        items = [[item.of(layer=n) for n in self._layers(item)] for item in self._items]
        longest = max(items, key=len)
        across = Axis(tuple(str(one.view.layer + 1) for one in longest), "layer")
        panes = [replace(s.pane, view=replace(s.view, layer=-1)) for s in self._items]
        titles = headings(panes, [item.cell for item in self._items])
        down = Axis(titles) if len(titles) > 1 else None
        return self._whole(items, _said([s for row in items for s in row]), down, across)

    def _whole(
        self,
        items: Sequence[Sequence[PaneMap]],
        words: str,
        down: Axis | None = None,
        across: Axis | None = None,
    ) -> FigurePanels:
        """Panels in rows and columns with headings of these."""
        flat = tuple(one for row in items for one in row)
        cols = max(map(len, items))
        panels = tuple(
            (*(self._panel(one) for one in row), *(None for _ in range(cols - len(row))))
            for row in items
        )
        return FigurePanels(Grid(panels, down, across, caption=self._caption(words, flat)), flat)

    def _panel(self, item: PaneMap, heading: str = "") -> Panel:
        cell, heat_map, pixels = (
            item.cell,
            item.cell.heat_map(item.view),
            item.photo.pixels,
        )
        how = look(self._session.style, heat_map, cell.explained(item.view))
        marked = tuple(
            heat_map.geometry.patch_box(*patch) for patch in cell.patches_of_query(heat_map.layer)
        )
        if heat_map.quantity.kind == "colours" and self._spec.draws != "photo":
            return Panel(drawn(pixels, heat_map, how), heat_map.geometry, heading=heading)
        return Panel(
            pixels, heat_map.geometry, None if self._spec.draws == "photo" else heat_map.values,
            how.style, how[1:], heat_map.unit, heading,
            marked, outliers=heat_map.outliers, matches=heat_map.matches,
        )  # fmt: skip

    def _difference(self, items: list[PaneMap]) -> Panel:
        """The second map of the pair minus the first, zero in the middle of its colours."""
        pair = pair_of(self._session)
        one, other = (items[i] for i in pair)
        maps = [item.cell.heat_map(item.view) for item in (one, other)]
        found = difference(*maps)
        heat_map = found.heat_map
        style = replace(style_for(self._session.style, heat_map.quantity), outlined=0.0)
        ends = value_range("each", heat_map)
        heading = f"{letter(pair[1])} minus {letter(pair[0])}"
        photo = (other if found.of_second else one).photo
        return Panel(photo.pixels, heat_map.geometry, heat_map.values, style, ends,
                     f"difference, {heat_map.unit}", heading)  # fmt: skip

    # Captions

    @property
    def _drawn_with(self) -> Style | None:
        """How maps are drawn, where they are."""
        return None if self._spec.draws == "photo" else self._session.style

    def _caption(self, words: str, items: Sequence[PaneMap]) -> str:
        """Model, grid and class, where these are the same; then the words; then what is not shown,
        and what is outlined.
        """
        parts: list[str] = []
        for text in (_model_text, _grid_text, _class_text):
            found = {text(item.cell) for item in items}
            parts += found if len(found) == 1 else ()
        described = [describe_map(one.cell, one.view, self._drawn_with) for one in items]
        shares = hidden_shares(described)
        hidden = f"{', '.join(shares)}, not shown" if shares else ""
        line = mass_words_of_each([one.mass for one in described if one.mass is not None])
        on = outlier_words_of_each([one.outliers for one in described if one.outliers is not None])
        return SEPARATOR.join(filter(None, (*parts, words, hidden, on, line)))

    def _caption_of(self, item: PaneMap) -> str:
        """The caption of a map alone: what it is of, as everywhere, after model, grid and class."""
        facts = (text(item.cell) for text in (_model_text, _grid_text, _class_text))
        words = caption(describe_map(item.cell, item.view, self._drawn_with))
        return SEPARATOR.join(filter(None, (*facts, words)))


def _patches(item: PaneMap) -> Grid:
    """What the model was given, its patches apart."""
    cell = item.cell
    size, patch = cell.geometry.input_size, cell.geometry.patch
    geometry = replace(cell.geometry, photo_size=size, resized_size=size, window_origin=(0, 0))
    prefix = cell.layout.prefix
    panel = Panel(cell.input_pixels, geometry, cut=True, first_token=len(prefix))
    rows, cols = cell.layout.grid
    parts = [
        cell.card.title,
        f"input of {size[1]} × {size[0]} pixels",
        f"{rows} × {cols} patches of {patch} × {patch}",
        count_of(cell.layout.tokens, "token"),
    ]
    if prefix:
        named = ", ".join(f"{i} {prefix_name(name)}" for i, name in enumerate(prefix))
        parts.append(f"before the patches: {named}")
    return Grid(((panel,),), caption=SEPARATOR.join(parts))


def _head_label(head: Head) -> str:
    return str(head + 1) if isinstance(head, int) else head


def _said(items: Sequence[PaneMap]) -> str:
    """What is the same in all maps, but for the model and the photo's file."""
    photo = items[0].pane.photo
    elsewhere = ("model",) if photo is not None and photo.frame else ("photo", "model")
    return in_common(
        [item.pane for item in items],
        [item.cell for item in items],
        elsewhere,
    )


def _model_text(cell: Cell) -> str:
    return cell.card.title


def _grid_text(cell: Cell) -> str:
    rows, cols = cell.layout.grid
    return f"{rows} × {cols} patches"


def _class_text(cell: Cell) -> str:
    if cell.outputs == "values":
        return "".join(f"{name} {score(n, cell.outputs)}" for name, n in top_classes(cell, 1))
    return "".join(f"{name} {100 * share:.0f} %" for name, share in top_classes(cell, 1))
