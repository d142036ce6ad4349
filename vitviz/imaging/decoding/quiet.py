"""Keeps what decoders say to themselves off the terminal."""

from __future__ import annotations

import ctypes
import functools
import logging
import re
import warnings

from PIL import _imaging


def silence_decoders() -> None:
    """Keep the decoders' own warnings off the terminal: whatever matters raises, too.

    Left in place for good: ``warnings.catch_warnings`` swaps a global list and is not safe while
    other threads run. Added once, since every change of that list makes Python say old warnings
    anew.
    """
    for module in (r"PIL\.", r"pi_heif", r"tifffile"):
        if ("ignore", None, Warning, re.compile(module), 0) not in warnings.filters:
            warnings.filterwarnings("ignore", module=module)
    _silence_libtiff()


@functools.cache
def _silence_libtiff() -> None:
    """What libtiff prints by itself has text of the file in it, control characters too.

    Where the library is inside Pillow's own (Windows) its handlers cannot be reached from here.
    """
    for logger in ("PIL", "tifffile"):
        logging.getLogger(logger).addHandler(logging.NullHandler())
    try:
        library = ctypes.CDLL(_imaging.__file__)
        handlers = [library.TIFFSetErrorHandler, library.TIFFSetWarningHandler]
    except (AttributeError, OSError):
        return
    for set_handler in handlers:
        set_handler.argtypes, set_handler.restype = [ctypes.c_void_p], ctypes.c_void_p
        set_handler(None)
