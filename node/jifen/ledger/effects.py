"""What every effect is made of; each family of rules defines its effects in a module of its own."""

import msgspec


class Effect(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """Base of the effects; tags are never reused."""
