"""One table of formats: what is offered, refused and read again follows from it."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from vitviz.batch.job import FigureFormat, MapFormat, ValuesFormat
from vitviz.cli.explain import PICTURES, VALUES, holds_values
from vitviz.errors import VitvizError
from vitviz.exporting.formats import (
    CONTAINERS,
    FORMATS,
    PLURALS,
    Content,
    check_suffix,
    choices,
    formats,
    suffixes,
)


@pytest.mark.parametrize("content", get_args(Content))
def test_a_suffix_says_which_kind_of_file_it_is(content: Content) -> None:
    listed = [suffix for row in formats(content) for suffix in row.suffixes]
    assert len(set(listed)) == len(listed)
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in listed)
    assert {suffix for _, suffix in choices(content)} <= set(listed)
    assert all(title for title, _ in choices(content))


def test_every_format_holds_something_and_one_suffix_has_one_container() -> None:
    for row in FORMATS:
        assert row.titles.keys() <= PLURALS.keys()
        assert row.titles
        assert all(CONTAINERS.get(suffix) == row.container for suffix in row.suffixes)


def test_what_dialogs_offer_first() -> None:
    assert [suffix for _, suffix in choices("figure")] == [".pdf", ".svg", ".png", ".tiff"]
    assert [suffix for _, suffix in choices("animation")] == [".gif", ".png", ".mp4"]
    assert [suffix for _, suffix in choices("values")] == [".npz", ".npy", ".csv", ".tiff"]
    assert suffixes("map") == (".png", ".jpg", ".jpeg", ".tiff", ".tif")


@pytest.mark.parametrize(("content", "names"), [
    ("map", MapFormat), ("values", ValuesFormat), ("figure", FigureFormat),
])  # fmt: skip
def test_a_batch_writes_formats_that_there_are(content: Content, names: object) -> None:
    assert {f".{name}" for name in get_args(names) if name != "none"} <= set(suffixes(content))


def test_a_refusal_lists_what_there_is() -> None:
    check_suffix(Path("map.JPEG"), "map")
    with pytest.raises(VitvizError, match=r"a\.xyz: figures cannot be written as \.xyz") as caught:
        check_suffix(Path("a.xyz"), "figure")
    assert caught.value.hint == "Use one of .pdf, .svg, .png, .tiff, .tif."
    with pytest.raises(VitvizError, match="maps cannot be written as a file without suffix"):
        check_suffix(Path("map"), "map", "values")
    with pytest.raises(VitvizError, match="values cannot be written"):
        check_suffix(Path("map.png"), "values")


def test_names_on_the_command_line() -> None:
    assert PICTURES == {"png": ".png", "jpg": ".jpg", "tiff": ".tiff"}
    assert VALUES == {
        "npz": ".npz", "npy": ".npy", "csv": ".csv", "values-tiff": "-values.tiff",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("file", "asked", "values"),
    [
        ("a.png", [], False), ("a.npy", [], True), ("a.tif", [], False),
        ("a.tif", ["values-tiff"], True), ("a.TIFF", ["values-tiff"], True),
        ("a.tiff", ["tiff", "values-tiff"], False),
        ("a-values.tiff", ["tiff", "values-tiff"], True),
        ("a.jpg", ["values-tiff"], False), ("a.csv", ["values-tiff"], True),
    ],
)  # fmt: skip
def test_a_tiff_is_a_picture_unless_values_are_asked_for(
    file: str, asked: list[str], values: bool
) -> None:
    assert holds_values(Path(file), asked) is values
