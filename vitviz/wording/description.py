"""What a map is of, field by field: captions and headings are made of it, words last."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from vitviz.engine.answers import Cell
from vitviz.engine.plan import reference_of
from vitviz.imaging.preprocess import InputChoice
from vitviz.maps.heat_map import Completeness, Components, Head
from vitviz.maps.mass import Mass, mass_of
from vitviz.maps.outliers import OnOutliers
from vitviz.maps.resample import carried
from vitviz.maps.style import Style
from vitviz.methods import METHODS
from vitviz.methods.base import Direction, Method, ParameterValue
from vitviz.models.outline import Outline
from vitviz.plain_text import MOST_OF_NAME, shown_text
from vitviz.probing.ablation import Ablation
from vitviz.session.queries import name_of, points_of
from vitviz.session.state import Pane, PhotoRef, Query, View
from vitviz.wording.names import ALL_PATCHES, prefix_name, query_name


@dataclass(frozen=True)
class Description:
    """One map: what was chosen for it, made exact by its answer where there is one.

    Args:
        photo: Of what; None without a photo.
        model: By whom: id of a bundled model, or path of a checkpoint.
        model_title: What people call it.
        input: What the model is given.
        method: The explanation method.
        given: Its settings that were given, by name.
        first: The first layer that the map is of, from 0; None where it is of one layer, or not
            known yet.
        layer: The layer, or the last of several, from 0; negative, counted from the last, where
            there is no answer yet; None where the map is of the whole network.
        head: One head, from 0, or a fusion.
        heads: How many heads that layer has; 0 where it is not known or has none, or the method is
            not about heads.
        target: Index of the class that the map is about; None: the most probable one, or of none.
        target_name: What that class is called; "" without one.
        contrast: Index of the class that it is set against; None: none.
        contrast_name: What that class is called; "" without one.
        direction: Of the query, or to it.
        query: What is asked about, for people: "CLS", "row 3, column 5", "the mean over all
            patches".
        query_place: What is the same for the same query on every grid and, in relative terms, on
            every photo.
        prefix_share: The part of the whole that went to prefix tokens, by name.
        outline: Of the network; None where it is not known yet.
        ablation: What is taken from the network.
        is_zero: Every value of the map is 0: it tells nothing apart.
        completeness: What its numbers add up to, of a method that promises it.
        outliers: Its outlier patches; None where there are none, or nothing is known of them.
        components: What its colours are, where they are components.
        query_photo: The other photo that the query lies on; None where it is this one's.
        matches: How many patches are framed since they match best.
        mass: What the line drawn around some of its patches says; None without one.
    """

    photo: PhotoRef | None
    model: str
    model_title: str
    input: InputChoice
    method: Method
    given: tuple[tuple[str, ParameterValue], ...]
    first: int | None
    layer: int | None
    head: Head
    heads: int
    target: int | None
    target_name: str
    contrast: int | None
    contrast_name: str
    direction: Direction
    query: str
    query_place: Hashable
    prefix_share: tuple[tuple[str, float], ...] = ()
    outline: Outline | None = None
    ablation: Ablation = field(default_factory=Ablation)
    is_zero: bool = False
    completeness: Completeness | None = None
    outliers: OnOutliers | None = None
    components: Components | None = None
    query_photo: PhotoRef | None = None
    matches: int = 0
    mass: Mass | None = None


def describe(pane: Pane, cell: Cell | None) -> Description:
    """What was chosen for a pane.

    Args:
        pane: What was chosen.
        cell: Its answer, or its last one; what was chosen is told as it is where it is missing.
    """
    view, method = pane.view, METHODS[pane.view.method]
    direction = view.direction if view.direction in method.directions else method.directions[0]
    target = view.target if cell is None else cell.target
    contrast = view.contrast if cell is None else cell.contrast
    if not method.class_specific:
        target = contrast = None
    elsewhere = reference_of(pane.photo, view) if method.refers == "photo" else ()
    known = Description(
        pane.photo, pane.model, _model_title(pane, cell), pane.input, method, view.params, None,
        view.layer, view.head, 0, target, _class_name(cell, target),
        contrast, _class_name(cell, contrast), direction,
        _query_words(view.query), view.query, ablation=view.ablation,
        query_photo=elsewhere[0] if elsewhere else None,
    )  # fmt: skip
    return known if cell is None else _answered(known, cell, view)


def describe_map(cell: Cell, view: View, style: Style | None = None) -> Description:
    """One map of an answer, which may be to an earlier choice than the view's.

    Args:
        cell: Where the map is in.
        view: Which layer and head.
        style: How it is drawn; None where it is not, as in a file of values.
    """
    request = cell.request
    of_request = replace(
        view, method=request.method, params=request.params, query=request.query,
        direction=request.direction, target=request.target, contrast=request.contrast,
        ablation=request.ablation, reference=request.reference,
    )  # fmt: skip
    known = describe(Pane(request.photo, request.model, request.input, of_request), cell)
    if style is None:
        return known
    return replace(known, mass=mass_of(cell.heat_map(view).values, style.outlined))


def _answered(known: Description, cell: Cell, view: View) -> Description:
    """The description with what the answer made exact."""
    explanation, heat_map = cell.explanation, cell.heat_map(view)
    through = explanation.span == "through" and explanation.layers[0] < heat_map.layer
    heads = 0
    if explanation.head is None:
        heads = len(explanation.by_layer[heat_map.layer].values)
    elif known.method.heads != "none":
        heads = cell.outline.layers[heat_map.layer].heads
    photo_size = (cell.query_geometry or cell.geometry).photo_size
    carried_points = (carried(point, photo_size, (1, 1)) for point in points_of(view.query))
    place = name_of(view.query, cell.outline) or tuple(
        sorted((round(x, 4), round(y, 4)) for x, y in carried_points)
    )
    whole = explanation.span == "network"
    return replace(
        known, first=explanation.layers[0] if through else None,
        layer=None if whole else heat_map.layer,
        head=heat_map.head, heads=heads, query=query_name(cell.query_layout, cell.query_tokens),
        query_place=place, prefix_share=heat_map.prefix_share, outline=cell.outline,
        is_zero=not np.nan_to_num(heat_map.values).any(),
        completeness=heat_map.completeness, outliers=heat_map.outliers,
        components=heat_map.components, matches=len(heat_map.matches),
    )  # fmt: skip


def _query_words(query: Query) -> str:
    """What is known of a query without an answer."""
    if isinstance(query, str):
        known = {"auto": "the default query", "patches": ALL_PATCHES}
        return known.get(query, prefix_name(query))
    return "a patch" if len(points_of(query)) == 1 else f"the mean over {len(query)} patches"


def _model_title(pane: Pane, cell: Cell | None) -> str:
    if cell is not None and cell.request.model == pane.model:
        return shown_text(cell.card.title, MOST_OF_NAME)
    # A checkpoint is a path; a bundled model is an id, which may hold dots but no folder.
    path = Path(pane.model)
    return shown_text(path.stem if path.name != pane.model else pane.model, MOST_OF_NAME)


def _class_name(cell: Cell | None, index: int | None) -> str:
    if index is None:
        return ""
    names = cell.card.class_names if cell is not None else ()
    return shown_text(names[index], MOST_OF_NAME) if index < len(names) else f"class {index}"
