"""Photos of folders and archives, and which of them are held out."""

from __future__ import annotations

import hashlib
import io
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.training.conftest import write_photo, zipped
from vitviz.errors import Cancelled, VitvizError
from vitviz.progress import Stage
from vitviz.training.distil.run import split
from vitviz.training.photos import find_photos, open_photos


def test_an_archive_gives_what_its_folder_gives(photos: Path, tmp_path: Path) -> None:
    archive = zipped(photos, tmp_path / "photos.zip")
    one = open_photos(find_photos([photos])).photos
    other = open_photos(find_photos([archive])).photos
    assert len(one) == len(other) == 40
    for ours, theirs in zip(one, other, strict=True):
        assert ours.sha256 == theirs.sha256
        assert (ours.pixels == theirs.pixels).all()
        assert ours.file.folder == theirs.file.folder
        assert ours.file.name.split("/", 1)[1] == theirs.file.name.split("/", 1)[1]


def test_hashes_are_of_the_files(photos: Path) -> None:
    for photo in open_photos(find_photos([photos])).photos:
        file = photos.parent / photo.file.name
        assert hashlib.sha256(file.read_bytes()).hexdigest() == photo.sha256


def test_a_large_photo_is_kept_reduced_in_its_own_shape(tmp_path: Path) -> None:
    write_photo(tmp_path / "a.png", 0, (90, 60))
    (photo,) = open_photos(find_photos([tmp_path]), shorter_side=20).photos
    assert photo.pixels.shape == (20, 30, 3)


def test_a_corrupt_photo_is_listed_and_the_others_stay(photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "some"
    shutil.copytree(photos, folder)
    whole = (folder / "part 0" / "00.png").read_bytes()
    (folder / "part 0" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "part 1" / "text.jpg").write_text("no photo", encoding="utf-8")
    (folder / "empty.png").write_bytes(b"")
    pool = open_photos(find_photos([folder]))
    assert len(pool.photos) == 40
    names = [line.split(":")[0] for line in pool.refused]
    assert names == ["some/empty.png", "some/part 0/cut.png", "some/part 1/text.jpg"]


def test_a_damaged_member_of_an_archive_is_listed(photos: Path, tmp_path: Path) -> None:
    archive = zipped(photos, tmp_path / "photos.zip")
    data = bytearray(archive.read_bytes())
    with zipfile.ZipFile(archive) as opened:
        member = opened.infolist()[3]
    start = member.header_offset + 30 + len(member.filename)
    data[start + 20 : start + 60] = bytes(40)
    archive.write_bytes(data)
    pool = open_photos(find_photos([archive]))
    assert len(pool.photos) == 39
    assert [line.split(":")[0] for line in pool.refused] == [f"photos.zip/{member.filename}"]


def test_a_member_that_unpacks_to_far_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vitviz.training.photos.LARGEST_FILE", 10_000)
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((8, 6, 3), np.uint8)).save(buffer, "PNG")
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("good.png", buffer.getvalue())
        archive.writestr("bomb.png", bytes(1_000_000))
    pool = open_photos(find_photos([tmp_path / "a.zip"]))
    assert [photo.file.name for photo in pool.photos] == ["a.zip/good.png"]
    assert "too large" in pool.refused[0]


@pytest.mark.parametrize("name", ["nothing", "text.zip"])
def test_what_is_no_folder_and_no_archive_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("no archive", encoding="utf-8")
    with pytest.raises(VitvizError, match="neither a folder nor a zip"):
        find_photos([tmp_path / name])


def test_a_folder_without_photos_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VitvizError, match="no photos in"):
        find_photos([tmp_path])


def test_photos_that_all_fail_are_refused_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no photo")
    with pytest.raises(VitvizError, match="None of the photos") as raised:
        open_photos(find_photos([tmp_path]))
    assert "a.png" in raised.value.hint


def test_more_photos_than_fit_are_refused(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vitviz.training.photos.available_bytes", lambda: 20_000)
    with pytest.raises(VitvizError, match="do not fit in this computer's memory"):
        open_photos(find_photos([photos]))


def test_opening_can_be_cancelled(photos: Path) -> None:
    def cancel(stage: Stage, fraction: float) -> None:
        if fraction > 0.5:
            raise Cancelled

    with pytest.raises(Cancelled):
        open_photos(find_photos([photos]), cancel)


def test_a_tenth_is_held_out_by_content_alone(photos: Path, tmp_path: Path) -> None:
    training, held_out = split(open_photos(find_photos([photos])))
    assert len(training) + len(held_out) == 40
    assert not {p.sha256 for p in training} & {p.sha256 for p in held_out}
    # Other names, another order and half the photos: those that are there stay where they were.
    for number, photo in enumerate(sorted(photos.rglob("*.png"))[::-2]):
        shutil.copy(photo, tmp_path / f"{number}.png")
    fewer, fewer_held_out = split(open_photos(find_photos([tmp_path])))
    assert {p.sha256 for p in fewer} < {p.sha256 for p in training}
    assert {p.sha256 for p in fewer_held_out} <= {p.sha256 for p in held_out}


def test_about_a_tenth() -> None:
    digests = (hashlib.sha256(str(number).encode()).hexdigest() for number in range(5000))
    count = sum(int(digest[:12], 16) % 10 == 0 for digest in digests)
    assert 440 < count < 560


def test_too_few_photos_to_hold_some_out_are_refused(tmp_path: Path) -> None:
    write_photo(tmp_path / "a.png", 0)
    with pytest.raises(VitvizError, match="Too few"):
        split(open_photos(find_photos([tmp_path])))
