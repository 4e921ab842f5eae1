"""The running validator: trio actors around the pure cores.

Each actor is one task with bounded channels; `node.py` wires them under one nursery and is all that the API sees.
"""
