"""Runs requested by many users at once: described as text, batched, scheduled and cached.

- :mod:`latent_spec` and :mod:`encoded_latent`: latents as text, such as ``slerp(13, 37, 0.5)``.
- :mod:`results`: generates requested pictures in batches, and caches pictures and trajectories.
- :mod:`scheduler`, :mod:`fair_queue` and :mod:`shared_network`: batch the network calls of concurrent runs, in equal shares.
- :mod:`admission`: limits the number of concurrent runs, and queues or refuses further ones.
- :mod:`cancellation`, :mod:`failures`, :mod:`prefetch`, :mod:`throttle`: how a run ends early, fails, computes ahead of
  its consumer, and limits its progress updates.
- :mod:`tasks`: the interface for distributing independent tasks over machines.
- :mod:`diffusers_script`: writes a run as a script that uses only diffusers.
"""
