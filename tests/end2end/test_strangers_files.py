"""Every attack and every case of people's that was collected, through what opens such a file.

What each of them is answered stands in the tests of what answers it; here nothing but results and
refusals may come out, whatever lies in those folders, and none may take long.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import SHARED
from tests.samples import save_photo
from vitviz.engine.engine import Engine
from vitviz.engine.plan import plan
from vitviz.errors import VitvizError
from vitviz.exporting.stamp import read as read_provenance
from vitviz.gui.found import kind_of
from vitviz.imaging.load import load
from vitviz.session import session_file
from vitviz.session.state import PhotoRef, Session

pytestmark = pytest.mark.shared

LONGEST_S = 10
"""Of work in this process, for one file."""

FOLDERS = (SHARED / "data" / "attacks", SHARED / "data" / "cases")
FILES = sorted(path for folder in FOLDERS if folder.is_dir() for path in folder.rglob("*"))


def explain(path: Path, photo: Path) -> object:
    (request,) = plan(Session((PhotoRef(str(photo)),), model=str(path)), "cpu")
    return Engine().answer(request).explanation


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.is_file()], ids=lambda path: path.name
)
def test_a_result_or_a_refusal(path: Path, tmp_path: Path) -> None:
    photo = save_photo(tmp_path / "a.png", 1)
    opens: dict[str, Callable[[], object]] = {
        "photo": lambda: load(path),
        "model": lambda: explain(path, photo),
        "session": lambda: session_file.read(path),
        "export": lambda: read_provenance(path),
    }
    kind = kind_of(path)
    begin, said = time.process_time(), None
    try:
        assert opens[kind]() is not None
    except VitvizError as error:
        said = error.message
    assert time.process_time() - begin < LONGEST_S
    assert said is None or (path.name in said or kind != "photo")
    assert said != ""


def test_weights_are_told_by_what_is_in_them(tmp_path: Path) -> None:
    case = next(path for path in FILES if path.name.startswith("C1_"))
    for name in ("weights.model", "weights", "weights.zip", "weights.ckpt"):
        (tmp_path / name).write_bytes(case.read_bytes())
        assert kind_of(tmp_path / name) == "model"
