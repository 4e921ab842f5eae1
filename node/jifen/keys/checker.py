"""A process that checks signatures: `python -m jifen.keys.checker`, a child of a validator.

libsecp256k1 runs without Python's lock, but each check takes the lock before and after, and a busy event loop lets it
go only every few milliseconds; a process of its own is not held up. It is asked and answers over its standard input and
output, and ends when its input does, however the validator ended.

    question: number of claims (4 bytes), then of each: key (32), message (32), signature (64)
    answer: number of claims that do not hold (4 bytes), then their ascending indexes (4 bytes each)

Numbers are big-endian.
"""

import os
import signal
import sys
from collections.abc import Sequence
from typing import BinaryIO, Final

from jifen.keys.verification import PUBLIC_KEY_BYTES, SIGNATURE_BYTES, Claim, false_claims

NUMBER_BYTES: Final = 4
MESSAGE_BYTES: Final = 32
CLAIM_BYTES: Final = PUBLIC_KEY_BYTES + MESSAGE_BYTES + SIGNATURE_BYTES


def are_askable(claims: Sequence[Claim]) -> bool:
    """Tell whether all parts have the lengths that a question has room for; a claim with others does not hold."""
    lengths = (PUBLIC_KEY_BYTES, MESSAGE_BYTES, SIGNATURE_BYTES)
    return all((len(key), len(message), len(signature)) == lengths for key, message, signature in claims)


def encode_question(claims: Sequence[Claim]) -> bytes:
    """Return a question about askable claims."""
    return len(claims).to_bytes(NUMBER_BYTES, "big") + b"".join([part for claim in claims for part in claim])


def decode_question(body: bytes) -> list[Claim]:
    """Return the claims of a question without its head."""
    first, second = PUBLIC_KEY_BYTES, PUBLIC_KEY_BYTES + MESSAGE_BYTES
    return [
        Claim(body[at : at + first], body[at + first : at + second], body[at + second : at + CLAIM_BYTES])
        for at in range(0, len(body), CLAIM_BYTES)
    ]


def encode_answer(indexes: Sequence[int]) -> bytes:
    """Return an answer."""
    return b"".join(number.to_bytes(NUMBER_BYTES, "big") for number in (len(indexes), *indexes))


def decode_number(data: bytes) -> int:
    """Return a number of a question or an answer."""
    return int.from_bytes(data, "big")


def answer_all(questions: BinaryIO, answers: BinaryIO) -> None:
    """Answer questions until there are no more."""
    while len(head := questions.read(NUMBER_BYTES)) == NUMBER_BYTES:
        size = decode_number(head) * CLAIM_BYTES
        body = questions.read(size)
        if len(body) < size:
            return
        answers.write(encode_answer(false_claims(decode_question(body))))
        answers.flush()


def main() -> None:
    """Answer over standard input and output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the validator, which ends this process by its input
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as answers:
        answer_all(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
