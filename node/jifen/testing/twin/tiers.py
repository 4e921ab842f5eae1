"""Tiers, offered to both ledgers."""

from collections import Counter
from typing import Final

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from jifen.ledger import state
from jifen.ledger.tiers.bodies import PublishRecognition, PublishTiers
from jifen.ledger.tiers.qualifying import tier_of
from jifen.ledger.tiers.records import (
    CalendarPeriod,
    Downgrade,
    Membership,
    RecognisedTier,
    Recognition,
    RollingPeriod,
    Tier,
    TierBook,
    TierProgramme,
)
from jifen.ledger.types import Record
from jifen.testing.naive.ledger import NaiveLedger
from jifen.testing.naive.scene import DAY_MS, key_of
from jifen.testing.twin.draws import MEMBERS, MERCHANTS, lives, nonces
from jifen.testing.twin.points import PointRules

ADMINS: Final = ("mall admin", "mall admin", "books admin", "attic admin", "cafe admin", "mall till")
OWNERS: Final = ("mall", "mall", "books", "cafe")
SILVER, GOLD, PEAK = Tier("silver", "Silver", 40), Tier("gold", "Gold", 90), Tier("peak", "Peak", 10**10)
LADDERS: Final = (
    (SILVER, GOLD),
    (SILVER, GOLD, PEAK),
    (Tier("silver", "Silver", 20), Tier("gold", "Gold", 150), PEAK),
    (Tier("green", "Green", 5), SILVER, GOLD, PEAK),
    (GOLD,),
    (GOLD, SILVER),
    (SILVER, Tier("silver", "Silver", 50)),
)

programmes = st.builds(
    TierProgramme,
    version=st.sampled_from((0, 1, 2, 3)).map(lambda number: number or 1),
    tiers=st.sampled_from(LADDERS),
    period=st.sampled_from(
        (CalendarPeriod(), CalendarPeriod(monthly=True), RollingPeriod(1), RollingPeriod(10), RollingPeriod(200))
    ),
    utc_offset_minutes=st.sampled_from((0, 480, -90)),
    downgrade=st.sampled_from(Downgrade),
    grace_days=st.sampled_from((0, 0, 3, 40)),
)
entries = st.sampled_from(
    tuple(
        RecognisedTier(organization, tier, counts_as)
        for organization in ("mall", "books", "cafe", "nobody")
        for tier in ("gold", "silver")
        for counts_as in ("silver", "gold", "peak")
    )
)


class TierRules(PointRules):
    """Rules of tiers."""

    def furnish(self) -> None:
        """Tiers at the mall and at books, so that what is bought first raises somebody."""
        super().furnish()
        self.begin(1)
        monthly = TierProgramme(1, (SILVER, GOLD), CalendarPeriod(monthly=True), grace_days=3)
        never = TierProgramme(1, (SILVER, GOLD, PEAK), RollingPeriod(10), downgrade=Downgrade.ONE_DOWN)
        for owner, programme in (("mall", monthly), ("books", never)):
            body = PublishTiers(self.time + 1, bytes(8), owner, programme)
            self.submit(body, key_of(f"{owner} admin"))
        for number, account, amount in ((290, "ann", 950), (291, "bo", 450)):
            self.purchase("mall/consumer", number, account, amount)
        self.end()

    @precondition(lambda self: self.open)
    @rule(
        life=lives,
        nonce=nonces,
        organization=st.sampled_from((*OWNERS, *MERCHANTS)),
        programme=programmes,
        proper=st.integers(0, 2),
        signers=st.lists(st.sampled_from(ADMINS), min_size=1, max_size=2),
    )
    def publish_tiers(
        self,
        *,
        life: int,
        nonce: bytes,
        organization: str,
        programme: TierProgramme,
        proper: int,
        signers: list[str],
    ) -> None:
        """Publish tiers, mostly as they should be."""
        if proper:
            before = self.twin.tiers.programmes.get(organization)
            programme = msgspec.structs.replace(programme, version=before.version + 1 if before else 1)
            signers = [f"{organization} admin"]
        self.submit(
            PublishTiers(self.time + life, nonce, organization, programme), *map(key_of, dict.fromkeys(signers))
        )

    @precondition(lambda self: self.open)
    @rule(
        nonce=nonces,
        organization=st.sampled_from(OWNERS),
        drawn=st.lists(entries, max_size=4),
        proper=st.integers(0, 2),
        signer=st.sampled_from(ADMINS),
    )
    def publish_map(
        self, *, nonce: bytes, organization: str, drawn: list[RecognisedTier], proper: int, signer: str
    ) -> None:
        """Publish a map of recognition, mostly as it should be."""
        version = 1
        if proper:
            before = self.twin.tiers.maps.get(organization)
            version, signer = before.version + 1 if before else 1, f"{organization} admin"
            alike = {(entry.organization, entry.tier): entry for entry in drawn if entry.organization != organization}
            drawn = [alike[pair] for pair in sorted(alike)]
        body = PublishRecognition(self.time + DAY_MS, nonce, organization, Recognition(version, tuple(drawn)))
        self.submit(body, key_of(signer))

    @precondition(lambda self: self.open)
    @rule(
        purchases=st.lists(
            st.tuples(
                nonces,
                st.integers(0, 200),
                st.sampled_from(MEMBERS[:3]),
                st.sampled_from(
                    (("mall/consumer", 350), ("mall/consumer", 390), ("mall/consumer", 900), ("books/consumer", 1))
                ),
            ),
            min_size=1,
            max_size=4,
        )
    )
    def buy_towards_a_tier(self, purchases: list[tuple[bytes, int, str, tuple[str, int]]]) -> None:
        """Credit purchases of such amounts as tiers are made of."""
        for nonce, order, account, (point_type, amount) in purchases:
            self.purchase(point_type, order, account, amount, nonce)

    @invariant()
    def both_say_who_has_which_tier(self) -> None:
        """Ask both for everybody's tier everywhere."""
        for account in self.twin.accounts if hasattr(self, "twin") else ():
            for organization in ("mall", "books", "cafe", "nobody"):
                assert tier_of(self.working, organization, account, self.time) == self.twin.tiers.tier_of(
                    organization, account
                )


def tiers_and_members(twin: NaiveLedger) -> dict[bytes, Record]:
    """Return the records of tiers and of what members have reached."""
    tiers, orders = twin.tiers, Counter(organization for _, organization in twin.standing_orders)
    found: dict[bytes, Record] = {
        state.tier_book_key(name): TierBook(tiers.programmes.get(name), tiers.maps.get(name), orders[name])
        for name in sorted({*tiers.programmes, *tiers.maps, *orders})
    }
    for (account, organization), him in tiers.members.items():
        counts = (him.points, him.ends, him.judged, him.grace, him.lifetime, him.price)
        found[state.membership_key(account, organization)] = Membership(him.tier, him.since, him.height, *counts)
    return found


TierRules.tables += [tiers_and_members]
