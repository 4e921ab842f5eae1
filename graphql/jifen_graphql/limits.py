"""Every limit of the API, with its reason; `cost` holds the rules that measure documents against them.

Python runs one thing at a time and consensus shares this process, so what a request may cost is a matter of the
alliance's health, not of politeness.
"""

from typing import Final, NamedTuple

from jifen.ledger.bonuses.records import STAFF_MAX
from jifen.ledger.checkpoints.records import CHECKPOINTS_KEPT
from jifen.ledger.draws.records import (
    COMMITTERS_MAX,
    EXCLUDED_MAX,
    MEMBER_ENTRIES_MAX,
    PIECES_MAX,
    PRICES_MAX,
    PRIZES_MAX,
    WINNERS_MAX,
)
from jifen.ledger.governance.changes import OPERATORS_MAX
from jifen.ledger.locks.records import OFFICERS
from jifen.ledger.payments.records import HOLDS_MAX, PARTS_MAX
from jifen.ledger.rules.records import (
    BOUND_MERCHANTS_MAX,
    BRACKETS_MAX,
    CAMPAIGNS_MAX,
    COEFFICIENTS_MAX,
    ITEM_RULES_MAX,
    TAGS_MAX,
)
from jifen.ledger.swaps.records import OFFERS_MAX
from jifen.ledger.tiers.records import RECOGNISED_TIERS_MAX, TIERS_MAX
from jifen.ledger.types import LEGS_MAX

# ----------------------------------------------------------------------------------------------- requests and documents

BODY_BYTES_MAX: Final = 512 << 10
"""Largest HTTP body: 512 ordinary transactions in base64 are some 200 KiB; twice that leaves room."""

DOCUMENT_BYTES_MAX: Final = 16 << 10
"""Largest GraphQL document, counted apart from the variables that carry transactions; GraphiQL's own needs 3 KiB."""

VARIABLES_DEPTH_MAX: Final = 8
"""Deepest nesting of the variables: no argument of ours nests, and coercion recurses."""

DOCUMENT_TOKENS_MAX: Final = 1500
"""Most tokens of a document: stops the parser within 5 ms. GraphiQL's introspection query has about 300."""

DEPTH_MAX: Final = 16
"""Deepest selection, fragments written out. The longest path of our types has 6; introspection of types needs 15."""

FIELDS_MAX: Final = 500
"""Most fields written in a document; all effects of a receipt together have some 450."""

SAME_NAME_MAX: Final = 80
"""Most fields of one name in a document: validation compares them in pairs, three thousand then, within 50 ms."""

ALIASES_MAX: Final = 30
"""Most aliases of a document: each repeats work under another name."""

SPREADS_MAX: Final = 50
"""Most fragment spreads of a document; validation's work grows with pairs of them."""

MUTATIONS_MAX: Final = 5
"""Most mutation fields of one operation: they run one after the other, and each may wait SUBMIT_SECONDS_MAX."""

DOCUMENTS_CACHED_MAX: Final = 128
"""Parsed and validated documents kept: clients send a handful; 128 of the largest allowed are some 60 MiB at worst."""

REQUEST_SECONDS_MAX: Final = 60.0
"""Longest life of a request after its body is in: five mutations may wait in turn."""

BODY_SECONDS_MAX: Final = 10.0
"""Longest time for a body to arrive: half a megabyte at 50 KiB a second."""

DISCARDED_BYTES_MAX: Final = 4 << 20
"""Most bytes read of a body that is too large, so that its sender gets to read why."""

DISCARDING_SECONDS_MAX: Final = 2.0
"""Longest time spent on that."""

MIN_HEIGHT_SECONDS_MAX: Final = 5.0
"""Longest wait for `minHeight`: some blocks' time; a validator that lags more should say so."""

CURRENT_HEIGHT_SECONDS_MAX: Final = 3.0
"""Longest wait until a quorum vouches for a current height: outlasts an election."""

SUBMIT_SECONDS_MAX: Final = 10.0
"""Longest wait for a commit: outlasts an election, and a client may send the same bytes again."""

SUBMITTED_TRANSACTIONS_MAX: Final = 512
"""Most transactions of one submission: an eighth of a block, so that one client does not fill it."""

# ----------------------------------------------------------------------------------------------------------------- cost

NODES_MAX: Final = 5000
"""Most values one answer may hold: some 10 microseconds each, so 50 ms without a breath for anybody else."""

TRANSACTIONS_READ_MAX: Final = 20_000
"""Transactions after which an answer reads no further block: some five microseconds each to decode, so 100 ms."""

BLOCK_SUMMARIES_CACHED_MAX: Final = 512
"""Block summaries kept, one KiB each: what status pages and explorers ask for again and again."""

INTROSPECTION_WEIGHT_MAX: Final = 200_000
"""Budget of a schema query, whose list sizes are guessed high: twice what the standard introspection query weighs."""


