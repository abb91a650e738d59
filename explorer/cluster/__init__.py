"""Several machines, on Ray: replicas of the network that several apps share, and sweeps as Ray tasks.

The app itself does not need Ray: it calls the replicas over HTTP (:mod:`explorer.cluster.remote_network`). So its Python
version may differ from the cluster's, and it keeps running when the cluster goes down.
"""
