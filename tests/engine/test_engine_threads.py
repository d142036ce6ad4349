"""An engine asked by two threads."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.engine.test_engine import Counts, counts, done, request_
from tests.samples import CARD, request_for, save_photo
from vitviz.engine import engine as module
from vitviz.engine import room as room_module
from vitviz.engine.engine import Engine
from vitviz.engine.requests import ExplainRequest
from vitviz.errors import Cancelled
from vitviz.progress import Stage
from vitviz.tracing import run as run_module

__all__ = ["counts", "request_"]


def test_two_threads_compute_what_both_need_once(request_: ExplainRequest, counts: Counts) -> None:
    engine = Engine()
    at_the_network, go_on = threading.Event(), threading.Event()
    stages: list[str] = []

    def first(stage: Stage, fraction: float) -> None:
        if stage.kind == "block" and stage.number == 0:
            at_the_network.set()
            assert go_on.wait(30)

    def second(stage: Stage, fraction: float) -> None:
        stages.append(stage)
        if stage == module.WAITING:
            go_on.set()

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(engine.answer, request_, first)
        assert at_the_network.wait(30)
        other = pool.submit(engine.answer, replace(request_, head="max"), second)
        cells = one.result(30), other.result(30)
    assert module.WAITING in stages
    assert done(counts) == (1, 1, 2)
    assert [cell.explanation.head for cell in cells] == ["mean", "max"]


def test_who_waits_for_a_thread_that_gives_up_does_it_itself(
    request_: ExplainRequest, counts: Counts
) -> None:
    engine = Engine()
    at_the_network, give_up = threading.Event(), threading.Event()

    def first(stage: Stage, fraction: float) -> None:
        if stage.kind == "block" and stage.number == 1:
            at_the_network.set()
            assert give_up.wait(30)
            raise Cancelled

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(engine.answer, request_, first)
        assert at_the_network.wait(30)
        other = pool.submit(
            engine.answer,
            request_,
            lambda stage, _: give_up.set() if stage == module.WAITING else None,
        )
        assert other.result(30).request == request_
        with pytest.raises(Cancelled):
            one.result(30)
    assert done(counts) == (1, 2, 1)


def test_who_waits_can_be_cancelled(request_: ExplainRequest) -> None:
    engine = Engine()
    at_the_network, go_on = threading.Event(), threading.Event()

    def first(stage: Stage, fraction: float) -> None:
        if stage.kind == "block" and stage.number == 0:
            at_the_network.set()
            assert go_on.wait(30)

    def second(stage: Stage, fraction: float) -> None:
        if stage == module.WAITING:
            raise Cancelled

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(engine.answer, request_, first)
        assert at_the_network.wait(30)
        with pytest.raises(Cancelled):
            engine.answer(request_, second)
        go_on.set()
        assert one.result(30).request == request_


def test_two_forwards_that_do_not_fit_beside_each_other_run_in_turn(
    tmp_path: Path, photo: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other_photo = save_photo(tmp_path / "other.png", 7)
    requests = [request_for(path, checkpoint) for path in (photo, other_photo)]
    needed = CARD.cost_at((12, 20)).peak_bytes
    engine, inside, most, waited = Engine(), [0], [0], threading.Event()
    engine._room = room_module.Room(lambda device: 2 * needed - 1)
    run = run_module.run

    def watched(*arguments: Any, **options: Any) -> Any:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        assert waited.wait(30), "the other one was to wait for this one"
        try:
            return run(*arguments, **options)
        finally:
            inside[0] -= 1

    monkeypatch.setattr(run_module, "run", watched)

    def progress(stage: Stage, fraction: float) -> None:
        # Loading is waited for as well: only one that waits while the other is at it counts.
        if stage == module.WAITING and inside[0] == 1:
            waited.set()

    with ThreadPoolExecutor(2) as pool:
        cells = list(pool.map(lambda request: engine.answer(request, progress), requests))
    assert [cell.request for cell in cells] == requests
    assert most[0] == 1
