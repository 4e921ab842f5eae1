"""Bonuses and adjustments, offered to both ledgers."""

from typing import Final

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from jifen.ledger import state
from jifen.ledger.bonuses.bodies import AdjustPoints, GrantBonus, SetBonusPolicy
from jifen.ledger.bonuses.records import (
    AdjustmentReason,
    BonusBook,
    BonusCause,
    BonusMark,
    BonusPolicy,
    ClerkDay,
    Direction,
)
from jifen.ledger.types import POINTS_MAX, Record
from jifen.testing.naive.bonuses import NaiveMove
from jifen.testing.naive.ledger import NaiveLedger
from jifen.testing.naive.scene import DAY_MS, account_of, key_of
from jifen.testing.twin.draws import ISSUED_TYPES, MEMBERS, MERCHANTS, POINT_TYPES, lives, members, nonces
from jifen.testing.twin.points import PointRules

HANDS: Final = ("mall till", "mall issuer", "mall admin", "books till", "books admin", "attic till", "ann")
HOLDERS: Final = (None, None, None, "books", "mall", "attic", "nobody")
STAFF: Final = tuple(sorted(account_of(key_of(name)) for name in ("cy", "stranger")))

policies = st.builds(
    BonusPolicy,
    version=st.integers(0, 3),
    grant_max=st.sampled_from((50, 300, 10**6)),
    two_operators_above=st.sampled_from((0, 20, 40, 200)),
    clerk_points_per_day=st.sampled_from((60, 400, 10**6)),
    clerk_goodwill_per_day=st.sampled_from((0, 1, 2, 50)),
    budget=st.sampled_from((0, 100, 900, POINTS_MAX)),
    utc_offset_minutes=st.sampled_from((480, 480, 0, -90)),
    staff=st.sampled_from(((), (), STAFF, STAFF[::-1], STAFF[:1] * 2)),
)


