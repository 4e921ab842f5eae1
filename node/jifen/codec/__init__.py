"""Canonical bytes: one value, one encoding, and nothing else decodes.

Everything is msgpack arrays through msgspec with the shortest form of every integer and string. A decoder refuses
unknown kinds, missing or extra fields, trailing bytes and values out of range, and then encodes what it read and
compares: what is not byte for byte the canonical form is refused too.
"""
