"""A storage driver for OpenStack Zaqar: data and control plane on Redis, by the scripts of marconi-redis.

Guards that no rule of queues is written down twice: what a claim, a post or a pool is, the scripts say; here it is
only put into Zaqar's words.
"""

#: The name of the driver: entry points, option groups and pools' URIs are called so.
NAME = "marconi"
