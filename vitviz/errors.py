"""The errors vitviz raises on purpose.

Each one says what happened and why (``message``) and what the user can do about it (``hint``);
the window and the command line show both, and never a traceback, for these.
"""

from __future__ import annotations

from typing import Literal

DownloadProblem = Literal["offline", "refused", "missing", "broken", "busy", "disk"]


class VitvizError(Exception):
    """Something the user can understand and act on.

    Args:
        message: What happened and why, one sentence.
        hint: What to do about it, one sentence; may be empty.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message if not hint else f"{message} {hint}")
        self.message = message
        self.hint = hint


class PhotoError(VitvizError):
    """A file that cannot be shown as a photo."""


class PhotoTooLarge(PhotoError):
    """A photo above the pixel limit: a question for the user rather than a failure.

    Args:
        pixels: Number of pixels the file claims to hold.
        limit: The limit that it exceeds.
    """

    def __init__(self, message: str, hint: str, *, pixels: int, limit: int) -> None:
        super().__init__(message, hint)
        self.pixels = pixels
        self.limit = limit


class CheckpointError(VitvizError):
    """A file that cannot be used as a model."""


class DownloadError(VitvizError):
    """Something that could not be had from the network.

    Args:
        kind: "offline": no network, or none wanted; "refused": terms to be accepted, or a token
            that is missing or wrong; "missing": there is no such thing; "broken": what came is
            not what was to come; "busy": the server cannot now; "disk": no room for it here.
    """

    def __init__(self, message: str, hint: str, *, kind: DownloadProblem) -> None:
        super().__init__(message, hint)
        self.kind = kind


class NotEnoughMemory(VitvizError):
    """Work that would not fit.

    Args:
        needed_bytes: What the work was going to need.
        available_bytes: What there was, or 0 where that could not be found out.
    """

    def __init__(
        self, message: str, hint: str, *, needed_bytes: int, available_bytes: int = 0
    ) -> None:
        super().__init__(message, hint)
        self.needed_bytes = needed_bytes
        self.available_bytes = available_bytes


class MethodMisfit(VitvizError):
    """A method that a network does not give what it needs for.

    Args:
        fitting: Names of the methods that can be asked of it.
    """

    def __init__(self, message: str, hint: str, *, fitting: tuple[str, ...]) -> None:
        super().__init__(message, hint)
        self.fitting = fitting


class SessionError(VitvizError):
    """A session file that cannot be read."""


class Cancelled(Exception):
    """Raised inside long work when the user no longer wants it. Not an error to report."""
