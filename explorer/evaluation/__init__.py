"""The evaluate command: measures a checkpoint and writes the results to its ``quality.json``.

- :mod:`command`: the command line.
- :mod:`config`: what is measured.
- :mod:`reference_set`: the real pictures to compare with.
- :mod:`held_out_loss`, :mod:`loss_entry`: the training loss over t on held-out pictures; :mod:`plots` draws it.
- :mod:`frechet_table`: the Fréchet distance over S and eta (Table 1 of the paper); :mod:`features` has its features,
  :mod:`frechet` the distance and its bias, :mod:`real_distance` that of real pictures.
- :mod:`reconstruction`: the reconstruction error over S (Table 2 of the paper).
- :mod:`timing`: the seconds per picture.
- :mod:`chunks`: the units of work, computed in this process or on a cluster. :mod:`moments_file` and :mod:`resumable`
  store intermediate results, so that an interrupted measurement continues.
- :mod:`metrics`: similarity, grain and smoothness of pictures, for the app.
"""
