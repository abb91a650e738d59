"""Beyond one machine, on Ray: the network on replicas that several apps share, and sweeps as tasks.

Nothing here is imported unless it is asked for. The app itself needs no Ray: it speaks HTTP to the replicas
(:mod:`explorer.cluster.remote_network`), so neither its Python nor its lifetime hangs on the cluster's.
"""
