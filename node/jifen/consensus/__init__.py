"""The order of blocks: Raft as a pure state machine.

Read `raft.py` first: `step` takes a message, `tick` takes the passing of time, `take_output` hands over what the host
must now persist, send and apply, and in which order. Block bodies are opaque bytes here, and so are signatures.

Nothing in this package knows a clock, a disk, a network or a logger, and the only random draws come from an object
that the host hands over. References of the form "Raft 5.3" are to sections of D. Ongaro and J. Ousterhout, "In Search
of an Understandable Consensus Algorithm (Extended Version)", 2014; "thesis 6.4" to D. Ongaro, "Consensus: Bridging
Theory and Practice", 2014.
"""
