"""Derivations of the DDIM and DDPM papers, each with a check that computes numbers on a checkpoint or an exact model.

import explorer as ex
from explorer import derivations

for value in derivations.check("theorem", ex.load("faces-64")):
    print(value.name, value.measured, value.expected, value.passed)

The steps of each derivation are on the page, below the text of a tab. A check takes at most about two seconds on a CPU.
"""

from __future__ import annotations

from explorer.checkpoint import Checkpoint
from explorer.derivations import continuous_time, forward_process, objective, sampling_step, slips
from explorer.derivations.value import Check, Relation, Value
from explorer.support.arguments import shorten

__all__ = ["CARDS", "Check", "Relation", "Value", "check"]

CARDS: dict[str, Check] = {
    # the forward process
    "many_steps": forward_process.many_steps,
    "one_jump": forward_process.one_jump,
    "factorisation": forward_process.factorisation,
    "marginals": forward_process.marginals,
    "bayes": forward_process.bayes,
    "skipping": forward_process.skipping,
    "scaling": forward_process.scaling,
    "latent_share": forward_process.latent_share,
    # the objective
    "elbo": objective.elbo,
    "theorem": objective.theorem,
    "same_minimum": objective.same_minimum,
    "random_t": objective.random_t,
    "loss_joint": objective.loss_joint,
    # one step
    "observation": sampling_step.observation,
    "substitution": sampling_step.substitution,
    "two_equations": sampling_step.two_equations,
    "posterior_factors": sampling_step.posterior_factors,
    "noise_form": sampling_step.noise_form,
    "eta_scales_sigma": sampling_step.eta_scales_sigma,
    "last_step": sampling_step.last_step,
    "implicit": sampling_step.implicit,
    "two_variances": sampling_step.two_variances,
    "clipping": sampling_step.clipping,
    "interpolation": sampling_step.interpolation,
    "calls": sampling_step.calls,
    "inversion": sampling_step.inversion,
    # continuous time
    "ode_step": sampling_step.ode_step,
    "dpm_solver_1": sampling_step.dpm_solver_1,
    "two_odes": continuous_time.two_odes,
    "score": continuous_time.score,
    "forward_sde": continuous_time.forward_sde,
    "reverse_sde": continuous_time.reverse_sde,
    # common slips
    "cumulative": slips.cumulative,
    "jump_beta": slips.jump_beta,
    "labels": slips.labels,
    "independent_pixels": slips.independent_pixels,
    "stable_diffusion": slips.stable_diffusion,
    "leading": slips.leading,
}


def check(name: str, checkpoint: Checkpoint) -> list[Value]:
    """Compute the numbers of a card.

    Args:
        name: one of :data:`CARDS`.
        checkpoint: its schedule, and for some cards its network and its held-out pictures, are used.

    Raises:
        ValueError: there is no such card.
    """
    if not isinstance(name, str) or name not in CARDS:
        raise ValueError(f"a derivation is one of {', '.join(CARDS)}, not {shorten(name)}")
    return list(CARDS[name](checkpoint))
