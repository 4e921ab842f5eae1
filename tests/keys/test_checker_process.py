"""The process that checks signatures answers what it is asked, and ends with its input."""

import io
import subprocess
import sys

import pytest

from jifen.keys.checker import CLAIM_BYTES, answer_all, encode_answer, encode_question
from jifen.keys.signing import KeyPair
from jifen.keys.verification import Claim

KEY = KeyPair.derive(bytes(32), "key")


def claims(count: int, *lies: int) -> list[Claim]:
    signed = [Claim(KEY.public, bytes([place] * 32), KEY.sign(bytes([place] * 32))) for place in range(count)]
    for place in lies:
        signed[place] = signed[place]._replace(message=b"\xff" * 32)
    return signed


def test_questions_are_answered_in_their_order() -> None:
    answers = io.BytesIO()
    answer_all(io.BytesIO(encode_question(claims(5, 0, 3)) + encode_question([]) + encode_question(claims(2))), answers)
    assert answers.getvalue() == encode_answer([0, 3]) + encode_answer([]) + encode_answer([])


@pytest.mark.parametrize("missing", [1, CLAIM_BYTES, 2 * CLAIM_BYTES, 2 * CLAIM_BYTES + 1])
def test_a_question_that_breaks_off_is_not_answered(missing: int) -> None:
    answers = io.BytesIO()
    answer_all(io.BytesIO(encode_question(claims(2))[:-missing]), answers)
    assert answers.getvalue() == b""


def test_a_key_that_is_no_point_of_the_curve_signed_nothing() -> None:
    answers = io.BytesIO()
    answer_all(io.BytesIO(encode_question([claims(1)[0]._replace(key=b"\xff" * 32)])), answers)
    assert answers.getvalue() == encode_answer([0])


def test_the_process_answers_over_its_pipes_and_ends_with_its_input() -> None:
    result = subprocess.run(
        [sys.executable, "-P", "-m", "jifen.keys.checker"],
        input=encode_question(claims(3, 1)), capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    assert (result.stdout, result.stderr) == (encode_answer([1]), b"")
