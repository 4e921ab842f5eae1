"""What a validator keeps: log, votes, certificates, receipts and ledger state in one LMDB environment.

One environment and one writer mean one atomic, synced transaction for everything that must agree after a crash.
"""
