"""The nemesis: real validator processes, made to suffer by a plan, while clients note what they are told.

What is broken: processes (killed, paused, restarted), links (through proxies, one for every ordered pair of
validators), disks (full, failing) and clocks. Afterwards everything is mended, and the validators must agree, go on,
replay cleanly, and bear out every answer that the clients were given.

    make nemesis MINUTES=10 SEED=7

    schedule   what happens when: drawn from a seed, printed, read back
    proxy      one link of one validator to another, with everything that networks do to it
    processes  the validators
    faults     carries a plan out
    clients    who asks, retries and remembers
    checks     what must hold at the end
    summary    what it came to
"""
