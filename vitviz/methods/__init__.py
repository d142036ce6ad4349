"""Explanation methods. Their names, titles and settings are known without loading torch."""

from vitviz.methods.attention import ATTENTION
from vitviz.methods.attention_flow import ATTENTION_FLOW
from vitviz.methods.attention_grad_cam import ATTENTION_GRAD_CAM
from vitviz.methods.base import Method
from vitviz.methods.daam import DAAM, DAAM_FEATURES
from vitviz.methods.feature_norm import FEATURE_NORM
from vitviz.methods.gmar import GMAR
from vitviz.methods.grad_cam import GRAD_CAM
from vitviz.methods.gradient_rollout import GRADIENT_ROLLOUT
from vitviz.methods.hires_cam import HIRES_CAM
from vitviz.methods.integrated_gradients import INTEGRATED_GRADIENTS
from vitviz.methods.leave_one_out import LEAVE_ONE_OUT
from vitviz.methods.legrad import LEGRAD
from vitviz.methods.libragrad import LIBRAGRAD
from vitviz.methods.outliers import OUTLIERS
from vitviz.methods.pca import PCA
from vitviz.methods.relevance import RELEVANCE
from vitviz.methods.rollout import ROLLOUT
from vitviz.methods.similarity import SIMILARITY
from vitviz.methods.smooth_grad import SMOOTH_GRAD
from vitviz.methods.text import TEXT
from vitviz.methods.value_attention import VALUE_ATTENTION
from vitviz.methods.value_rollout import VALUE_ROLLOUT

METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        # what is mixed
        ATTENTION,
        VALUE_ATTENTION,
        ROLLOUT,
        VALUE_ROLLOUT,
        ATTENTION_FLOW,
        # what a class is read from
        RELEVANCE,
        GRAD_CAM,
        HIRES_CAM,
        LIBRAGRAD,
        LEGRAD,
        DAAM,
        DAAM_FEATURES,
        GRADIENT_ROLLOUT,
        GMAR,
        ATTENTION_GRAD_CAM,
        # what the network does on other photos
        LEAVE_ONE_OUT,
        INTEGRATED_GRADIENTS,
        SMOOTH_GRAD,
        # what its layers put out
        FEATURE_NORM,  # the plainest: what a network that fits none of the above is asked first
        PCA,
        SIMILARITY,
        TEXT,
        OUTLIERS,
    )
}
"""Every method by its name, in the order the window lists them."""