class Page(NamedTuple):
    """How long a list can get."""

    argument: str
    """The argument that bounds it."""
    default: int
    """Its value when it is left out."""
    maximum: int
    """Its largest value."""


BLOCKS_PAGE_DEFAULT: Final = 20
EVIDENCE_PAGE_DEFAULT: Final = 20
TRANSACTIONS_PAGE_DEFAULT: Final = 20
LOTS_PAGE_DEFAULT: Final = 20
PROPOSALS_PAGE_DEFAULT: Final = 20
AGENDA_PAGE_DEFAULT: Final = 20
TERMS_PAGE_DEFAULT: Final = 10
REWARDS_PAGE_DEFAULT: Final = 20
SWAPS_PAGE_DEFAULT: Final = 20
DRAWS_PAGE_DEFAULT: Final = 10
ENTRIES_PAGE_DEFAULT: Final = 50
PAYMENTS_PAGE_DEFAULT: Final = 50

EXPIRY_DAYS_DEFAULT: Final = 30
"""Days ahead that `expiringPoints` looks: as far as expiries are announced."""

PAGES: Final[dict[tuple[str, str], Page]] = {
    ("Query", "blocks"): Page("last", BLOCKS_PAGE_DEFAULT, 50),
    ("Block", "transactions"): Page("first", TRANSACTIONS_PAGE_DEFAULT, 100),
    ("Query", "proposals"): Page("last", PROPOSALS_PAGE_DEFAULT, 50),
    ("PointBalance", "lots"): Page("first", LOTS_PAGE_DEFAULT, 100),
    ("Block", "agenda"): Page("first", AGENDA_PAGE_DEFAULT, 100),
    ("EarningRules", "history"): Page("first", 10, 50),
    ("EarningRules", "campaignHistory"): Page("first", 10, 50),
    ("PointType", "termsHistory"): Page("first", TERMS_PAGE_DEFAULT, 50),
    ("Query", "evidence"): Page("first", EVIDENCE_PAGE_DEFAULT, 50),
    ("Query", "expiringPoints"): Page("first", LOTS_PAGE_DEFAULT, 100),
    ("Query", "examineRewards"): Page("first", REWARDS_PAGE_DEFAULT, 50),
    ("Query", "accountRedemptions"): Page("first", REWARDS_PAGE_DEFAULT, 50),
    ("Query", "organizationRedemptions"): Page("first", REWARDS_PAGE_DEFAULT, 50),
    ("Query", "accountCashbacks"): Page("first", REWARDS_PAGE_DEFAULT, 50),
    ("Query", "issuerCashbacks"): Page("first", REWARDS_PAGE_DEFAULT, 50),
    ("Query", "unpaidCashbacks"): Page("first", REWARDS_PAGE_DEFAULT, 50),
    ("Query", "swapOffers"): Page("first", SWAPS_PAGE_DEFAULT, 50),
    ("BoardUpdate", "offers"): Page("first", SWAPS_PAGE_DEFAULT, 50),
    ("Query", "draws"): Page("first", DRAWS_PAGE_DEFAULT, 50),
    ("Query", "drawEntries"): Page("first", ENTRIES_PAGE_DEFAULT, 100),
    ("Query", "memberDraws"): Page("first", DRAWS_PAGE_DEFAULT, 20),
    ("Query", "acceptances"): Page("first", PAYMENTS_PAGE_DEFAULT, 100),
    ("Query", "partnerPositions"): Page("first", PAYMENTS_PAGE_DEFAULT, 100),
}
"""List fields with a page argument, by parent type and name. A test finds any other list field that has none."""

SURCHARGES: Final[dict[tuple[str, str], int]] = {
    ("Query", "blocks"): 20,
    ("Query", "block"): 20,
    ("Query", "transaction"): 10,
    ("Query", "previewValidatorSet"): 20,
    ("Query", "evidence"): 5,
    ("Query", "memberDraws"): 20,
}
"""Weight of one element beyond its fields: reading and decoding a full block costs as much as many fields."""

REWARD_PRICES_GUESS: Final = 4
"""Prices guessed for a reward: it may have up to 32, but hardly any has more than one for each of a few point types."""

INTROSPECTION_LIST_GUESS: Final = 12
"""Elements guessed for a list inside `__schema`: the average over types, fields, arguments and enum values."""


