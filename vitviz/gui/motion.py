"""Whether things on the screen may move by themselves."""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import cache

from vitviz.gui.settings import Preferences


def is_reduced(preferences: Preferences) -> bool:
    """Whether the user, or their desktop, wants things to stand still."""
    return preferences.reduce_motion or desktop_reduces()


@cache
def desktop_reduces() -> bool:
    """Whether the desktop says so, where it can be asked; read once."""
    with suppress(Exception):  # a setting that cannot be read is none
        if sys.platform == "win32":
            return _windows()
        return _portal()
    return False


def _windows() -> bool:
    """Source: SystemParametersInfo, SPI_GETCLIENTAREAANIMATION."""
    import ctypes

    on = ctypes.c_int(1)
    user = ctypes.windll.user32  # type: ignore[attr-defined]
    return bool(user.SystemParametersInfoW(0x1042, 0, ctypes.byref(on), 0)) and not on.value


def _portal() -> bool:
    """Source: org.freedesktop.portal.Settings; GNOME's enable-animations."""
    from PySide6.QtDBus import QDBusConnection, QDBusInterface, QDBusMessage

    bus = QDBusConnection.sessionBus()
    if not bus.isConnected():
        return False
    portal = QDBusInterface(
        "org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop",
        "org.freedesktop.portal.Settings", bus,
    )  # fmt: skip
    portal.setTimeout(200)
    reply = portal.call("ReadOne", "org.gnome.desktop.interface", "enable-animations")
    if reply.type() != QDBusMessage.MessageType.ReplyMessage:
        return False
    (value,) = reply.arguments()
    return value is False or getattr(value, "variant", lambda: None)() is False
