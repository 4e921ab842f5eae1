"""A whole alliance in one process and one seed: real cores, executors and certificate rules in a simulated world.

`scenario` says what happens when, in text; `engine` lets time pass; `validator` carries out a host's duties as the
actors do; `network`, `disk` and `clients` misbehave as the scenario says; `checks` and `auditor` watch every step.
"""