EARNING_LISTS: Final = {
    ("EarningArithmetic", "brackets"): BRACKETS_MAX,
    ("PointsRevoked", "returnedFen"): ITEM_RULES_MAX + 1,
    ("EarningArithmetic", "items"): ITEM_RULES_MAX,
    ("EarningArithmetic", "campaigns"): CAMPAIGNS_MAX,
    ("OrganizationTagged", "regions"): TAGS_MAX,
    ("OrganizationTagged", "industries"): TAGS_MAX,
    ("OrganizationTags", "regions"): TAGS_MAX,
    ("OrganizationTags", "industries"): TAGS_MAX,
    ("EarningRule", "brackets"): BRACKETS_MAX,
    ("EarningRule", "items"): ITEM_RULES_MAX,
    ("EarningRule", "coefficients"): COEFFICIENTS_MAX,
    ("EarningRule", "regions"): TAGS_MAX,
    ("EarningRule", "industries"): TAGS_MAX,
    ("Campaign", "regions"): TAGS_MAX,
    ("Campaign", "industries"): TAGS_MAX,
    ("EarningRules", "campaigns"): CAMPAIGNS_MAX,
    ("EarningPolicy", "merchants"): BOUND_MERCHANTS_MAX,
    ("EarningCalculation", "legs"): LEGS_MAX + 1,
}
"""Sizes of the lists of earning rules and what came of them, whatever the alliance is."""

PAYMENT_LISTS: Final[dict[tuple[str, str], int]] = {
    ("Query", "accountHolds"): HOLDS_MAX,
    ("ExaminedPayment", "parts"): PARTS_MAX,
    ("OrderPayment", "parts"): PARTS_MAX,
    ("Hold", "parts"): PARTS_MAX,
    ("OrderPaid", "paidParts"): PARTS_MAX,
    ("PointsHeld", "heldParts"): PARTS_MAX,
    ("PointsReleased", "returnedParts"): PARTS_MAX,
    ("PointsGivenBack", "returnedParts"): PARTS_MAX,
}
"""Lists of payments and holds, which the ledger bounds."""


class ListSizes(NamedTuple):
    """Sizes of the lists that no argument bounds, as the alliance is now."""

    organizations: int
    point_types: int
    validators: int
    """Those there are, or were at some time, but at most as many as there can be at one time."""

    def of(self, parent: str, name: str) -> int:
        """Return an upper bound of the elements of a list field without a page argument."""
        return {
            ("Query", "organizations"): self.organizations,
            ("NodeStatus", "peers"): self.validators,
            ("Certificate", "signers"): self.validators,
            ("Organization", "pointTypes"): self.point_types,
            ("Account", "balances"): self.point_types,
            ("BalanceUpdate", "balances"): self.point_types,
            ("Query", "pointBalances"): self.point_types,
            ("Receipt", "effects"): 8,
            ("Terms", "acceptedBy"): self.organizations,
            ("Query", "checkpoints"): CHECKPOINTS_KEPT,
            ("Checkpoint", "attestations"): self.validators,
            ("ValidatorSet", "voters"): self.validators,
            ("ValidatorSet", "outgoing"): self.validators,
            ("ValidatorSet", "observers"): self.validators,
            ("Proposal", "votes"): self.organizations,
            ("Proposal", "missing"): self.organizations,
            ("Newcomer", "operators"): OPERATORS_MAX,
            ("ValidatorSetPreview", "before"): 2,
            ("ValidatorSetPreview", "during"): 2,
            ("ValidatorSetPreview", "problems"): self.validators,
            ("Reward", "prices"): REWARD_PRICES_GUESS,
            ("Query", "accountSwapOffers"): OFFERS_MAX,
            ("RewardForMember", "prices"): REWARD_PRICES_GUESS,
            ("RewardForMember", "affordable"): REWARD_PRICES_GUESS,
            ("Query", "paymentPolicies"): self.organizations,
            **PAYMENT_LISTS,
            ("Quorum", "voters"): self.validators,
            ("Quorum", "connected"): self.validators,
            ("WinnersDrawn", "withheld"): COMMITTERS_MAX,
            ("DrawEnded", "withheld"): COMMITTERS_MAX,
            ("Draw", "withheld"): COMMITTERS_MAX,
            ("Draw", "secrets"): COMMITTERS_MAX,
            ("Draw", "winners"): WINNERS_MAX,
            ("DrawTerms", "prizes"): PRIZES_MAX,
            ("DrawTerms", "prices"): PRICES_MAX,
            ("DrawTerms", "committers"): COMMITTERS_MAX,
            ("DrawTerms", "excluded"): EXCLUDED_MAX,
            ("DrawSecret", "hashes"): PIECES_MAX,
            ("DrawSecret", "pieces"): PIECES_MAX,
            ("MemberDraw", "lastNumbers"): MEMBER_ENTRIES_MAX,
            ("MemberDraw", "wonNumbers"): MEMBER_ENTRIES_MAX,
            ("SubmitPayload", "userErrors"): 1,
            ("Mutation", "submitTransactions"): 1,
            ("AccountLock", "organizations"): 2 * OFFICERS,
            ("AccountLocked", "organizations"): 2 * OFFICERS,
            ("AccountUnlocked", "organizations"): 2 * OFFICERS,
            ("TierProgramme", "tiers"): TIERS_MAX,
            **EARNING_LISTS,
            ("Recognition", "entries"): RECOGNISED_TIERS_MAX,
            ("BonusPolicy", "staff"): STAFF_MAX,
        }[parent, name]
