"""Makes the answers that come with the program: the first map of each sample photo.

    python tools/keep_answers.py

To be run whenever the bundled model, a sample photo or the version changes; a test compares them
with what the model says.
"""

from __future__ import annotations

import sys

from vitviz.bundled import resource
from vitviz.engine.engine import Engine
from vitviz.engine.plan import plan
from vitviz.engine.stored import bundled_name, encoded
from vitviz.imaging.samples import sample_photos
from vitviz.models.loading import bundled
from vitviz.session.state import PhotoRef, Session


def main() -> int:
    """Writes them anew; returns the exit code."""
    engine, folder = Engine(), resource() / "answers"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.safetensors"):
        old.unlink()
    for path in sample_photos():
        (request,) = plan(Session((PhotoRef(str(path)),), model=bundled()[0].id), "cpu")
        photo = engine.photos.get(request.photo, request.background)
        data = encoded(engine.answer(request), photo)
        if data is None:
            print(f"{path.name}: its answer cannot be kept")
            return 1
        (folder / bundled_name(request, photo)).write_bytes(data)
        print(f"{path.name}: {len(data):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
