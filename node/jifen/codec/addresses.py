"""Text form of account ids: bech32m (BIP-350) with the prefix `jf`, which finds every mistake of up to four letters."""

from typing import Final

from jifen.codec.errors import Malformed
from jifen.ledger.types import AccountId

PREFIX: Final = "jf"
"""Human-readable part."""

_CHARSET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_BECH32M: Final = 0x2BC830A3
_ACCOUNT_BYTES: Final = 20
_TEXT_LENGTH: Final = len(PREFIX) + 1 + 32 + 6


def encode_account(account: bytes) -> str:
    """Return the text form of a 20-byte account id."""
    assert len(account) == _ACCOUNT_BYTES, f"an account id has 20 bytes, not {len(account)}"
    data = _regroup(account, 8, 5)
    checksum = _polymod([*_expanded_prefix(), *data, 0, 0, 0, 0, 0, 0]) ^ _BECH32M
    data += [(checksum >> 5 * (5 - index)) & 31 for index in range(6)]
    return f"{PREFIX}1{''.join(_CHARSET[value] for value in data)}"


def decode_account(text: str) -> AccountId:
    """Return the account id of a text; raises Malformed saying what is wrong with it."""
    if len(text) != _TEXT_LENGTH:
        raise Malformed(f"account {text!r}: has {len(text)} characters instead of {_TEXT_LENGTH}; copy it again")
    if not text.isascii():  # the Kelvin sign, for one, becomes an ordinary k when folded
        raise Malformed(f"account {text!r}: holds a letter that no account has; copy it again")
    if text.lower() != text and text.upper() != text:
        raise Malformed(f"account {text!r}: mixes capitals and small letters; copy it again")
    folded = text.lower()
    if not folded.startswith(f"{PREFIX}1"):
        raise Malformed(f"account {text!r}: an account begins with {PREFIX}1")
    data = [_CHARSET.find(letter) for letter in folded[len(PREFIX) + 1 :]]
    if -1 in data:
        raise Malformed(f"account {text!r}: holds a letter that no account has; copy it again")
    if _polymod([*_expanded_prefix(), *data]) != _BECH32M:
        raise Malformed(f"account {text!r}: the checksum does not fit; a letter is wrong")
    account = bytes(_regroup(data[:-6], 5, 8))
    # 32 letters of 5 bits are 20 bytes exactly: there is no padding in which a second spelling could hide.
    assert encode_account(account) == folded, f"account {text!r} has two spellings"
    return AccountId(account)


def _expanded_prefix() -> list[int]:
    return [ord(letter) >> 5 for letter in PREFIX] + [0] + [ord(letter) & 31 for letter in PREFIX]


def _polymod(values: list[int]) -> int:
    checksum = 1
    for value in values:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATOR):
            if top >> bit & 1:
                checksum ^= generator
    return checksum


def _regroup(data: bytes | list[int], from_bits: int, to_bits: int) -> list[int]:
    accumulator = bits = 0
    result: list[int] = []
    for value in data:
        accumulator = accumulator << from_bits | value
        bits += from_bits
        while bits >= to_bits:
            bits -= to_bits
            result.append(accumulator >> bits & ((1 << to_bits) - 1))
    return result
