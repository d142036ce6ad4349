"""Photos stay in memory, within a budget, and are decoded once."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import pytest

from tests.samples import save_photo
from vitviz.engine import photos as module
from vitviz.engine.photos import PhotoCache
from vitviz.errors import PhotoError, PhotoTooLarge
from vitviz.imaging.photo import Photo
from vitviz.session.state import PhotoRef

WHITE = (255, 255, 255)
BYTES = 40 * 60 * 3


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files opened, in order."""
    names: list[str] = []
    load = module.load

    def counted(path: str, **options: object) -> Photo:
        names.append(Path(path).name)
        return load(path, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "load", counted)
    return names


def refs(folder: Path, count: int) -> list[PhotoRef]:
    return [PhotoRef(str(save_photo(folder / f"{i}.png", i))) for i in range(count)]


def test_the_least_recently_used_photo_is_forgotten(tmp_path: Path, opened: list[str]) -> None:
    a, b, c = refs(tmp_path, 3)
    cache = PhotoCache(budget_bytes=2 * BYTES)
    for ref in (a, b, a, c, a, b):  # c pushes out b, which was used before a
        cache.get(ref, WHITE)
    assert opened == ["0.png", "1.png", "2.png", "1.png"]


def test_closed_photos_are_forgotten(tmp_path: Path, opened: list[str]) -> None:
    a, b, c = refs(tmp_path, 3)
    cache = PhotoCache()
    for ref in (a, b, c):
        cache.get(ref, WHITE)
    cache.keep({a.path, c.path}, {c})
    for ref in (a, b, c):
        cache.get(ref, WHITE)
    assert opened == ["0.png", "1.png", "2.png", "1.png"]


def test_of_photos_that_are_not_shown_few_are_kept(
    tmp_path: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SPARE_BYTES", BYTES)
    a, b, c, d = refs(tmp_path, 4)
    cache = PhotoCache()
    for ref in (a, b, c, d):
        cache.get(ref, WHITE)
    cache.keep({ref.path for ref in (a, b, c, d)}, {a})
    cache.get(a, WHITE)
    for ref in (c, d, b):
        cache.get(ref, WHITE)
    assert opened == ["0.png", "1.png", "2.png", "3.png", "1.png"], "b was the oldest"


def test_the_last_photo_is_kept_whatever_the_budget(tmp_path: Path, opened: list[str]) -> None:
    a, b = refs(tmp_path, 2)
    cache = PhotoCache(budget_bytes=1)
    assert cache.get(a, WHITE) is cache.get(a, WHITE)
    cache.get(b, WHITE)
    cache.get(a, WHITE)
    assert opened == ["0.png", "1.png", "0.png"]


def test_frame_and_background_make_another_photo(tmp_path: Path, opened: list[str]) -> None:
    (ref,) = refs(tmp_path, 1)
    cache = PhotoCache()
    cache.get(ref, WHITE)
    cache.get(ref, (0, 0, 0))
    assert len(opened) == 2


def test_two_threads_decode_a_photo_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (ref,) = refs(tmp_path, 1)
    load, calls = module.load, []
    inside, go_on = threading.Event(), threading.Event()

    def slow(path: str, **options: object) -> Photo:
        calls.append(path)
        inside.set()
        assert go_on.wait(30)
        return load(path, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "load", slow)
    cache = PhotoCache()
    found: list[Photo] = []
    threads = [
        threading.Thread(target=lambda: found.append(cache.get(ref, WHITE))) for _ in range(3)
    ]
    threads[0].start()
    assert inside.wait(30)  # the first one is decoding; the others can only wait or decode too
    for thread in threads[1:]:
        thread.start()
    go_on.set()
    for thread in threads:
        thread.join(30)
    assert len(calls) == 1
    assert len(found) == 3
    assert found[0] is found[1] is found[2]


def test_a_failure_is_told_each_time_and_nothing_of_it_stays(tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"no photo")
    cache = PhotoCache()
    for _ in range(2):
        with pytest.raises(PhotoError):
            cache.get(PhotoRef(str(tmp_path / "bad.png")), WHITE)
    assert not cache._photos._in_work
    good = PhotoRef(str(save_photo(tmp_path / "bad.png", 1)))
    assert cache.get(good, WHITE).size == (40, 60)
    assert not cache._photos._in_work


def test_a_file_written_anew_is_opened_anew_and_one_that_is_gone_stays(tmp_path: Path) -> None:
    path = save_photo(tmp_path / "photo.png", 1)
    cache, ref = PhotoCache(), PhotoRef(str(path))
    before = cache.get(ref, WHITE)
    save_photo(path, 2, (30, 50))
    os.utime(path, ns=(1, 1))  # whatever the clock's resolution
    after = cache.get(ref, WHITE)
    assert (before.size, after.size) == ((40, 60), (30, 50))
    path.unlink()
    assert cache.get(ref, WHITE) is after


def test_a_large_photo_is_a_question_until_it_is_allowed(tmp_path: Path) -> None:
    (ref,) = refs(tmp_path, 1)
    cache = PhotoCache(max_pixels=40 * 60 - 1)
    with pytest.raises(PhotoTooLarge):
        cache.get(ref, WHITE)
    pixels = cache.get(PhotoRef(ref.path, allow_large=True), WHITE).pixels
    cache.max_pixels += 1
    np.testing.assert_array_equal(cache.get(ref, WHITE).pixels, pixels)
