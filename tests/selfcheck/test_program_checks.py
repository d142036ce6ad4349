"""The checks of the whole program notice what they are there for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vitviz.errors import VitvizError
from vitviz.selfcheck import program as program_checks
from vitviz.selfcheck.program import check_map, check_window, own_command, picture_facts


def test_a_map_is_written_and_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_map(tmp_path) == "14 x 14 patches over 1024 x 681 pixels"
    write = program_checks.write_map

    def without_the_map(path: Path, photo: Any, *rest: Any) -> None:
        write(path, photo, *rest)
        if path.suffix == ".png":
            Image.fromarray(photo.pixels).save(path)

    monkeypatch.setattr(program_checks, "write_map", without_the_map)
    with pytest.raises(VitvizError, match="not the photo with a map"):
        check_map(tmp_path)

    def other_values(path: Path, *rest: Any) -> None:
        write(path, *rest)
        if path.suffix == ".npy":
            np.save(path, np.load(path) + 1e-7)

    monkeypatch.setattr(program_checks, "write_map", other_values)
    with pytest.raises(VitvizError, match="not those written"):
        check_map(tmp_path)


def test_a_blank_picture_is_noticed(tmp_path: Path) -> None:
    blank, busy = tmp_path / "blank.png", tmp_path / "busy.png"
    Image.new("RGB", (50, 40), (30, 30, 30)).save(blank)
    with pytest.raises(VitvizError, match="only 1 colours"):
        picture_facts(blank)
    values = np.arange(40 * 50, dtype=np.uint32).reshape(40, 50)
    Image.fromarray(np.stack([values % 256, values // 256, values * 0], 2).astype(np.uint8)).save(
        busy
    )
    assert picture_facts(busy) == "50 x 40 pixels, 2000 colours"


def test_a_window_that_does_not_open_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = [sys.executable, "-c", "import sys; sys.exit('libEGL.so.1: cannot open')"]
    monkeypatch.setattr(program_checks, "own_command", lambda: broken)
    with pytest.raises(VitvizError, match=r"exit code 1\. libEGL\.so\.1: cannot open"):
        check_window(tmp_path)
    monkeypatch.setattr(program_checks, "own_command", lambda: [sys.executable, "-c", ""])
    with pytest.raises(VitvizError, match="exit code 0"):
        check_window(tmp_path)

    def hangs(*_: Any, **__: Any) -> Any:
        raise subprocess.TimeoutExpired("vitviz", 180)

    monkeypatch.setattr(subprocess, "run", hangs)
    with pytest.raises(VitvizError, match="did not end within 180 s"):
        check_window(tmp_path)


def test_a_check_that_breaks_has_failed_and_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(folder: Path) -> str:
        raise VitvizError("The disk is full.")

    monkeypatch.setattr(program_checks, "check_map", breaks)
    monkeypatch.setattr(program_checks, "check_window", lambda folder: "1400 x 880")
    first, second = program_checks.program_outcomes()
    assert (first.passed, first.detail) == (False, "The disk is full.")
    assert (second.passed, second.detail) == (True, "1400 x 880")


def test_a_program_folder_starts_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    assert own_command() == [sys.executable, "-m", "vitviz"]
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert own_command() == [sys.executable]


@pytest.mark.slow
def test_the_window_opens_in_a_process_of_its_own(tmp_path: Path) -> None:
    assert check_window(tmp_path).startswith("1400 x 880 pixels, ")
