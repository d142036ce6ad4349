"""Memory, as the system and a container's limit say it."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from vitviz import memory


def test_it_is_what_the_system_says():
    assert memory.physical_bytes() == psutil.virtual_memory().total
    assert 0 < memory.available_bytes() <= memory.physical_bytes()


def group(folder: Path, most: str, used: int, cache: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(f"{most}\n", encoding="ascii")
    (folder / "memory.current").write_text(f"{used}\n", encoding="ascii")
    (folder / "memory.stat").write_text(
        f"anon 5\ninactive_file {cache}\ntotal_inactive_file 77\n", encoding="ascii"
    )


@pytest.mark.parametrize(
    ("most", "used", "cache", "left"),
    [("1000", 700, 100, 400), ("1000", 1200, 0, 0), ("max", 700, 100, None), ("?", 1, 1, None)],
)
def test_what_a_group_still_allows(
    tmp_path: Path, most: str, used: int, cache: int, left: int | None
):
    group(tmp_path / "box", most, used, cache)
    assert memory._left(tmp_path / "box") == left


def test_a_folder_that_is_no_group_limits_nothing(tmp_path: Path):
    assert memory._left(tmp_path) is None
