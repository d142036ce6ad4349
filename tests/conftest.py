"""What every test shares: shape checking, how property tests run, the team's data folder.

Every fixture has a non-square grid and at least two prefix tokens: the field's reference scripts
break on one or the other, and square fixtures with one prefix token would not notice.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
import types
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
if "PYTEST_XDIST_WORKER" in os.environ:
    # One core for each worker: as many threads as cores in each of them wait for one another.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import beartype
import jaxtyping
import pytest
from hypothesis import settings

# Shapes in signatures are checked at run time in the tests, and only there. The tower: an int may
# stand where a float is asked for, as in Python's own typing rules.
checker = types.ModuleType("vitviz_shape_checker")
checker.check = beartype.beartype(  # type: ignore[attr-defined]
    conf=beartype.BeartypeConf(is_pep484_tower=True)
)
sys.modules[checker.__name__] = checker
jaxtyping.install_import_hook(
    [
        f"vitviz.{part}"
        for part in (
            "imaging",
            "models",
            "tracing",
            "probing",
            "trust",
            "methods",
            "maps",
            "figures",
            "training",
        )
    ],
    "vitviz_shape_checker.check",
)

# Property tests are judged by what holds, never by how long an example takes. In CI they try the
# same examples each time, so that a change is not stopped by what it did not touch; everywhere
# else they look for new ones.
settings.register_profile("vitviz", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("vitviz")

NUMBERS = count()

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("VITVIZ_SHARED", REPOSITORY.parent / "shared"))


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    """Whatever a test began, its threads have ended when it does."""
    yield
    # Closing waits for them no longer than people would.
    threads = [t for t in threading.enumerate() if t.name.startswith("vitviz")]
    for thread in threads:
        thread.join(30)
    assert [t.name for t in threads if t.is_alive()] == []


@pytest.fixture(autouse=True)
def _garbage_goes_between_tests() -> Iterator[None]:
    """The window's application keeps Python from searching for it by itself."""
    yield
    if not gc.isenabled() and gc.get_count()[0] > 20_000:
        gc.collect()


@pytest.fixture(autouse=True)
def _own_corrections(tmp_path_factory: pytest.TempPathFactory, monkeypatch: Any) -> None:
    """What whoever runs the tests said of their own checkpoints is neither read nor written."""
    home = tmp_path_factory.getbasetemp() / f"corrections{next(NUMBERS)}"
    monkeypatch.setattr("vitviz.models.checkpoints.corrections.folder", lambda: home)
    monkeypatch.setenv("XDG_DATA_HOME", str(home))  # of processes that a test starts


@pytest.fixture(scope="session")
def shared() -> Path:
    """The team's data folder, beside the repository; tests that need it skip without it."""
    if not (SHARED / "data").is_dir():
        pytest.skip("the shared data folder is not here")
    return SHARED


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """3 x 5 patches, CLS and two registers, 2 layers, 3 heads, 7 classes."""
    from tests.samples import save_checkpoint

    return save_checkpoint(tmp_path_factory.mktemp("model") / "small.safetensors")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A random photo of 40 x 60 pixels."""
    from tests.samples import save_photo

    return save_photo(tmp_path / "photo.png", 1)
