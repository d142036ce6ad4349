"""The thread border: what comes back, on which thread, and what does not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from vitviz.engine.photos import PhotoCache
from vitviz.engine.plan import plan
from vitviz.engine.requests import ExplainRequest
from vitviz.errors import PhotoError
from vitviz.gui.threads.service import THUMBNAIL_EDGE, Kept, Service
from vitviz.models.loading import bundled
from vitviz.progress import Stage
from vitviz.session.state import PhotoRef, Session, View

from .conftest import WAIT_MS, draw, threads_left

WHITE = (255, 255, 255)


@pytest.fixture
def service(qtbot: QtBot) -> Iterator[Service]:
    service = Service(PhotoCache())
    yield service
    service.close()
    assert threads_left() == []


def request(path: Path, **view: object) -> ExplainRequest:
    session = Session((PhotoRef(str(path)),), 0, bundled()[0].id, view=View(**view))  # type: ignore[arg-type]
    return plan(session)[0]


def test_answers_come_on_the_asking_thread(service: Service, qtbot: QtBot, photos) -> None:
    threads: list[threading.Thread] = []
    stages: list[Stage] = []
    service.progressed.connect(lambda request, stage, fraction: stages.append(stage))
    service.answered.connect(lambda cell: threads.append(threading.current_thread()))
    with qtbot.waitSignal(service.idle, timeout=WAIT_MS):
        service.ask([request(photos[0])])
        assert service.is_busy
    assert threads == [threading.main_thread()]
    assert not service.is_busy
    assert stages[0] == Stage("loading_torch")


def test_work_that_a_map_waits_for_does_not_stand_aside(
    service: Service, qtbot: QtBot, photos
) -> None:
    wanted = request(photos[0])
    begun, asked = threading.Event(), threading.Event()

    def hold(stage: Stage, fraction: float) -> None:
        if stage.kind == "block" and not begun.is_set():
            begun.set()  # the network's answer to the photo is being made here from now on
            asked.wait(WAIT_MS / 1000)

    other = threading.Thread(
        target=lambda: service.engine.answer(wanted, service.aside(hold)), daemon=True
    )
    other.start()
    assert begun.wait(WAIT_MS / 1000)
    with qtbot.waitSignal(service.answered, timeout=WAIT_MS):
        service.ask([wanted])
        asked.set()
    other.join(WAIT_MS / 1000)
    assert not other.is_alive()


def test_memory_of_closed_photos_is_given_back(
    service: Service, qtbot: QtBot, photos, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[str] = []
    monkeypatch.setattr(
        "vitviz.gui.threads.service.give_back",
        lambda: given.append(threading.current_thread().name),
    )
    engine = service.engine
    with qtbot.waitSignal(service.idle, timeout=WAIT_MS):
        service.ask([request(photos[0])])
    refs = tuple(PhotoRef(str(path)) for path in photos)
    service.keep(Kept(refs, frozenset(refs[:1])))
    qtbot.waitUntil(lambda: len(given) == 1, timeout=WAIT_MS)
    assert engine._traces.held > 0
    service.keep(Kept())
    qtbot.waitUntil(lambda: len(given) == 2, timeout=WAIT_MS)
    assert engine._traces.held == engine._explanations.held == engine.photos._photos.held == 0
    assert set(given) == {"vitviz-tidying"}


def test_only_the_newest_request_is_answered(service: Service, qtbot: QtBot, photos) -> None:
    cells: list[object] = []
    service.answered.connect(cells.append)
    with qtbot.waitSignal(service.idle, timeout=WAIT_MS):
        for path in (*photos, *photos):
            service.ask([request(path)])
    assert [cell.request.photo.path for cell in cells] == [str(photos[-1])]


def test_all_that_is_wanted_is_answered_once(service: Service, qtbot: QtBot, photos) -> None:
    wanted = [request(photos[0]), request(photos[1]), request(photos[0], method="rollout")]
    cells: list[object] = []
    about: set[object] = set()
    service.answered.connect(cells.append)
    service.progressed.connect(lambda request, stage, fraction: about.add(request))
    with qtbot.waitSignal(service.idle, timeout=WAIT_MS):
        service.ask(wanted)
    assert {cell.request for cell in cells} == about == set(wanted)
    assert len(cells) == 3
    service.ask(wanted[1:])
    assert not service.is_busy, "still wanted, and told already"
    with qtbot.waitSignal(service.idle, timeout=WAIT_MS):
        service.ask(wanted)
    assert [cell.request for cell in cells[3:]] == wanted[:1], "it was taken back in between"


def test_idle_is_said_when_the_last_thing_wanted_is_taken_back(
    service: Service, qtbot: QtBot, photos
) -> None:
    with qtbot.assertNotEmitted(service.idle):
        service.ask([])
        service.ask([request(photos[0]), request(photos[1])])
        service.ask([request(photos[1])])
    with qtbot.waitSignal(service.idle, timeout=WAIT_MS):
        service.ask([])


def test_several_photos_are_opened_once_each(service: Service, qtbot: QtBot, photos) -> None:
    refs = [PhotoRef(str(path)) for path in photos]
    opened: list[PhotoRef] = []
    service.opened.connect(lambda found: opened.append(found.ref))
    service.open([refs[0], refs[1]], WHITE)
    service.open([refs[1], refs[2]], WHITE)
    qtbot.waitUntil(lambda: not service.is_opening, timeout=WAIT_MS)
    assert sorted(opened, key=refs.index) == refs[1:]
    service.open([refs[2]], WHITE)
    assert not service.is_opening


def test_after_cancel_nothing_comes(service: Service, qtbot: QtBot, photos) -> None:
    heard: list[object] = []
    for signal in (service.answered, service.failed):
        signal.connect(lambda *args: heard.append(args))
    service.ask([request(photos[0])])
    with qtbot.waitSignal(service.idle):
        service.ask(())
    with qtbot.waitSignal(service.previewed, timeout=WAIT_MS):
        service.preview([PhotoRef(str(photos[0]))], WHITE)
    service.close()
    qtbot.wait(0)
    assert heard == []


def test_cells_cannot_be_written_to(service: Service, qtbot: QtBot, photos) -> None:
    with qtbot.waitSignal(service.answered, timeout=WAIT_MS) as answered:
        service.ask([request(photos[1], method="rollout")])
    cell = answered.args[0]
    arrays = (cell.explanation.values, cell.heat_map(View()).values)
    assert not any(array.flags.writeable for array in arrays)


def test_opening_gives_what_the_canvas_needs(service: Service, qtbot: QtBot, tmp_path) -> None:
    ref = PhotoRef(str(draw(tmp_path / "wide.png", 900, 300)))
    with qtbot.waitSignal(service.opened, timeout=WAIT_MS) as signal:
        service.open([ref], WHITE)
        assert service.is_opening
    opened = signal.args[0]
    assert opened.ref == ref
    assert opened.photo.size == (300, 900)
    assert max(opened.thumbnail.shape) == THUMBNAIL_EDGE
    assert not service.is_opening


def test_refusals_name_the_photo(service: Service, qtbot: QtBot, tmp_path: Path) -> None:
    ref = PhotoRef(str(tmp_path / "none.png"))
    with qtbot.waitSignals([service.open_failed, service.preview_failed], timeout=WAIT_MS) as s:
        service.open([ref], WHITE)
        service.preview([ref], WHITE)
    for emitted in s.all_signals_and_args:
        assert emitted.args[0] == ref
        assert isinstance(emitted.args[1], PhotoError)


def test_a_failure_does_not_end_the_worker(
    service: Service, qtbot: QtBot, tmp_path, photos
) -> None:
    with qtbot.waitSignal(service.failed, timeout=WAIT_MS):
        service.ask([request(tmp_path / "none.png")])
    with qtbot.waitSignal(service.answered, timeout=WAIT_MS):
        service.ask([request(photos[0])])


def test_devices(service: Service, qtbot: QtBot) -> None:
    with qtbot.waitSignal(service.devices_found, timeout=WAIT_MS) as found:
        service.find_devices()
    assert "cpu" in [name for _, name in found.args[0]]


def test_nothing_is_heard_after_closing(service: Service, qtbot: QtBot, photos) -> None:
    heard: list[object] = []
    for signal in (service.answered, service.opened, service.previewed, service.idle):
        signal.connect(lambda *args: heard.append(args))
    ref = PhotoRef(str(photos[0]))
    service.open([ref], WHITE)
    service.preview([ref], WHITE)
    service.ask([request(photos[0])])
    service.close()
    service.close()
    qtbot.wait(0)
    assert heard == []
