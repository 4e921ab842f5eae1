"""The real actors of several validators in one trio run, repeatable from a seed.

What runs is what production runs: `run_node` with its gateway, mempool, consensus, storage, recovery, links and hub,
the LMDB store on a memory file system, WebSocket over TLS. Simulated are only its `Surroundings`: time (trio's
MockClock), the order in which tasks run, worker threads, chance, and the byte streams below TLS.

Where `jifen.testing.world` finds what is wrong in the core, this finds what is wrong in the glue: wake-ups,
cancellation, back-pressure, restarts.
"""
