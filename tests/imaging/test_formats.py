"""Which files count as photos, in dialogs and in folders."""

from __future__ import annotations

import pytest
from PIL import Image

from vitviz.errors import PhotoError
from vitviz.imaging.decoding.formats import EXTENSIONS, FORMATS
from vitviz.imaging.load import photos_in

LEFT_OUT = {"EPS", "PDF", "WMF", "BUFR", "GRIB", "HDF5", "MPEG", "IPTC"}


def test_pillow_knows_every_format_in_the_list():
    Image.init()
    assert set(FORMATS) <= set(Image.OPEN)
    assert not set(FORMATS) & LEFT_OUT


def test_every_format_of_pillow_is_either_opened_or_left_out_on_purpose():
    Image.init()
    assert set(Image.OPEN) - set(FORMATS) <= LEFT_OUT


def test_the_extensions_are_those_that_pillow_registers():
    registered = {
        extension
        for extension, name in Image.registered_extensions().items()
        if name in FORMATS or name == "MPO"
    }
    assert registered <= set(EXTENSIONS)
    assert len(EXTENSIONS) == len(set(EXTENSIONS))


def test_a_folder_lists_its_photos_in_natural_order(tmp_path):
    for name in ("b10.jpg", "b2.JPG", "B1.png", "a.heic", "10.webp", "9.webp", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / ".hidden.jpg").touch()
    (tmp_path / "folder.jpg").mkdir()
    names = [path.name for path in photos_in(tmp_path)]
    assert names == ["9.webp", "10.webp", "a.heic", "B1.png", "b2.JPG", "b10.jpg"]


def test_numbers_in_other_scripts_do_not_stop_a_folder(tmp_path):
    for name in ("²3.jpg", "٣.jpg", "3.jpg"):
        (tmp_path / name).touch()
    assert len(photos_in(str(tmp_path))) == 3


def test_a_link_to_nowhere_is_left_out(tmp_path):
    try:
        (tmp_path / "x.jpg").symlink_to(tmp_path / "gone.jpg")
    except OSError:
        pytest.skip("links need a privilege here")
    assert photos_in(tmp_path) == []


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(PhotoError) as caught:
        photos_in(tmp_path / "gone")
    assert caught.value.hint
