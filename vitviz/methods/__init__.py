"""Explanation methods. Their names, titles and settings are known without loading torch."""

from vitviz.methods.attention import ATTENTION
from vitviz.methods.base import Method
from vitviz.methods.rollout import ROLLOUT

METHODS: dict[str, Method] = {method.name: method for method in (ATTENTION, ROLLOUT)}
"""Every method by its name, in the order the window lists them."""
