"""Dealing purchases out: every row at exactly one merchant, the same one in every run."""

from hypothesis import given
from hypothesis import strategies as st

from jifen.demo.planning import Merchant, deal_out, member_key, merchants_of, order_id
from jifen.demo.purchases import Purchase
from jifen.testing.small_alliance import small_genesis

MERCHANTS = [Merchant(name, f"{name}/consumer") for name in ("books", "music", "cafe")]

purchases = st.lists(
    st.builds(
        Purchase,
        number=st.integers(1, 10_000),
        purchased_at=st.just(0),
        customer=st.sampled_from(["0001", "0002", "0003"]),
        items=st.just(1),
        amount_cents=st.integers(0, 10_000),
    ),
    unique_by=lambda purchase: purchase.number,
    max_size=60,
)


@given(purchases)
def test_every_purchase_is_dealt_to_the_merchant_of_its_number(rows: list[Purchase]) -> None:
    shares = deal_out(rows, MERCHANTS)

    assert sorted(row.number for share in shares for row in share.purchases) == sorted(row.number for row in rows)
    for index, share in enumerate(shares):
        assert {row.number % 3 for row in share.purchases} <= {index}


@given(purchases)
def test_every_customer_is_registered_once(rows: list[Purchase]) -> None:
    names = [name for share in deal_out(rows, MERCHANTS) for name in share.members]

    assert len(names) == len({*names})
    assert {*names} == {row.customer for row in rows}


@given(purchases, st.integers(0, 60))
def test_a_purchase_is_dealt_alike_whatever_else_is_in_the_file(rows: list[Purchase], cut: int) -> None:
    whole, part = deal_out(rows, MERCHANTS), deal_out(rows[:cut], MERCHANTS)

    for all_of_it, some_of_it in zip(whole, part, strict=True):
        assert {*some_of_it.purchases} <= {*all_of_it.purchases}


def test_merchants_stand_in_the_order_of_genesis_without_the_mall() -> None:
    assert merchants_of(small_genesis(("mall", "music", "books"))) == [
        Merchant("music", "music/consumer"),
        Merchant("books", "books/consumer"),
    ]


def test_an_order_id_names_the_source_and_the_purchase() -> None:
    assert order_id(Purchase(17, 0, "0001", 1, 1)) == "cdnow-17"


def test_members_keys_follow_from_the_master_secret() -> None:
    assert member_key(bytes(32), "0001").public == member_key(bytes(32), "0001").public
    assert member_key(bytes(32), "0001").public != member_key(bytes(32), "0002").public
    assert member_key(bytes(32), "0001").public != member_key(b"\1" * 32, "0001").public
