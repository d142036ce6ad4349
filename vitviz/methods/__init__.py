"""Explanation methods. Their names, titles and settings are known without loading torch."""

from vitviz.methods.attention import ATTENTION
from vitviz.methods.attention_grad_cam import ATTENTION_GRAD_CAM
from vitviz.methods.base import Method
from vitviz.methods.feature_norm import FEATURE_NORM
from vitviz.methods.grad_cam import GRAD_CAM
from vitviz.methods.gradient_rollout import GRADIENT_ROLLOUT
from vitviz.methods.hires_cam import HIRES_CAM
from vitviz.methods.relevance import RELEVANCE
from vitviz.methods.rollout import ROLLOUT

METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        ATTENTION,
        ROLLOUT,
        RELEVANCE,
        GRADIENT_ROLLOUT,
        ATTENTION_GRAD_CAM,
        GRAD_CAM,
        HIRES_CAM,
        FEATURE_NORM,
    )
}
"""Every method by its name, in the order the window lists them."""
