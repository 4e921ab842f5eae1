"""Blocks in action: where ledger, codec, keys and consensus meet.

`gateway` turns bytes into checked transactions, `executor` builds and checks blocks over the working state,
`validators` knows who acknowledges and what a certificate proves, `anchor` makes block 0.
"""
