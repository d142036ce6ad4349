"""Maps that refer to other photos: the engine's are those of the method on the same traces."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import vitviz
from tests.samples import request_for, save_photo
from vitviz.engine.engine import Engine
from vitviz.engine.plan import plan
from vitviz.engine.requests import SanityRequest
from vitviz.errors import VitvizError
from vitviz.session.state import PhotoRef, Session, View


@pytest.fixture
def others(tmp_path: Path) -> list[Path]:
    """Two photos, of other sizes than the first."""
    return [
        save_photo(tmp_path / name, seed, size)
        for name, size, seed in (("b.png", (50, 40), 2), ("c.png", (40, 70), 3))
    ]


def refs(paths: list[Path]) -> tuple[PhotoRef, ...]:
    return tuple(PhotoRef(str(path)) for path in paths)


def test_components_of_several_photos(photo: Path, checkpoint: Path, others: list[Path]) -> None:
    engine, asked = Engine(), request_for(photo, checkpoint, View("pca"))
    request = replace(asked, reference=refs([photo, *others]))
    cell = engine.answer(request)
    model = vitviz.load_model(checkpoint)
    traces = [vitviz.trace(vitviz.load_photo(path), model) for path in (photo, *others)]
    expected = vitviz.explain(traces[0], "pca", reference=traces)
    found = cell.explanation.map(-1, "mean")
    np.testing.assert_allclose(found.values, expected.values, atol=1e-5)
    assert found.components is not None
    assert found.components.photos == 3
    alone = engine.answer(asked).explanation.map(-1, "mean")
    assert not np.allclose(alone.values, found.values)
    assert engine.answer(request).explanation is cell.explanation


def test_a_query_on_another_photo(photo: Path, checkpoint: Path, others: list[Path]) -> None:
    view = View("similarity", query=(25.0, 20.0), params=(("features", "keys"),))
    request = replace(request_for(photo, checkpoint, view), reference=refs(others[:1]))
    cell = Engine().answer(request)
    model = vitviz.load_model(checkpoint)
    own, other = (vitviz.trace(vitviz.load_photo(path), model) for path in (photo, others[0]))
    expected = vitviz.explain(
        own, "similarity", query=(25.0, 20.0), features="keys", reference=[other]
    )
    found = cell.explanation.map(-1, "mean")
    np.testing.assert_allclose(found.values, expected.values, atol=1e-5)
    assert found.matches == expected.matches
    assert cell.query_geometry == other.geometry
    assert cell.patches_of_query(0) == cell.outlined_tokens == ()
    with pytest.raises(VitvizError, match="other photos"):
        Engine().answer(SanityRequest(request, "photo"))


def test_what_a_map_refers_to_is_planned(photo: Path, others: list[Path]) -> None:
    own, *more = refs([photo, *others])

    def planned(method: str, reference: tuple[PhotoRef, ...]) -> tuple[PhotoRef, ...]:
        view = View(method, reference=reference)
        (request,) = plan(Session((own,), model="m", view=view))
        return request.reference

    assert planned("pca", (own, *more, own)) == (own, *more)
    assert planned("pca", (own,)) == planned("similarity", (own,)) == ()
    assert planned("similarity", tuple(more)) == (more[0],)
    assert planned("attention", tuple(more)) == ()


def test_photos_that_cannot_be_referred_to_are_refused(photo: Path, checkpoint: Path) -> None:
    trace = vitviz.trace(vitviz.load_photo(photo), vitviz.load_model(checkpoint))
    with pytest.raises(VitvizError, match="refers to no other photos") as caught:
        vitviz.explain(trace, "attention", reference=[trace])
    assert "pca, similarity" in caught.value.hint
    with pytest.raises(VitvizError, match="at most 1 photo, not to 2"):
        vitviz.explain(trace, "similarity", reference=[trace, trace])
