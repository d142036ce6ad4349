"""Property tests are judged by what holds, never by how long an example takes."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("vitviz", deadline=None)
settings.load_profile("vitviz")
