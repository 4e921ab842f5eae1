"""The rules of the points ledger: pure functions over records.

Nothing in this package knows a clock, a disk, a network or a random number: block time comes in as an argument, the
state is handed over, and the same transactions in the same order give the same records everywhere (invariant I6).
Read `apply.py` first: it is the one door through which a transaction changes anything.
"""
