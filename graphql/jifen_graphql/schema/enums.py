"""Enums of the API. Those of the ledger go in unchanged: one list of reasons in code, documents, tests and GraphQL."""

from enum import Enum

import strawberry

from jifen.ledger.bonuses.records import AdjustmentReason, BonusCause, Direction
from jifen.ledger.draws.records import DrawStatus, RefundReason
from jifen.ledger.evidence.statements import StatementKind
from jifen.ledger.governance.proposals import ProposalStatus
from jifen.ledger.governance.validators import ValidatorStatus
from jifen.ledger.locks.records import LockReason, UnlockReason
from jifen.ledger.rejections import Rejection
from jifen.ledger.rules.records import BracketBasis, BracketMode, Period, Rounding, Stacking
from jifen.ledger.swaps.records import OfferEnd
from jifen.ledger.tiers.effects import TierChange
from jifen.ledger.tiers.records import Downgrade
from jifen.ledger.types import LotOrigin, OrganizationKind, OrganizationStatus, RoleClass

strawberry.enum(
    Rejection,
    description="Why the ledger refused a well-formed, properly signed transaction; the reasons stand in precedence.",
)
strawberry.enum(OrganizationKind, description="What an organization is in the alliance.")
strawberry.enum(OrganizationStatus, description="Whether an organization may act; only an active one issues points.")
strawberry.enum(ProposalStatus, description="How far a proposal has come; only an open one takes votes.")
strawberry.enum(ValidatorStatus, description="What a validator is at present; a retired one is out for good.")
strawberry.enum(StatementKind, description="What a validator says of a block under its signature.")
strawberry.enum(RoleClass, description="Who a point type is for.")
strawberry.enum(Downgrade, description="What becomes of a tier that a period's points do not reach again.")
strawberry.enum(BracketMode, description="What the rate of a bracket is applied to.")
strawberry.enum(BracketBasis, description="Which amount decides about brackets.")
strawberry.enum(Period, description="A stretch of the issuer's local time over which sums are taken.")
strawberry.enum(Rounding, description="How exact points become a whole number; NEAREST rounds a half up.")
strawberry.enum(Stacking, description="How the coefficient of the tier and campaigns make one factor.")
strawberry.enum(TierChange, description="What became of a tier when it was reached or judged.")
strawberry.enum(LockReason, description="Why an account is locked.")
strawberry.enum(UnlockReason, description="Why an account is unlocked.")
strawberry.enum(BonusCause, description="Why an organization grants points; each cause can be made use of once.")
strawberry.enum(AdjustmentReason, description="Why an organization corrects an account.")
strawberry.enum(Direction, description="Which way an adjustment goes.")
strawberry.enum(DrawStatus, description="How far a prize draw has come.")
strawberry.enum(RefundReason, description="Why the points of a draw's entries go back.")
strawberry.enum(OfferEnd, description="Why a swap offer is closed that was not accepted in full.")
strawberry.enum(LotOrigin, description="How a lot first came into its holder's hands.")


@strawberry.enum(description="Whether points can be spent.")
class LotState(Enum):
    """The states of a lot."""

    AVAILABLE = strawberry.enum_value("AVAILABLE", description="Can be spent.")
    PENDING = strawberry.enum_value("PENDING", description="Can be spent from `availableFrom` on.")
    AWAITING = strawberry.enum_value("AWAITING", description="Can be spent once the merchant has confirmed its order.")


@strawberry.enum(description="Where a transaction stands.")
class TransactionStatus(Enum):
    """Known to this validator or not."""

    UNKNOWN = strawberry.enum_value("UNKNOWN", description="This validator has never seen it, or has dropped it.")
    PENDING = strawberry.enum_value("PENDING", description="Taken, waiting for a block.")
    COMMITTED = strawberry.enum_value("COMMITTED", description="In a final block.")


@strawberry.enum(description="What a committed transaction did.")
class TransactionOutcome(Enum):
    """The two ends of a committed transaction."""

    APPLIED = strawberry.enum_value("APPLIED", description="It took effect.")
    REJECTED = strawberry.enum_value("REJECTED", description="It changed nothing but its receipt.")


@strawberry.enum(description="How current an answer has to be.")
class Consistency(Enum):
    """Which snapshot a query is content with."""

    LOCAL = strawberry.enum_value(
        "LOCAL", description="This validator's newest block: true and final, perhaps behind others by some blocks."
    )
    LINEARIZABLE = strawberry.enum_value(
        "LINEARIZABLE",
        description="At least all that any validator had confirmed when the query came; the leader and a quorum "
        "are asked, which takes a round trip, and the query fails with NOT_CURRENT when they do not answer.",
    )


@strawberry.enum(description="How far a submission waits before it answers.")
class WaitFor(Enum):
    """What the client wants to know before it goes on."""

    ACCEPTED = strawberry.enum_value("ACCEPTED", description="Until this validator has checked and queued it.")
    COMMITTED = strawberry.enum_value("COMMITTED", description="Until it is in a final block and readable here.")


@strawberry.enum(description="What became of a submission.")
class SubmitStatus(Enum):
    """The node's answer."""

    ACCEPTED = strawberry.enum_value("ACCEPTED", description="Checked and queued; ask for the transaction by its id.")
    COMMITTED = strawberry.enum_value("COMMITTED", description="In a final block; `outcome` says what it did.")
    REFUSED = strawberry.enum_value("REFUSED", description="Not taken; `userErrors` says why and what to do.")


@strawberry.enum(description="Why a submission did not do what was asked.")
class SubmitErrorCode(Enum):
    """The node's reasons before the ledger, and one for the ledger's own."""

    MALFORMED = strawberry.enum_value("MALFORMED", description="The bytes are no canonical transaction.")
    BAD_SIGNATURE = strawberry.enum_value("BAD_SIGNATURE", description="A signature does not fit the transaction.")
    TOO_LARGE = strawberry.enum_value("TOO_LARGE", description="The transaction is larger than any block takes.")
    BUSY = strawberry.enum_value("BUSY", description="The queue is full; send the same bytes again in a moment.")
    NO_LEADER = strawberry.enum_value("NO_LEADER", description="The alliance has no leader; send the same bytes again.")
    TIMED_OUT = strawberry.enum_value(
        "TIMED_OUT", description="It may still be committed: ask for it by its id, or send the same bytes again."
    )
    REJECTED = strawberry.enum_value("REJECTED", description="The ledger refused it; `rejection` names the reason.")
