"""A table of photos, read to sort them by: whose line it is, what is a number, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from vitviz.batch import columns
from vitviz.batch.columns import read_columns
from vitviz.errors import Cancelled, VitvizError

PHOTOS = ("/home/a/cats/1.jpg", "/home/a/dogs/1.jpg", "C:\\photos\\2.jpg")


def table(folder: Path, text: str) -> Path:
    path = folder / "table.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_longest_common_end_says_which_photo_is_meant(tmp_path: Path) -> None:
    path = table(tmp_path, "photo,entropy,top1\ncats/1.jpg,0.25,tabby\ndogs/1.jpg,1e-3,'=beagle\n"
                 "photos/2.jpg,nan,\nmissing.jpg,7,x\n")  # fmt: skip
    assert read_columns(path, PHOTOS) == {
        "entropy": {PHOTOS[0]: 0.25, PHOTOS[1]: 0.001, PHOTOS[2]: "nan"},
        "top1": {PHOTOS[0]: "tabby", PHOTOS[1]: "=beagle"},
    }


def test_a_spreadsheets_own_beginning_and_short_lines(tmp_path: Path) -> None:
    path = tmp_path / "from-a-spreadsheet.csv"
    path.write_bytes("\ufeffImage,score\r\n\r\n./2.jpg,3\r\n1.jpg\r\n".encode())
    assert read_columns(path, PHOTOS) == {"score": {PHOTOS[2]: 3.0}}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no column that names photos"),
        ("a,b\n1,2\n", "no column that names photos"),
        ("photo,b\nelsewhere.jpg,2\n", "says nothing of the photos"),
        (f"photo,b\n1.jpg,{'x' * 200_000}\n", "is no table"),
        ("photo," + ",".join(map(str, range(columns.MOST_COLUMNS))) + "\n", "is too large"),
    ],
)
def test_what_is_no_such_table_is_refused(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(VitvizError, match=why):
        read_columns(table(tmp_path, text), PHOTOS)


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(VitvizError, match=r"none\.csv cannot be read"):
        read_columns(tmp_path / "none.csv", PHOTOS)


def test_it_can_be_ended(tmp_path: Path) -> None:
    def end(*_: object) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        read_columns(table(tmp_path, "photo,a\n1.jpg,2\n"), PHOTOS, end)
