"""Panes with maps made by hand, for tests of the Compare view."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.explanations import explanation_of
from vitviz.engine.answers import Cell
from vitviz.engine.plan import plan
from vitviz.gui.canvas.pyramid import pyramid
from vitviz.gui.scene import PaneState, Scene
from vitviz.gui.threads.service import OpenPhoto
from vitviz.gui.views.compare.pane import ComparePane
from vitviz.gui.views.compare.view import CompareView
from vitviz.imaging.geometry import Geometry
from vitviz.imaging.photo import Photo
from vitviz.models.loading import bundled
from vitviz.models.tokens import TokenLayout
from vitviz.session.state import (
    Arrangement,
    Compare,
    Pane,
    PhotoRef,
    Session,
    View,
    with_panes,
)

WHOLE = Geometry((300, 500), (48, 80), (0, 0), (48, 80), 16)
FINER = Geometry((300, 500), (96, 160), (0, 0), (96, 160), 16)
MIDDLE = Geometry((300, 500), (48, 80), (0, 16), (48, 48), 16)
TALL = Geometry((600, 250), (80, 48), (0, 0), (80, 48), 16)


@functools.cache
def opened(name: str, size: tuple[int, int]) -> OpenPhoto:
    small = np.random.default_rng(len(name)).integers(0, 256, (6, 10, 3), dtype=np.uint8)
    pixels = np.repeat(np.repeat(small, -(-size[0] // 6), axis=0), -(-size[1] // 10), axis=1)
    pixels = np.ascontiguousarray(pixels[: size[0], : size[1]])
    pixels.flags.writeable = False
    photo = Photo(pixels, Path(name), name)
    return OpenPhoto(PhotoRef(name), photo, pyramid(pixels), pixels[::8, ::8])


CARD = replace(
    bundled()[0],
    config=replace(bundled()[0].config, prefix=("cls", "dist"), positioned_prefix=2),
)
"""Of a model with the tokens of the answers."""


def state(
    name: str = "one.png", geometry: Geometry = WHOLE, view: View | None = None, seed: int = 0
) -> PaneState:
    """A pane with an answer: random attention of 4 layers and 3 heads, CLS and DIST before it."""
    pane = Pane(PhotoRef(name), bundled()[0].id, view=view or View(layer=0))
    layout = TokenLayout(("cls", "dist"), geometry.grid)
    values = np.random.default_rng(seed).random((4, 3, layout.tokens), dtype=np.float32)
    unit = "rollout" if pane.view.method == "rollout" else "attention"
    explanation = explanation_of(
        values / layout.tokens, (0, 1, 2, 3), None, layout, unit, geometry=geometry
    )
    (request,) = plan(Session((pane.photo,), 0, pane.model, pane.input, pane.view), "cpu")
    input_pixels = np.zeros((*geometry.input_size, 3), np.uint8)
    token = 0
    if not isinstance(pane.view.query, str):
        patch = geometry.patch_at(*pane.view.query)
        token = layout.index(*patch) if patch else 0
    cell = Cell(
        request, name, CARD, geometry, (token,), explanation, None, input_pixels, "cpu",
        0.01, 0.001,
    )  # fmt: skip
    return PaneState(pane, opened(name, geometry.photo_size), cell)


def session_of(
    states: tuple[PaneState, ...], focus: int = 0, arrangement: Arrangement = "panes",
    **choices: object,
) -> Session:  # fmt: skip
    photos = tuple(dict.fromkeys(s.pane.photo for s in states if s.pane.photo))
    session = Session(photos, model=states[0].pane.model, tab="compare")
    compare = Compare(arrangement=arrangement, **choices)  # type: ignore[arg-type]
    session = replace(session, compare=compare)
    return with_panes(session, tuple(s.pane for s in states), focus)


def layers(*numbers: int) -> tuple[PaneState, ...]:
    return tuple(state(view=View(layer=layer)) for layer in numbers)


def show(view: CompareView, states: tuple[PaneState, ...], session: Session) -> None:
    """The view, of a window with these panes."""
    view.show_scene(Scene(session, states))


def values(shown: PaneState) -> np.ndarray:
    assert shown.cell is not None
    return shown.cell.heat_map(shown.pane.view).values


def point_at(pane: ComparePane, x: float, y: float) -> None:
    """The pointer goes over a point of the pane's photo."""
    pane.canvas.pointed(*pane.canvas.viewport.to_widget(x, y))