class BonusRules(PointRules):
    """Rules of bonuses and adjustments."""

    def furnish(self) -> None:
        """Let two who might be the clerk sign for a bonus of Ann's."""
        super().furnish()
        self.begin(1)
        ann = account_of(key_of("ann"))
        head = (self.time + 1, bytes(8), "mall", ann, "mall/guide", 5)
        body = GrantBonus(*head, BonusCause.GOODWILL, "first", "kindness")
        self.submit(body, key_of("mall issuer"), key_of("mall till"))
        self.end()

    @precondition(lambda self: self.open)
    @rule(
        life=lives,
        nonce=nonces,
        organization=st.sampled_from(("mall", "books", *MERCHANTS)),
        policy=policies,
        proper=st.integers(0, 2),
        signer=st.sampled_from(HANDS),
    )
    def set_bonus_policy(
        self, *, life: int, nonce: bytes, organization: str, policy: BonusPolicy, proper: int, signer: str
    ) -> None:
        """Set limits, mostly as they should be."""
        if proper:
            version = self.twin.bonuses.policy(organization).version + 1
            policy, signer = msgspec.structs.replace(policy, version=version), f"{organization} admin"
        self.submit(SetBonusPolicy(self.time + life, nonce, organization, policy), key_of(signer))

    @precondition(lambda self: self.open)
    @rule(
        life=lives,
        nonce=nonces,
        issuer=st.sampled_from((None, None, None, *MERCHANTS)),
        account=members,
        point_type=st.sampled_from(POINT_TYPES),
        points=st.integers(1, 60) | st.sampled_from((300, 2001, POINTS_MAX)),
        cause=st.sampled_from(BonusCause),
        cause_key=st.integers(0, 6),
        holder=st.sampled_from(HOLDERS),
        signers=st.lists(st.sampled_from(HANDS), min_size=1, max_size=3),
    )
    def grant_anything(
        self,
        *,
        life: int,
        nonce: bytes,
        issuer: str | None,
        account: str,
        point_type: str,
        points: int,
        cause: BonusCause,
        cause_key: int,
        holder: str | None,
        signers: list[str],
    ) -> None:
        """Grant a bonus that may be wrong in any way."""
        owner = issuer or point_type.split("/", maxsplit=1)[0]
        to = account_of(key_of(account))
        key = f"k{cause_key}"
        body = GrantBonus(self.time + life, nonce, owner, to, point_type, points, cause, key, "kindness", holder)
        self.submit(body, *map(key_of, dict.fromkeys(signers)))

    @precondition(lambda self: self.open)
    @rule(
        bonuses=st.lists(
            st.tuples(
                nonces,
                st.sampled_from(ISSUED_TYPES),
                st.sampled_from(MEMBERS[:3]),
                st.integers(1, 25),
                st.sampled_from(BonusCause),
                st.integers(0, 60),
            ),
            min_size=1,
            max_size=5,
        )
    )
    def grant_properly(self, bonuses: list[tuple[bytes, str, str, int, BonusCause, int]]) -> None:
        """Grant bonuses as they should be, as far as limits and causes let them."""
        for nonce, point_type, account, points, cause, number in bonuses:
            issuer = point_type.split("/", maxsplit=1)[0]
            holder = "books" if issuer == "mall" else None
            body = GrantBonus(
                self.time + DAY_MS,
                nonce,
                issuer,
                account_of(key_of(account)),
                point_type,
                points,
                cause,
                f"k{number}",
                "kindness",
                holder if cause is BonusCause.EVENT else None,
            )
            self.submit(body, *map(key_of, (f"{issuer} till", "books till", f"{issuer} admin")[:: 2 - (number % 2)]))

    @precondition(lambda self: self.open)
    @rule(
        life=lives,
        nonce=nonces,
        point_type=st.sampled_from((*ISSUED_TYPES, *POINT_TYPES)),
        account=members,
        direction=st.sampled_from(Direction),
        points=st.integers(1, 60) | st.sampled_from((300, POINTS_MAX)),
        cause_key=st.integers(0, 30),
        may_owe=st.booleans(),
        signers=st.lists(st.sampled_from(("mall issuer", "mall issuer", *HANDS)), min_size=1, max_size=3),
    )
    def adjust_anything(
        self,
        *,
        life: int,
        nonce: bytes,
        point_type: str,
        account: str,
        direction: Direction,
        points: int,
        cause_key: int,
        may_owe: bool,
        signers: list[str],
    ) -> None:
        """Adjust what may not be there, or not be one's own."""
        body = AdjustPoints(
            self.time + life,
            nonce,
            "mall" if cause_key % 5 else point_type.split("/", maxsplit=1)[0],
            account_of(key_of(account)),
            point_type,
            direction,
            points,
            f"k{cause_key}",
            AdjustmentReason.CORRECTION,
            "booked twice",
            may_owe,
        )
        self.submit(body, *map(key_of, dict.fromkeys(signers)))


def bonuses(twin: NaiveLedger) -> dict[bytes, Record]:
    """Return the records of limits, causes and operators."""
    found: dict[bytes, Record] = {}
    granted = {move.body.issuer for move in twin.bonuses.moves if isinstance(move.body, GrantBonus)}
    for name in sorted({*twin.bonuses.policies, *granted}):
        found[state.bonus_book_key(name)] = BonusBook(twin.bonuses.policy(name), twin.bonuses.granted(name))
    for move in twin.bonuses.moves:
        body = move.body
        found[mark_of(move)] = BonusMark(move.identity, body.account, body.points)
        today = twin.bonuses.by_clerk(body.issuer, move.clerk, move.day)
        kind = [item for item in today if isinstance(item, GrantBonus) and item.cause == BonusCause.GOODWILL]
        # Of an operator's days the last stands at the end of the list, and stays.
        found[state.clerk_key(body.issuer, move.clerk)] = ClerkDay(
            move.day, sum(item.points for item in today), len(kind)
        )
    return found


def mark_of(move: NaiveMove) -> bytes:
    """Return the state key of a cause, put together by hand."""
    body = move.body
    key = body.cause_key.encode()
    if isinstance(body, AdjustPoints):
        end = b"\x05" + key
    else:
        holder = (body.holder or body.issuer).encode()
        end = {
            BonusCause.WELCOME: b"\x01" + body.account,
            BonusCause.EVENT: b"\x02" + body.account + holder + b"\x00" + key,
            BonusCause.SPECIAL: b"\x03" + body.account + key,
            BonusCause.GOODWILL: b"\x04" + key,
        }[body.cause]
    return b"nm" + body.issuer.encode() + b"\x00" + end


BonusRules.tables += [bonuses]
