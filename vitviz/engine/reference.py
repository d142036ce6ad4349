"""The photos that a map refers to."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from vitviz.engine.photos import stamp
from vitviz.engine.requests import ExplainRequest
from vitviz.methods.base import Seen
from vitviz.progress import Progress, part
from vitviz.session.queries import query_tokens
from vitviz.session.state import PhotoRef

if TYPE_CHECKING:
    from vitviz.tracing.trace import Trace


@dataclass(frozen=True)
class ReferencePhotos:
    """They are shown to the model one after another, each time that somebody goes through them: no
    trace is kept longer than the engine keeps it.

    Args:
        request: Whose photos, model and input.
        see: Shows the photo of a request to its model.
        progress: Told how far each time is.
    """

    request: ExplainRequest
    see: Callable[[ExplainRequest, Progress], Trace]
    progress: Progress

    def __iter__(self) -> Iterator[Seen]:
        photos = self.request.reference
        for number, ref in enumerate(photos):
            told = part(self.progress, number / len(photos), (number + 1) / len(photos))
            trace = self.see(replace(self.request, photo=ref), told)
            yield Seen(trace, query_tokens(self.request.query, trace.outline, trace.geometry))


def stamped(photos: tuple[PhotoRef, ...]) -> Hashable:
    """Photos, and what tells whether their files have changed."""
    return tuple((ref, stamp(ref.path)) for ref in photos)
