"""The demonstration: an alliance of validator processes on one machine, fed with real purchases.

`jifen import` uses the same reading and sending of purchases.
"""
