"""Maps of networks that are no ViT are judged, too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.families.toy_cnn import TOY_CNN
from tests.families.toy_stages import STAGES
from tests.samples import request_for
from vitviz.engine.engine import Engine
from vitviz.engine.requests import TrustRequest
from vitviz.errors import VitvizError
from vitviz.models.family import Family
from vitviz.session.state import View

Toy = Callable[[Family], Path]


@pytest.mark.parametrize("family", [STAGES, TOY_CNN], ids=lambda family: family.name)
def test_networks_that_cannot_drop_are_judged_by_filled_inputs(
    toy: Toy, photo: Path, family: Family
) -> None:
    request = request_for(photo, toy(family), View("feature-norm"))
    engine = Engine()
    trust = engine.answer(TrustRequest(request, orders=10))
    assert trust.removal == "mean"
    grid = engine.answer(request).explanation.map(-1, "mean").values.shape
    assert trust.judgement.references.leave_one_out.shape == grid
    road = engine.answer(TrustRequest(request, removal="road", orders=10))
    assert road.removal == "road"
    with pytest.raises(VitvizError, match="cannot be run without"):
        engine.answer(TrustRequest(request, removal="drop", orders=10))
