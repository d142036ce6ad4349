"""The command line with names that no file can have, and sessions that name other computers."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.end2end.test_cli import here, small_photo
from vitviz.__main__ import main
from vitviz.session import session_file
from vitviz.session.state import PhotoRef, Session

__all__ = ["here"]

NAMES = ("n" * 300 + ".png", "n" * 252 + ".png", "x/" * 3000 + "y.png", "nul\0l.png", "\udcff.png")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "command",
    [["explain", "NAME"], ["explain", "a.png", "--out", "NAME"], ["provenance", "NAME"],
     ["figure", "NAME", "--out", "f.png"], ["figure", "a.png", "--out", "NAME"],
     ["explain", "a.png", "--model", "NAME"], ["batch", "NAME"],
     ["render", "NAME", "--out", "f.png"], ["batch", ".", "--out", "NAME"],
     ["train", "finetune", "NAME", "--out", "x"],
     ["train", "distil", "vitviz-small-v1", "NAME", "--out", "x"]],
)  # fmt: skip
def test_odd_names_are_refused_in_words(
    here: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], name: str
) -> None:
    small_photo(here / "a.png")
    err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace")
    monkeypatch.setattr(sys, "stderr", err)  # as outside of tests, where any name can be written
    code = main([name if word == "NAME" else word for word in command])
    if code:  # a file can have some of them
        err.seek(0)
        assert err.read().startswith("vitviz: ")


def test_a_session_that_names_another_computer(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from vitviz.cli import render

    session = Session((PhotoRef(str(small_photo(here / "a.png"))),), model="vitviz-small-v1")
    far = replace(session, photos=(*session.photos, PhotoRef("//evil.example/share/b.png")))
    for name, one in (("far", far), ("near", session)):
        session_file.save(one, here / f"{name}.vitviz")
    written: list[Session] = []
    monkeypatch.setattr(
        render, "write_figure", lambda _, session, *__, **___: written.append(session)
    )
    assert main(["render", "far.vitviz", "--out", "f.png"]) == 1
    assert "//evil.example/share/b.png" in capsys.readouterr().err
    assert written == []
    assert main(["render", "far.vitviz", "--out", "f.png", "--elsewhere"]) == 0
    assert main(["render", "near.vitviz", "--out", "f.png"]) == 0
    assert [one.photos for one in written] == [far.photos, session.photos]
