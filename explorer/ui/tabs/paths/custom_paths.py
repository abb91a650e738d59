"""The points of Paths under the user's own step."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.custom_sampler import CustomSample, denoise_custom
from explorer.forward import Paths
from explorer.latents import latent
from explorer.mixture import Mixture
from explorer.plane import paths_of
from explorer.runs.cancellation import State, check_cancelled
from explorer.settings import Settings
from explorer.ui.custom_status import CustomStatus


@dataclass
class CustomPaths:
    """Runs of points with the user's step.

    Attributes:
        mixture: the data distribution.
        settings: of the run; the step gets their eta.
        seed: of x_T.
        status: of the step. A problem ends its run and nothing else.
        state: called after every step; see :mod:`explorer.runs.cancellation`.
        difference: largest difference of a step to Eq. 12 on the same arguments, in the last run.
    """

    mixture: Mixture
    settings: Settings
    seed: int
    status: CustomStatus
    state: State
    difference: float = 0.0

    def sample(self, count: int) -> Paths | None:
        """Return the paths of ``count`` points; None if the step fails."""
        checkpoint = self.mixture.checkpoint(points=count)
        x_T = latent(checkpoint.shape, [self.seed])
        plan, eta = self.settings.plan(checkpoint.schedule), self.settings.eta
        seeds = self.settings.noise_seeds(1)
        self.difference = 0.0
        if self.status.problem is not None:
            return None
        with self.status.reported():
            samples = denoise_custom(checkpoint, x_T, self.status.step, plan, eta, seeds)
            return paths_of(checkpoint.schedule, x_T, map(self._measured, samples), lambda: check_cancelled(self.state))
        return None

    def _measured(self, sample: CustomSample) -> CustomSample:
        self.difference = max(self.difference, sample.difference)
        return sample
