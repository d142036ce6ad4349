"""Test-time registers in words."""

from __future__ import annotations

from vitviz.engine.answers import FoundRegisters
from vitviz.plurals import count_of


def found_words(found: FoundRegisters) -> str:
    """ "A test-time register takes over 10 neurons of layers 1 to 4, found by 12 outlier patches on
    3 of 5 photos".
    """
    neurons = found.registers.neurons
    layers = sorted({layer + 1 for layer, _ in neurons})
    of = f"layer {layers[0]}" if len(layers) == 1 else f"layers {layers[0]} to {layers[-1]}"
    photos = len(found.request.photos)
    there = f"{found.registers.photos} of {photos} photos" if photos > 1 else "this photo"
    return (
        f"A test-time register takes over {count_of(len(neurons), 'neuron')} of {of}, found by "
        f"{count_of(found.patches, 'outlier patch', 'outlier patches')} on {there}"
    )
