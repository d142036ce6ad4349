"""The page about methods has every method, with what it needs."""

from __future__ import annotations

import re
from pathlib import Path

from vitviz.methods import METHODS
from vitviz.methods.series import SERIES

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "methods.md").read_text(encoding="utf-8")


def rows_of(section: str) -> list[list[str]]:
    """The cells of the table in a section, without its heading."""
    (text,) = re.findall(rf"^## {section}\n(.*?)^## ", PAGE, re.DOTALL | re.MULTILINE)
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_method_stands_in_the_table_with_what_it_needs() -> None:
    found = {
        name.strip("`"): (title, set(needs.split(", ")), heads)
        for title, name, needs, _, heads in rows_of("What a method needs")
    }
    assert found == {m.name: (m.title, set(m.needs), m.heads) for m in METHODS.values()}


def test_the_table_says_what_is_asked_about() -> None:
    for _, name, _, about, _ in rows_of("What a method needs"):
        method = METHODS[name.strip("`")]
        assert ("a token" in about) == method.about_token
        assert ("class" in about) == method.class_specific
        assert ("*to*" in about) == ("to" in method.directions)


def test_every_method_and_series_has_its_source() -> None:
    assert len(SERIES) == 5
    for one in (*METHODS.values(), *SERIES.values()):
        assert re.search(rf"^(## |- )?(\*\*)?{one.title}\b", PAGE, re.MULTILINE), one.title
        for source in re.findall(r"arXiv (\d+\.\d+)", one.source):
            assert source in PAGE
    for series in SERIES.values():
        assert f"`{series.name}`" in PAGE
        assert series.unit in PAGE
