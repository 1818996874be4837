"""Measures storage drivers of Zaqar against each other: ours, the stock Redis driver and the MongoDB driver.

Guards that what is compared was done in the same minutes on the same machine by the same code: the drivers take turns,
and nothing but the configuration file that a session is made from says which one it is.
"""
