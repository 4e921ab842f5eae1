"""A transaction that cannot be built names the field, its value and what to write, in words of whoever typed it."""

import re

import msgspec
import pytest

from jifen.chain.sealing import seal
from jifen.chain.wrong_field import name_the_fault
from jifen.codec.errors import Malformed
from jifen.ledger.rewards.bodies import RedeemReward
from jifen.ledger.rules.bodies import PublishEarningRule
from jifen.ledger.rules.records import Bracket, EarningRule
from jifen.ledger.transactions import EarnPoints
from jifen.testing.small_alliance import CREATED_AT, keys_of

EARN = EarnPoints(CREATED_AT, bytes(12), "books", "order-1", bytes(20), "books/consumer", 1000, CREATED_AT)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            {"order_id": "茶 1"},
            "order_id '茶 1': write 1 to 64 letters, digits and signs of ASCII, no spaces, like A-17",
        ),
        ({"order_id": "x" * 300}, f"order_id '{'x' * 59}...: write at most 64 characters"),
        ({"order_id": "\udcff"}, "order_id '\\udcff': holds half a character; type it anew"),
        ({"point_type": "books"}, "point_type 'books': write organization/role, like north-music/consumer"),
        ({"merchant": "Books"}, "merchant 'Books': write small letters, digits and hyphens, at most 32"),
        ({"amount_fen": -1}, "amount_fen -1: write at least 0"),
        ({"amount_fen": 10**12 + 1}, "amount_fen 1000000000001: write at most 1,000,000,000,000"),
        ({"amount_fen": 10**30}, f"amount_fen {10**30}: write a smaller number"),
        ({"account": bytes(19)}, "write at least 20 bytes"),
    ],
    ids=str,
)
def test_a_wrong_field_is_named_with_what_to_write(change: dict[str, object], text: str) -> None:
    with pytest.raises(Malformed, match=re.escape(text)):
        seal(bytes(32), msgspec.structs.replace(EARN, **change), keys_of("books").operator)


def test_a_wrong_field_inside_a_list_is_named_by_its_number() -> None:
    rule = EarningRule(version=2, effective_from=0, brackets=(Bracket(0, 1, 100), Bracket(500, -1, 100)))
    body = PublishEarningRule(CREATED_AT, bytes(12), "books", "books/consumer", rule)
    with pytest.raises(Malformed, match=re.escape("rule.brackets[2].points -1: write at least 0")):
        seal(bytes(32), body, keys_of("books").operator)


def test_a_wrong_reward_is_named_with_what_to_write() -> None:
    body = RedeemReward(CREATED_AT, bytes(12), bytes(20), "mug", 1, "books/consumer", 5)
    with pytest.raises(Malformed, match="reward 'mug': write organization/name, like north-music/mug"):
        seal(bytes(32), body, keys_of("books").operator)


def test_a_fault_without_a_place_is_told_as_it_is() -> None:
    assert name_the_fault(EARN, "transaction: 5000 bytes; at most 4096 are allowed").endswith(
        "at most 4096 are allowed"
    )
