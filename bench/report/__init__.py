"""The results of the bench as a page and as plots, both from results.json alone.

Guards that they look like those of clients/zaqar/bench: numbers, tables and colours are written by the same code.
"""
