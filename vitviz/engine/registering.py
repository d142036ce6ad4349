"""Register neurons looked for over photos, put together for one request."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from vitviz.engine.answers import FoundRegisters
from vitviz.engine.requests import RegistersRequest, StatesRequest
from vitviz.engine.seeing import Sight
from vitviz.errors import PhotoError, VitvizError
from vitviz.plurals import count_of
from vitviz.probing.ablation import Ablation, Registers, require_room
from vitviz.progress import Progress, part

if TYPE_CHECKING:
    from vitviz.models.card import ModelCard

See = Callable[[StatesRequest, Progress], Sight]
"""Shows one photo to the model."""


def found_registers(request: RegistersRequest, see: See, progress: Progress) -> FoundRegisters:
    """The answer to a request.

    Args:
        request: What was asked.
        see: Gives the sight of a photo.
        progress: Told how far it is; may raise ``Cancelled``.

    Raises:
        VitvizError: The model can have no registers, or no photo has an outlier patch.
    """
    from vitviz.probing.register_neurons import NeuronScores

    if not request.photos:
        raise VitvizError("There is no photo to look for outlier patches on.", "Open one first.")
    scores, weights, unreadable = NeuronScores(request.bound), "", None
    for number, photo in enumerate(request.photos):
        told = part(progress, number / len(request.photos), (number + 1) / len(request.photos))
        one = StatesRequest(photo, request.background, request.model, request.input,
                            device=request.device)  # fmt: skip
        try:
            sight = see(one, part(told, 0.0, 0.5))
        except PhotoError as error:  # the others tell enough
            unreadable = error
            continue
        trace, weights = sight.trace, sight.model.card.sha256
        require_room(trace.outline)
        assert trace.network is not None
        scores.add(trace.network, trace.input(), trace.norms, part(told, 0.5, 1.0))
    if unreadable is not None and not weights:
        raise unreadable
    if not scores.photos:
        photos = count_of(len(request.photos), "photo")
        raise VitvizError(
            f"No patch of {photos} is an outlier (more than {request.bound:g} MADs above the "
            "median norm after the last layer), so no neuron makes any.",
            "Look over other photos, or lower the bound.",
        )
    neurons = scores.greatest(request.neurons)
    registers = Registers(neurons, weights, request.bound, scores.photos)
    return FoundRegisters(request, registers, scores.patches, scores.layer)


def require_own(ablation: Ablation, card: ModelCard) -> None:
    """Refuses register neurons of other weights: numbers of neurons mean nothing there.

    Raises:
        VitvizError: They are.
    """
    if ablation.registers and ablation.registers.weights != card.sha256:
        raise VitvizError(
            f"The test-time register was made for other weights than those of {card.title}.",
            "Find its neurons for this model, or make the model whole.",
        )
