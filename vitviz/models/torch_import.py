"""Imports torch without stopping the rest of the program."""

from __future__ import annotations

import ctypes
import gc
import importlib.util
import os
import sys
import threading
from pathlib import Path

under_way = threading.Event()
"""While it is: a search for garbage would go through all that is new so far, again and again."""


def is_imported() -> bool:
    """Whether torch is there, all of it: another thread may be at its import."""
    module = sys.modules.get("torch")
    return module is not None and not getattr(module.__spec__, "_initializing", False)


def import_torch() -> None:
    """Imports torch; meant for a thread beside the window's.

    Most of the import is the loading of half a gigabyte of libraries, during which Python's
    import holds the interpreter, and the window stands still (measured: over a second). A call
    through ctypes lets go of the interpreter, so the libraries are loaded by one first; the
    import then finds them there. Where that fails the import does it all, as ever.
    """
    if "torch" in sys.modules:
        return
    under_way.set()
    try:
        if sys.platform != "win32":
            _load_libraries()
        import torch  # noqa: F401

        # What it is made of stays. Python's search for garbage would go through all of it each
        # time, and hold the window for a tenth of a second.
        gc.freeze()
    finally:
        under_way.clear()


def _load_libraries() -> None:
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return
    for name in ("libtorch_python.so", "libtorch_python.dylib"):
        library = Path(spec.origin).parent / "lib" / name
        if library.is_file():
            dlopen = ctypes.CDLL(None).dlopen
            dlopen.restype = ctypes.c_void_p
            dlopen.argtypes = [ctypes.c_char_p, ctypes.c_int]
            dlopen(os.fsencode(library), os.RTLD_LAZY | os.RTLD_LOCAL)
