"""The error of every decoder."""


class Malformed(ValueError):
    """Bytes that are no canonical encoding of what they should be: the sender's fault, and its to mend."""
