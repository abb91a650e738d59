"""A step of the user's own beside Eq. 12, see README.md."""

from explorer.custom_sampler.run import CustomSample, denoise_custom
from explorer.custom_sampler.step import CustomStep, CustomStepError

__all__ = ["CustomSample", "CustomStep", "CustomStepError", "denoise_custom"]
