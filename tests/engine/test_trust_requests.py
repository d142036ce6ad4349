"""Maps judged, tested and ranked through the engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.models.networks import SMALL, random_network
from tests.samples import request_for
from vitviz.engine.engine import Engine
from vitviz.engine.judging import forwards
from vitviz.engine.requests import HeadGridRequest, RankRequest, SanityRequest, Test, TrustRequest
from vitviz.engine.seeing import see
from vitviz.errors import Cancelled, VitvizError
from vitviz.imaging.preprocess import InputChoice
from vitviz.methods import METHODS
from vitviz.models.loading import load_model
from vitviz.probing.probe import Probe
from vitviz.progress import Stage
from vitviz.session.state import View
from vitviz.trust.curves import curve
from vitviz.trust.orders import order_of
from vitviz.trust.ranking import BASELINES
from vitviz.wording.trust import trust_caption, trust_line, trust_numbers


def test_a_judgement_is_what_a_probe_says(photo: Path, checkpoint: Path) -> None:
    engine = Engine()
    request = request_for(photo, checkpoint, View("relevance", target=3))
    trust = engine.answer(TrustRequest(request, 0, "mean", orders=10, seed=5))
    assert (trust.target, trust.removal, trust.about_class) == (3, "drop", True)
    model = load_model(checkpoint, "cpu")
    trace = see(engine.photos.get(request.photo, request.background), model, InputChoice())
    probe = Probe.of(trace)
    values = engine.answer(request).explanation.map(0, "mean").values.ravel()
    np.testing.assert_array_equal(trust.heat_map.values.ravel(), values)
    along = curve(
        lambda removed, progress: probe.probabilities(removed, 3, progress),
        order_of(values.astype(np.float64), np.random.default_rng(5)),
        trust.judgement.references.counts,
    )
    np.testing.assert_allclose(trust.judgement.curve.first, along.first, rtol=1e-6)
    np.testing.assert_allclose(trust.judgement.curve.last, along.last, rtol=1e-6)
    assert "“class 3”" in trust_line(trust)


def test_a_class_set_against_another_is_judged_among_the_two(photo: Path, checkpoint: Path) -> None:
    engine = Engine()
    request = request_for(photo, checkpoint, View("relevance", target=3, contrast=5))
    trust = engine.answer(TrustRequest(request, orders=10))
    alone = engine.answer(TrustRequest(replace(request, contrast=None), orders=10))
    assert "“class 3” against “class 5”" in trust_line(trust)
    model = load_model(checkpoint, "cpu")
    trace = see(engine.photos.get(request.photo, request.background), model, InputChoice())
    of_two = 1 / (1 + np.exp(float(trace.logits[5]) - float(trace.logits[3])))
    assert trust.judgement.references.whole == pytest.approx(of_two, rel=1e-5)
    assert alone.judgement.references.whole < of_two


def test_a_map_without_a_class_asks_the_predicted_one(photo: Path, checkpoint: Path) -> None:
    engine = Engine()
    request = request_for(photo, checkpoint)
    trust = engine.answer(TrustRequest(request, orders=10))
    assert trust.target == int(engine.answer(request).probabilities.argmax())
    assert not trust.about_class
    line = trust_line(trust)
    assert f"the predicted “class {trust.target}”" in line
    assert "It shows what is mixed, not what decides." in line
    caption = trust_caption(trust)
    for words in ("patches dropped", "6 steps", "10 random orders", "seed 0", "forwards"):
        assert words in caption
    assert {"Gain", "SaCo", "On outlier patches"} <= {title for title, *_ in trust_numbers(trust)}


def test_what_is_the_same_for_all_maps_is_asked_once(photo: Path, checkpoint: Path) -> None:
    engine = Engine()
    asked = 0

    def progress(stage: Stage, fraction: float) -> None:
        nonlocal asked
        asked += stage.kind == "removing"

    request = TrustRequest(request_for(photo, checkpoint), orders=20)
    first = engine.answer(request, progress)
    assert asked >= first.judgement.references.forwards - 1
    asked = 0
    other = engine.answer(replace(request, head=1), progress)
    assert other.judgement.references is first.judgement.references
    assert asked == other.judgement.forwards


def test_it_can_be_cancelled(photo: Path, checkpoint: Path) -> None:
    def progress(stage: Stage, fraction: float) -> None:
        if stage.kind == "removing" and stage.number > 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        Engine().answer(TrustRequest(request_for(photo, checkpoint)), progress)


def test_a_model_without_classes_is_told_why(photo: Path, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    from tests.samples import CARD
    from vitviz.models.card import to_json

    config = replace(SMALL, classes=0)
    path = tmp_path / "headless.safetensors"
    save_file(dict(random_network(config).state_dict()), path)
    path.with_suffix(".json").write_text(to_json(replace(CARD, config=config)), encoding="utf-8")
    with pytest.raises(VitvizError, match="no classes, so there is no answer") as caught:
        Engine().answer(TrustRequest(request_for(photo, path)))
    assert "classifier" in caught.value.hint


@pytest.mark.parametrize("test", ["class", "weights down", "weights up", "photo"])
def test_sanity(photo: Path, checkpoint: Path, test: Test) -> None:
    engine = Engine()
    request = request_for(photo, checkpoint, View("relevance"))
    before = engine.answer(request).explanation.values
    sanity = engine.answer(SanityRequest(request, test))
    names = [check.what for check in sanity.checks]
    assert names == {
        "class": names, "photo": ["moved by a pixel", "compressed as JPEG"],
        "weights down": ["block 2", "blocks 1 to 2"], "weights up": ["block 1", "blocks 1 to 2"],
    }[test]  # fmt: skip
    ranks = [check.rank for check in sanity.checks if check.rank is not None]
    assert all(-1 <= rank <= 1 for rank in ranks)
    if test == "class":
        assert len(names) == 5
        for check in sanity.checks:
            other = replace(request, target=int(check.what.split()[1]))
            theirs = engine.answer(other).explanation.map(-1, "mean").values
            own = engine.answer(request).explanation.map(-1, "mean").values
            from scipy.stats import spearmanr

            expected = spearmanr(own.ravel(), theirs.ravel()).statistic
            assert check.rank == pytest.approx(expected, abs=1e-6)
    engine._explanations.clear()  # the loaded network is what it was
    engine._traces.clear()
    np.testing.assert_array_equal(engine.answer(request).explanation.values, before)


def test_other_classes_of_a_method_about_none(photo: Path, checkpoint: Path) -> None:
    request = request_for(photo, checkpoint)
    with pytest.raises(VitvizError, match="asks about no class"):
        Engine().answer(SanityRequest(request, "class"))


def test_the_grid_of_heads(photo: Path, checkpoint: Path) -> None:
    engine, request = Engine(), request_for(photo, checkpoint)
    grid = engine.answer(
        HeadGridRequest(request.photo, request.background, request.model, request.input, 2,
                        device="cpu")
    )  # fmt: skip
    assert grid.target_name == "class 2"
    assert [(layer, values.shape) for layer, values in grid.layers] == [(0, (3,)), (1, (3,))]


def test_methods_are_ranked_beside_maps_that_know_nothing(
    photo: Path, checkpoint: Path, tmp_path: Path
) -> None:
    mask = np.zeros((40, 60), np.uint8)
    mask[10:30, 20:35] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    engine = Engine()
    requests = tuple(
        request_for(photo, checkpoint, View(name)) for name in ("attention", "relevance")
    )
    ranking = engine.answer(RankRequest(requests, str(tmp_path / "mask.png"), orders=10))
    assert [row.name for row in ranking.rows] == ["attention", "relevance", *BASELINES]
    best = ranking.rows[-1].judgement
    assert best.gain == pytest.approx(best.references.best.gain)
    assert best.normalised_gain is None or best.normalised_gain == pytest.approx(1)
    alone = engine.answer(TrustRequest(requests[0], orders=10))
    assert ranking.rows[0].judgement.gain == alone.judgement.gain
    assert all(row.place is not None and 0 <= row.place.overlap <= 1 for row in ranking.rows)
    middle = next(row for row in ranking.rows if row.name == "centre")
    assert middle.place.pointing


def test_all_methods_are_ranked_by_the_class_that_is_asked_about(
    photo: Path, checkpoint: Path
) -> None:
    engine = Engine()
    views = (View("attention", target=4), View("relevance", target=4))
    requests = tuple(request_for(photo, checkpoint, view) for view in views)
    predicted = int(engine.answer(requests[0]).probabilities.argmax())
    assert predicted != 4
    ranking = engine.answer(RankRequest(requests, orders=4))
    assert (ranking.target, ranking.target_name) == (4, "class 4")


def test_what_a_judgement_costs_is_known_before(photo: Path, checkpoint: Path) -> None:
    """In forwards of whole photos; those of fewer tokens count half."""
    card = load_model(checkpoint, "cpu").card
    trust = Engine().answer(TrustRequest(request_for(photo, checkpoint)))
    asked = trust.judgement.references.forwards + trust.judgement.forwards
    assert asked / 2 <= forwards(card.outline) <= asked


def test_no_method_is_called_as_a_baseline() -> None:
    assert not set(METHODS) & set(BASELINES)
