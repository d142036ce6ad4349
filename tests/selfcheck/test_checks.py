"""The self-checks pass here, and notice when something is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from vitviz.errors import CheckpointError
from vitviz.imaging.geometry import Box, Geometry
from vitviz.models.families import FAMILIES
from vitviz.models.vit import network as vit
from vitviz.models.vit.family import VIT
from vitviz.selfcheck import environment as this_computer
from vitviz.selfcheck import numbers as checks
from vitviz.selfcheck import specimens
from vitviz.selfcheck.environment import environment
from vitviz.selfcheck.numbers import Measurement, Outcome, outcomes
from vitviz.tracing.trace import Trace


def test_every_check_passes_and_says_what_it_measured() -> None:
    found = list(outcomes())
    assert len(found) >= 12
    assert [o for o in found if not o.passed] == []
    assert all("(limit " in o.detail for o in found)
    assert len({o.name for o in found}) == len(found)


def test_the_environment_is_named() -> None:
    named = dict(environment())
    assert named["torch"] == torch.__version__
    assert "cpu (CPU)" in named["Devices"]
    assert all(isinstance(value, str) and value for value in named.values())


def test_a_library_that_cannot_be_imported_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> Any:
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr(this_computer, "import_module", fail)
    monkeypatch.setattr(this_computer.metadata, "version", lambda name: f"version of {name}")
    named = dict(environment())
    assert named["torchvision"] == ("not importable: operator torchvision::nms does not exist")
    assert named["PySide6"] == "version of PySide6-Essentials"


@pytest.fixture
def _fresh() -> Any:
    """Nothing computed by the checks outlives a test that breaks something."""
    cached = (specimens.specimen_of, specimens.dense_attention, specimens.trace_of)
    for function in cached:
        function.cache_clear()
    yield
    for function in cached:
        function.cache_clear()


def outcome(monkeypatch: pytest.MonkeyPatch, check: Callable[[], Measurement]) -> Outcome:
    monkeypatch.setattr(checks, "_checks", lambda: iter([("it", check)]))
    (found,) = outcomes()
    return found


def test_a_check_that_breaks_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks() -> Measurement:
        raise CheckpointError("The file is damaged.", "hint")

    def bug() -> Measurement:
        raise ZeroDivisionError

    assert outcome(monkeypatch, breaks) == Outcome("it", False, "The file is damaged.")
    assert outcome(monkeypatch, bug) == Outcome("it", False, "ZeroDivisionError()")


@pytest.mark.parametrize(("error", "passed"), [(1.0, True), (1.1, False), (float("nan"), False)])
def test_an_error_above_its_limit_or_none_fails(
    monkeypatch: pytest.MonkeyPatch, error: float, passed: bool
) -> None:
    found = outcome(monkeypatch, lambda: Measurement(error, 1.0, " pixels"))
    assert found == Outcome("it", passed, f"{error:.2g} pixels (limit 1)")


def fails(check: Callable[[], Measurement]) -> bool:
    error, limit, _ = check()
    return not error <= limit


@pytest.mark.usefixtures("_fresh")
def test_wrong_attention_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = Trace.column
    monkeypatch.setattr(Trace, "column", lambda *asked: columns(*asked) * 1.001)
    assert fails(lambda: checks.attention("vit", "cpu"))


@pytest.mark.usefixtures("_fresh")
def test_attention_that_is_not_a_number_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = Trace.row
    monkeypatch.setattr(Trace, "row", lambda *asked: np.nan * rows(*asked))
    assert fails(lambda: checks.attention("vit", "cpu"))


@pytest.mark.usefixtures("_fresh")
def test_every_family_with_a_specimen_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the checks of one are called as ever: its name is said where there are more."""
    for name in [name for name in FAMILIES if name != "vit"]:
        monkeypatch.delitem(FAMILIES, name)
    alone = {name for name, _ in checks._checks()}
    assert "attention from q, k = dense softmax on cpu" in alone
    monkeypatch.setitem(FAMILIES, "toy", replace(VIT, name="toy", title="Toy"))
    monkeypatch.setitem(FAMILIES, "none", replace(VIT, name="none", title="None", specimen=None))
    both = {name for name, _ in checks._checks()}
    of_toys = {name for name in both if name.endswith(", Toy")}
    assert not any("None" in name for name in both)
    assert {name.removesuffix(", Toy") for name in of_toys} < alone
    assert len(of_toys) == len([name for name in both if name.endswith(", Vision Transformer")]) > 7
    assert specimens.dense_attention("toy").shape == specimens.dense_attention("vit").shape


@pytest.mark.usefixtures("_fresh")
@pytest.mark.parametrize("fusion", ["mean", "max", "min"])
def test_a_wrong_discard_is_noticed(monkeypatch: pytest.MonkeyPatch, fusion: Any) -> None:
    from vitviz.methods.parts import flow

    def one_too_few(blocks: Any, count: int, nbytes: int) -> Any:
        return discard(blocks, count - 1, nbytes)

    discard = flow.discard_smallest
    monkeypatch.setattr(flow, "discard_smallest", one_too_few)
    assert fails(lambda: checks.rollout("vit", "cpu", fusion, 0.6))
    assert not fails(lambda: checks.rollout("vit", "cpu", fusion, 0.0))


@pytest.mark.usefixtures("_fresh")
def test_a_wrong_patch_embedding_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    forward = vit.PatchEmbedding.forward

    def by_columns(self: vit.PatchEmbedding, image: Tensor) -> Tensor:
        return forward(self, image).unflatten(1, (5, 7)).transpose(1, 2).flatten(1, 2)

    assert not fails(lambda: checks.patch_embedding("vit"))
    with monkeypatch.context() as patched:
        patched.setattr(vit.PatchEmbedding, "forward", by_columns)
        assert fails(lambda: checks.patch_embedding("vit"))
    with monkeypatch.context() as patched:
        patched.setattr(vit.PatchEmbedding, "forward", lambda *given: 0 * forward(*given))
        assert fails(lambda: checks.patch_embedding("vit"))
    convolve = nn.Conv2d.forward
    monkeypatch.setattr(nn.Conv2d, "forward", lambda *given: 1.0001 * convolve(*given))
    assert fails(lambda: checks.patch_embedding("vit"))


def test_a_misplaced_patch_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    box = Geometry.patch_box

    def moved(self: Geometry, row: int, col: int) -> Box:
        left, top, right, bottom = box(self, row, col)
        return Box(left + 0.6, top, right + 0.6, bottom)

    monkeypatch.setattr(Geometry, "patch_box", moved)
    assert fails(checks.alignment)
    assert fails(checks.tiling)


def test_a_changed_checkpoint_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    cards = tuple(replace(card, sha256="0" * 64) for card in checks.bundled())
    monkeypatch.setattr(checks, "bundled", lambda: cards)
    assert fails(checks.checksums)
    monkeypatch.setattr(checks, "bundled", lambda: ())
    assert fails(checks.checksums)
