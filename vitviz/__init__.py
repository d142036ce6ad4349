"""vitviz: see where a Vision Transformer looks, laid exactly over the photo.

In Python::

    import vitviz

    photo = vitviz.load_photo("bear.jpg")
    model = vitviz.load_model()  # the one that comes with vitviz, or a checkpoint's path
    trace = vitviz.trace(photo, model, whole=True)
    heat_map = vitviz.explain(trace, "rollout", layer=-1, head="mean")
    heat_map.values  # rows x cols, in natural units
    pixels = vitviz.overlay(photo, heat_map)
    vitviz.encode_text(model, ["a photo of a bear"])  # CLIP, SigLIP: unit vectors, a row each
    vitviz.view(model, photo)  # the window on both; a live model of timm or transformers, too

Nothing heavy is imported until it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

__all__ = [
    "__version__", "encode_text", "explain", "load_model", "load_photo", "overlay", "trace", "view",
]  # fmt: skip

if TYPE_CHECKING:
    from vitviz.api import (
        encode_text,
        explain,
        load_model,
        load_photo,
        overlay,
        trace,
        view,
    )


def __getattr__(name: str) -> object:
    if name in __all__:
        from vitviz import api

        return getattr(api, name)
    raise AttributeError(f"module 'vitviz' has no attribute {name!r}")
