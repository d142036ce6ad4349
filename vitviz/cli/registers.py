"""``--registers``: neurons that make outlier patches, looked for and put into the choices."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace

from vitviz.cli.terminal import say
from vitviz.engine.engine import Engine
from vitviz.engine.requests import MOST_REGISTER_PHOTOS, RegistersRequest
from vitviz.probing.ablation import Registers
from vitviz.session.state import PhotoRef, Session, with_panes
from vitviz.wording.registers import found_words


def with_registers(
    session: Session, photos: Sequence[PhotoRef], engine: Engine, options: argparse.Namespace
) -> Session:
    """The choices with the test-time registers that ``--registers`` asks for, and says which they
    are; as they are without it.

    Args:
        session: Its panes may have different models.
        photos: Over which neurons are looked for.
        engine: Looks for them.
        options: Of ``add_choices``.

    Raises:
        VitvizError: A model can have no registers, or no photo has an outlier patch.
    """
    if not options.registers:
        return session
    found: dict[RegistersRequest, Registers] = {}
    panes = []
    for pane in session.panes:
        request = RegistersRequest(
            tuple(photos[:MOST_REGISTER_PHOTOS]), session.background, pane.model, pane.input,
            options.registers, options.registers_above, options.device,
        )  # fmt: skip
        if request not in found:
            answer = engine.answer(request)
            say(found_words(answer))
            found[request] = answer.registers
        ablation = replace(pane.view.ablation, registers=found[request])
        panes.append(replace(pane, view=replace(pane.view, ablation=ablation)))
    return with_panes(session, tuple(panes), session.compare.focus)
