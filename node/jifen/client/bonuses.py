"""Bonuses as the API tells them: the limits of an organization, what an operator has done, and the way back."""

from typing import Final

from jifen.client.queries import Operation
from jifen.client.records import Answer
from jifen.codec.addresses import decode_account
from jifen.ledger.bonuses import records as ledger
from jifen.ledger.types import POINTS_MAX


class BonusPolicy(Answer, frozen=True, forbid_unknown_fields=True):
    """The limits within which an organization's operators grant and adjust; what is left out is the default."""

    organization: str = ""
    version: int = 0
    """0: the defaults."""
    grant_max: int = 1000
    two_operators_above: int = 500
    clerk_points_per_day: int = 10_000
    clerk_goodwill_per_day: int = 5
    budget: int | None = None
    """None: no budget."""
    granted: int = 0
    """Points of bonuses under this version."""
    utc_offset_minutes: int = 480
    staff: tuple[str, ...] = ()
    """Accounts that can be given nothing."""

    def to_ledger(self, version: int) -> ledger.BonusPolicy:
        """Return the ledger's form as another version; raises ValueError for an account that is none."""
        return ledger.BonusPolicy(
            version,
            self.grant_max,
            self.two_operators_above,
            self.clerk_points_per_day,
            self.clerk_goodwill_per_day,
            POINTS_MAX if self.budget is None else self.budget,
            self.utc_offset_minutes,
            tuple(sorted({bytes(decode_account(account)) for account in self.staff})),
        )


class ClerkDay(Answer, frozen=True):
    """What one operator has granted and adjusted today."""

    organization: str
    clerk: str
    points: int
    goodwill: int
    points_left: int
    goodwill_left: int


BONUS_POLICY: Final = Operation[BonusPolicy](
    "query BonusPolicy($organization: String!) { bonusPolicy(organization: $organization) { organization version "
    "grantMax twoOperatorsAbove clerkPointsPerDay clerkGoodwillPerDay budget granted utcOffsetMinutes staff } }",
    "bonusPolicy",
    BonusPolicy,
)
CLERK_DAY: Final = Operation[ClerkDay](
    "query ClerkDay($organization: String!, $clerk: PublicKey!) { clerkDay(organization: $organization, "
    "clerk: $clerk) { organization clerk points goodwill pointsLeft goodwillLeft } }",
    "clerkDay",
    ClerkDay,
)
