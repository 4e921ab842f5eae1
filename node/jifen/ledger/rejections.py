"""Why a transaction changed nothing: one list, in order of precedence.

When several reasons hold the one standing first in the enum is given. The order, the names and the numbers are part of
the contract: receipts carry the number, GraphQL the name. New reasons stand where their precedence is and get new
numbers, so numbers say nothing about the order; they are never reused and fit one byte.
"""

from enum import IntEnum


class Rejection(IntEnum):
    """A reason for which the ledger refuses a well-formed, properly signed transaction."""

    EXPIRED = 1
    EXPIRY_TOO_FAR = 2
    ALREADY_APPLIED = 3
    ORGANIZATION_UNKNOWN = 4
    ORGANIZATION_NOT_ACTIVE = 5
    ACCOUNT_UNKNOWN = 6
    ROLE_ACCOUNT_UNKNOWN = 93
    RECIPIENT_UNKNOWN = 7
    POINT_TYPE_UNKNOWN = 8
    NOT_A_VOTER = 65
    NOT_AUTHORIZED = 9
    ACCOUNT_LOCKED = 210
    OFFER_NOT_OPEN = 143
    NOT_THE_COUNTERPARTY = 144
    NOT_THE_ISSUER = 10
    ACCOUNT_EXISTS = 11
    ORDER_ALREADY_CREDITED = 12
    NOT_CONSUMER_POINTS = 94
    ITEMS_EXCEED_ORDER = 95
    NOT_TRANSFERABLE = 13
    NOT_SWAPPABLE = 145
    SENDER_IS_RECIPIENT = 14
    REWARD_UNKNOWN = 120
    REWARD_VERSION_WRONG = 121
    REWARD_CONTRADICTORY = 122
    REWARD_NOT_OPEN = 125
    POINTS_NOT_ACCEPTED = 126
    WRONG_KIND_OF_STOCK = 123
    REWARD_CODE_KNOWN = 124
    TOO_MANY_REWARDS = 215
    REWARD_PRICE_WRONG = 127
    REWARD_LIMIT_REACHED = 128
    TOO_MANY_REDEMPTIONS = 216
    REWARD_SOLD_OUT = 129
    REDEMPTION_UNKNOWN = 130
    REDEMPTION_NOT_HELD = 131
    CASHBACK_POLICY_CONTRADICTORY = 132
    NOT_CASHABLE = 133
    CASHBACK_PRICE_WRONG = 134
    CASHBACK_TOO_SMALL = 135
    CASHBACK_CAP_REACHED = 136
    TOO_MANY_CASHBACKS = 217
    CASHBACK_UNKNOWN = 137
    CASHBACK_NOT_OPEN = 138
    DRAW_UNKNOWN = 190
    DRAW_EXISTS = 191
    NOT_A_COMMITTER = 192
    DRAW_CONTRADICTORY = 193
    CLOSE_OUT_OF_RANGE = 194
    PRIZE_TOO_LARGE = 195
    PRICE_UNFOUNDED = 196
    TOO_MANY_DRAWS = 214
    DRAW_OVER = 197
    DRAW_CLOSED = 202
    DRAW_NOT_CLOSED = 203
    DRAW_NOT_OPEN = 201
    ALREADY_COMMITTED = 198
    COMMITMENTS_MISSING = 199
    SECRETS_ALREADY_KEPT = 200
    ACCOUNT_EXCLUDED = 204
    DRAW_TAKES_OTHER_POINTS = 205
    ENTRIES_EXHAUSTED = 206
    PIECE_WRONG = 207
    PIECES_KNOWN = 208
    NO_PRIZE_DUE = 209
    PAYMENT_VERSION_WRONG = 100
    ACCEPTANCE_CONTRADICTORY = 101
    ORDER_ALREADY_PAID = 106
    ORDER_DIFFERS = 107
    HOLD_UNKNOWN = 117
    CAPTURE_EXCEEDS_HOLD = 118
    TIMEOUT_OUT_OF_RANGE = 116
    TOO_MANY_HOLDS = 115
    POINT_TYPE_REPEATED = 108
    POINT_TYPE_NOT_ACCEPTED = 105
    NOT_ON_ACCEPTANCE_LIST = 102
    RATE_ABOVE_SETTLEMENT = 103
    LOOSER_THAN_POLICY = 104
    BELOW_MINIMUM = 109
    NOT_A_STEP = 110
    SHARE_EXCEEDED = 111
    DAILY_CAP_REACHED = 112
    INSUFFICIENT_POINTS = 15
    TRANSFER_LIMIT_REACHED = 140
    POINTS_LIMIT_REACHED = 141
    RECEIPT_LIMIT_REACHED = 142
    NOT_SELF_EARNED = 139
    NOTHING_TO_PAY = 113
    TOO_MANY_LOTS = 114
    SAME_POINT_TYPE = 146
    OFFER_TIME_OUT_OF_RANGE = 147
    MINIMUM_ABOVE_OFFER = 148
    PART_TOO_LARGE = 149
    PART_TOO_SMALL = 150
    RATIO_DIFFERENT = 151
    OUTSIDE_CORRIDOR = 152
    TOO_MANY_OFFERS = 153
    TOO_MANY_OFFERED_LOTS = 154
    SUPPLY_EXHAUSTED = 16
    ISSUE_CAP_REACHED = 76
    ORDER_UNKNOWN = 17
    REFUND_ALREADY_TAKEN = 18
    REFUND_EXCEEDS_ORDER = 19
    ITEMS_EXCEED_REFUND = 218
    NOT_A_CHECKPOINT = 66
    CHECKPOINT_TOO_OLD = 67
    CHECKPOINT_ALREADY_ATTESTED = 68
    PROPOSAL_NOT_OPEN = 40
    NOT_THE_PROPOSER = 41
    ALREADY_VOTED = 42
    DEADLINE_OUT_OF_RANGE = 43
    TOO_MANY_PROPOSALS = 44
    OWNER_UNKNOWN = 45
    OWNER_NOT_ACTIVE = 46
    NO_ADMINISTRATOR = 47
    VALIDATOR_UNKNOWN = 48
    VALIDATOR_RETIRED = 49
    ALREADY_A_VOTER = 50
    ID_TAKEN = 51
    KEY_IN_USE = 52
    CERTIFICATE_IN_USE = 53
    ADDRESS_IN_USE = 54
    NOT_ITS_VOTER = 55
    HAS_A_VOTER = 56
    ALLIANCE_FULL = 57
    LAST_VOTER = 58
    CONFIGURATION_CHANGING = 59
    ORDER_NOT_PENDING = 77
    POINT_TYPE_EXISTS = 70
    TERMS_VERSION_WRONG = 71
    TERMS_BACK_DATED = 72
    TERMS_TOO_FAR = 73
    TERMS_CONTRADICTORY = 74
    BACKING_TOO_SMALL = 75
    BACKING_NOT_CONFIRMED = 78
    ALREADY_LOCKED = 211
    LOCKED_TOO_SOON = 212
    NOT_LOCKED = 213
    NOT_A_MALL = 86
    RULE_VERSION_WRONG = 80
    POLICY_VERSION_WRONG = 87
    CAMPAIGN_EXISTS = 89
    CAMPAIGN_NOT_RUNNING = 90
    RULE_BACK_DATED = 81
    RULE_TOO_FAR = 82
    RULE_CONTRADICTORY = 83
    TOO_MANY_CAMPAIGNS = 91
    RULE_AGAINST_POLICY = 84
    MALL_NOT_SIGNED = 85
    POLICY_NOT_ACCEPTED = 88
    NOT_ITS_KEY = 60
    STATEMENTS_AGREE = 61
    EVIDENCE_ALREADY_RECORDED = 62
    EVIDENCE_ENOUGH = 63
    VERSION_NOT_NEXT = 160
    TIER_UNKNOWN = 161
    TIERS_CONTRADICTORY = 162
    RECOGNITION_CONTRADICTORY = 163
    POLICY_CONTRADICTORY = 164
    CHECK_IN_MISSING = 165
    STAFF_ACCOUNT = 166
    CAUSE_ALREADY_USED = 167
    GRANT_TOO_LARGE = 168
    SECOND_OPERATOR_MISSING = 169
    CLERK_LIMIT_REACHED = 170
    BONUS_BUDGET_SPENT = 171
    STANDING_ORDER_OUT_OF_RANGE = 172
    NO_STANDING_ORDER = 173


PRECEDENCE: dict[Rejection, int] = {reason: place for place, reason in enumerate(Rejection)}
"""Place of each reason in the order of precedence, the first being 0."""

REJECTION_TEXTS: dict[Rejection, str] = {
    Rejection.EXPIRED: "its expiry lies before the block's time: build it again with a later expiry and sign anew",
    Rejection.EXPIRY_TOO_FAR: "its expiry lies more than a day after the block's time: choose an earlier one",
    Rejection.ALREADY_APPLIED: "this very transaction is in an earlier block: look its receipt up",
    Rejection.ORGANIZATION_UNKNOWN: "no organization of the alliance has that id",
    Rejection.ORGANIZATION_NOT_ACTIVE: "the organization is suspended and may not issue points",
    Rejection.ACCOUNT_UNKNOWN: "the sender's or member's account is not registered",
    Rejection.ROLE_ACCOUNT_UNKNOWN: "the account of the guide, store or distributor is not registered",
    Rejection.RECIPIENT_UNKNOWN: "the recipient's account is not registered",
    Rejection.POINT_TYPE_UNKNOWN: "no point type has that id",
    Rejection.NOT_A_VOTER: "no voter of the validator set has that id",
    Rejection.NOT_AUTHORIZED: "no signer may do this: use the account's key, or an operator key that has the scope",
    Rejection.ACCOUNT_LOCKED: "the account is locked and pays nothing: lock officers of two organizations unlock it",
    Rejection.OFFER_NOT_OPEN: "no open swap offer has that id: it was accepted, cancelled, has run out or never was",
    Rejection.NOT_THE_COUNTERPARTY: "the offer was made to another member: only that one can accept it",
    Rejection.NOT_THE_ISSUER: "an organization can only issue its own points (invariant I4)",
    Rejection.ACCOUNT_EXISTS: "this key has an account already",
    Rejection.ORDER_ALREADY_CREDITED: "the merchant has credited this order before (I3); points pay only until then",
    Rejection.NOT_CONSUMER_POINTS: "guides, stores and distributors earn where the customer earns consumer points",
    Rejection.ITEMS_EXCEED_ORDER: "the lines come to more than the order: correct them, or the order's amount",
    Rejection.NOT_TRANSFERABLE: "the issuer does not let members pass these points on",
    Rejection.NOT_SWAPPABLE: "the issuer of one of the point types does not let members swap them",
    Rejection.SENDER_IS_RECIPIENT: "sender and recipient are the same account",
    Rejection.REWARD_UNKNOWN: "the organization has no reward of that id",
    Rejection.REWARD_VERSION_WRONG: "it must follow the newest version, or to redeem be it: look at the reward again",
    Rejection.REWARD_CONTRADICTORY: "it has two prices for one, is never open, or has codes where it had none",
    Rejection.REWARD_NOT_OPEN: "the reward is withdrawn, or cannot be redeemed yet or any more: look at its window",
    Rejection.POINTS_NOT_ACCEPTED: "it has no price in these points, or their issuer does not honour them there at it",
    Rejection.WRONG_KIND_OF_STOCK: "a reward with codes is stocked by adding codes, any other by adding units",
    Rejection.REWARD_CODE_KNOWN: "one of the codes was added before: each is given out once",
    Rejection.TOO_MANY_REWARDS: "the organization has a thousand rewards that are not withdrawn: withdraw one",
    Rejection.REWARD_PRICE_WRONG: "the price for this member is another: look at the reward again",
    Rejection.REWARD_LIMIT_REACHED: "the member has redeemed this reward as often as one may",
    Rejection.TOO_MANY_REDEMPTIONS: "a hundred of the member's redemptions wait at the organization: fetch one there",
    Rejection.REWARD_SOLD_OUT: "nothing is left of this reward",
    Rejection.REDEMPTION_UNKNOWN: "the reward has no redemption of that number",
    Rejection.REDEMPTION_NOT_HELD: "the redemption is fulfilled or cancelled already",
    Rejection.CASHBACK_POLICY_CONTRADICTORY: "the price is 0 or above the settlement price, or its limits clash",
    Rejection.NOT_CASHABLE: "the issuer pays no money for these points at present",
    Rejection.CASHBACK_PRICE_WRONG: "the issuer pays another amount for these points: look at its policy again",
    Rejection.CASHBACK_TOO_SMALL: "it is less than the issuer's smallest cash back: ask for more points at once",
    Rejection.CASHBACK_CAP_REACHED: "the member would pass the issuer's cap of a day or month: ask for less, or later",
    Rejection.TOO_MANY_CASHBACKS: "the issuer has yet to pay sixteen requests of the member: wait for one of them",
    Rejection.CASHBACK_UNKNOWN: "the point type has no cash back of that number",
    Rejection.CASHBACK_NOT_OPEN: "the cash back is paid or rejected already",
    Rejection.DRAW_UNKNOWN: "the organization has published no draw of that name",
    Rejection.DRAW_EXISTS: "the organization has published a draw of that name before: choose another (invariant I3)",
    Rejection.NOT_A_COMMITTER: "the draw's terms do not name that organization among those that commit secrets",
    Rejection.DRAW_CONTRADICTORY: "terms or pieces contradict themselves: sorted, none twice, as many as asked",
    Rejection.CLOSE_OUT_OF_RANGE: "close height, reveal and settlement must lie ahead, and at most 366 days",
    Rejection.PRIZE_TOO_LARGE: "a prize is worth more than 50,000 yuan, the most that a promotion may give away by lot",
    Rejection.PRICE_UNFOUNDED: "the points' issuer does not let the organization take them, or promises less for them",
    Rejection.TOO_MANY_DRAWS: "the organization has sixteen draws that are not over: cancel one, or wait",
    Rejection.DRAW_OVER: "the draw was settled, cancelled or given back: nothing about it can be changed",
    Rejection.DRAW_CLOSED: "the ledger has passed the draw's close height: no more entries, and no calling off",
    Rejection.DRAW_NOT_CLOSED: "secrets are shown above the draw's close height only: wait for it",
    Rejection.DRAW_NOT_OPEN: "the committers have not all confirmed that they keep the secrets",
    Rejection.ALREADY_COMMITTED: "the committer has committed its secret before: it stays",
    Rejection.COMMITMENTS_MISSING: "not every committer has committed its secret yet",
    Rejection.SECRETS_ALREADY_KEPT: "the committer has confirmed before that it keeps the secrets",
    Rejection.ACCOUNT_EXCLUDED: "the draw's terms exclude the account, or it is that of an operator who takes part",
    Rejection.DRAW_TAKES_OTHER_POINTS: "the draw has no price in these points, or their issuer honours it no longer",
    Rejection.ENTRIES_EXHAUSTED: "so many entries are more than are left of the draw, or than one member may buy",
    Rejection.PIECE_WRONG: "a piece does not fit the hash by which it was committed",
    Rejection.PIECES_KNOWN: "all of these pieces were shown before",
    Rejection.NO_PRIZE_DUE: "no entry of that number has won a prize that is still to be handed over",
    Rejection.PAYMENT_VERSION_WRONG: "the version must follow the organization's newest one; the first is 1",
    Rejection.ACCEPTANCE_CONTRADICTORY: "steps must be worth whole fen, the minimum whole steps; days end as they did",
    Rejection.ORDER_ALREADY_PAID: "points have paid for this order of the merchant before (invariant I3)",
    Rejection.ORDER_DIFFERS: "points have paid for this order at another amount, or it was refunded before its credit",
    Rejection.HOLD_UNKNOWN: "the account has no open hold of that id for this organization: it may have run out",
    Rejection.CAPTURE_EXCEEDS_HOLD: "the amount, the points or the number of point types is more than the hold's",
    Rejection.TIMEOUT_OUT_OF_RANGE: "a hold must run out after the block's time and within thirty days of it",
    Rejection.TOO_MANY_HOLDS: "the account has sixteen open holds: wait until one is captured, given up or runs out",
    Rejection.POINT_TYPE_REPEATED: "a point type stands twice in the payment: name each once",
    Rejection.POINT_TYPE_NOT_ACCEPTED: "the organization does not take these points in payment",
    Rejection.NOT_ON_ACCEPTANCE_LIST: "the issuer's terms in force do not let these points be spent there",
    Rejection.RATE_ABOVE_SETTLEMENT: "the rate is above the price at which the issuer buys them back (I7)",
    Rejection.LOOSER_THAN_POLICY: "the share or daily cap is above what the mall's or the own payment policy allows",
    Rejection.BELOW_MINIMUM: "fewer points of the type than the organization takes in one payment",
    Rejection.NOT_A_STEP: "the points are no whole multiple of the step, or are not worth whole fen",
    Rejection.SHARE_EXCEEDED: "points would pay a larger part of the order than the organization or its mall allows",
    Rejection.DAILY_CAP_REACHED: "the organization takes no more points of the type on this day",
    Rejection.INSUFFICIENT_POINTS: "the account holds fewer available points than asked for",
    Rejection.TRANSFER_LIMIT_REACHED: "the account has passed such points on as often as it may today: wait a day",
    Rejection.POINTS_LIMIT_REACHED: "with this the account would pass on more points of the type than it may in a day",
    Rejection.RECEIPT_LIMIT_REACHED: "the recipient has received such points as often as it may today: wait a day",
    Rejection.NOT_SELF_EARNED: "the issuer pays for points that the member has earned, not for received ones",
    Rejection.NOTHING_TO_PAY: "no points can pay here: too few of them, or no share of the order or day is left",
    Rejection.TOO_MANY_LOTS: "the points come from more than 366 lots: take fewer at once, or spend some before",
    Rejection.SAME_POINT_TYPE: "points are swapped for those of another type: a transfer passes points of one type on",
    Rejection.OFFER_TIME_OUT_OF_RANGE: "an offer is open beyond the block's time and for thirty days at most",
    Rejection.MINIMUM_ABOVE_OFFER: "the fewest points to be taken at once are more than the offer gives",
    Rejection.PART_TOO_LARGE: "fewer points are left of the offer: look it up and take what is left",
    Rejection.PART_TOO_SMALL: "the offer is not taken in parts so small: take its minimum, or all that is left",
    Rejection.RATIO_DIFFERENT: "points and payment are not exactly in the offer's ratio, or worth no whole fen",
    Rejection.OUTSIDE_CORRIDOR: "the agreed value leaves what an issuer allows in percent of its settlement price",
    Rejection.TOO_MANY_OFFERS: "the account has sixteen open offers: cancel one, or wait for its end",
    Rejection.TOO_MANY_OFFERED_LOTS: "the points come from more than 366 lots: offer fewer at once",
    Rejection.SUPPLY_EXHAUSTED: "the quantity would pass the largest one the ledger counts (invariant I2)",
    Rejection.ISSUE_CAP_REACHED: "the issuer's cap on outstanding points is reached: a larger backing and cap lift it",
    Rejection.ORDER_UNKNOWN: "the merchant has credited no order of that id",
    Rejection.REFUND_ALREADY_TAKEN: "the merchant has entered this refund before (invariant I3)",
    Rejection.REFUND_EXCEEDS_ORDER: "together with earlier refunds it is more than the order came to",
    Rejection.ITEMS_EXCEED_REFUND: "the lines come to more than the refund, or than the order has left of such lines",
    Rejection.NOT_A_CHECKPOINT: "no checkpoint is taken at that height, or the ledger has not passed it yet",
    Rejection.CHECKPOINT_TOO_OLD: "newer checkpoints have taken its place",
    Rejection.CHECKPOINT_ALREADY_ATTESTED: "the voter has attested this checkpoint before",
    Rejection.PROPOSAL_NOT_OPEN: "no open proposal has that id: it was decided, withdrawn, has run out or never was",
    Rejection.NOT_THE_PROPOSER: "another organization made the proposal: only that one can withdraw it",
    Rejection.ALREADY_VOTED: "the organization has voted on this proposal: each votes once",
    Rejection.DEADLINE_OUT_OF_RANGE: "votes must be open beyond the block's time and for thirty days at most",
    Rejection.TOO_MANY_PROPOSALS: "the organization has four open proposals: withdraw one, or wait for its end",
    Rejection.OWNER_UNKNOWN: "the organization that is to run the validator is not in the alliance: say who it is",
    Rejection.OWNER_NOT_ACTIVE: "the organization that runs the validator is suspended",
    Rejection.NO_ADMINISTRATOR: "the newcomer names no operator with scope ADMIN: nobody could ever vote for it",
    Rejection.VALIDATOR_UNKNOWN: "no validator has that id",
    Rejection.VALIDATOR_RETIRED: "the validator has been taken out, for good: admit another under an id of its own",
    Rejection.ALREADY_A_VOTER: "the validator is a voter already",
    Rejection.ID_TAKEN: "the id is, or once was, that of another organization or validator: choose one never used",
    Rejection.KEY_IN_USE: "a validator or operator has, or once had, one of the keys: make new ones",
    Rejection.CERTIFICATE_IN_USE: "another validator has, or once had, the certificate: make a new one",
    Rejection.ADDRESS_IN_USE: "another validator is reached under the same host and port",
    Rejection.NOT_ITS_VOTER: "what it is to replace is not the organization's present voter",
    Rejection.HAS_A_VOTER: "the organization has a voter, which this one was not admitted to replace",
    Rejection.ALLIANCE_FULL: "there are as many validators or organizations as an alliance can have: remove one first",
    Rejection.LAST_VOTER: "it is the last voter: nobody would be left to decide anything",
    Rejection.CONFIGURATION_CHANGING: "another change of the voters is not over yet: build and sign it anew soon",
    Rejection.ORDER_NOT_PENDING: "none of its points wait for that: they are available, expired or refunded",
    Rejection.POINT_TYPE_EXISTS: "the organization issues points for that role already: publish new terms for them",
    Rejection.TERMS_VERSION_WRONG: "the version must follow the newest published one; a new point type begins with 1",
    Rejection.TERMS_BACK_DATED: "terms hold from no time that is past: leave it 0, which is now, or name a later one",
    Rejection.TERMS_TOO_FAR: "terms are published at most 366 days before they hold: name an earlier time",
    Rejection.TERMS_CONTRADICTORY: "the terms contradict themselves, or the decimals that the points always had",
    Rejection.BACKING_TOO_SMALL: "the issue cap at the settlement price is worth more than the deposit or credit line",
    Rejection.BACKING_NOT_CONFIRMED: "an active guarantor's operator with scope TREASURER has to sign this backing too",
    Rejection.ALREADY_LOCKED: "the account is locked already; another organization can confirm a temporary lock",
    Rejection.LOCKED_TOO_SOON: "the organization locked it less than thirty days ago: a second one has to sign with it",
    Rejection.NOT_LOCKED: "the account is not locked",
    Rejection.NOT_A_MALL: "only a mall sets a policy for merchants",
    Rejection.RULE_VERSION_WRONG: "the version must follow the newest published one of the point type's earning rules",
    Rejection.POLICY_VERSION_WRONG: "the version must follow the mall's newest policy; the first one is 1",
    Rejection.CAMPAIGN_EXISTS: "the point type has, or once had, a campaign of that id: choose another",
    Rejection.CAMPAIGN_NOT_RUNNING: "the point type has no campaign of that id that has not ended",
    Rejection.RULE_BACK_DATED: "rules and campaigns hold from no time that is past: leave it 0, which is now",
    Rejection.RULE_TOO_FAR: "rules and campaigns are published at most 366 days before they hold: name an earlier time",
    Rejection.RULE_CONTRADICTORY: "the rule, campaign, policy or tags contradict themselves: see docs/ledger.md",
    Rejection.TOO_MANY_CAMPAIGNS: "the point type has four campaigns that have not ended: end one, or wait for its end",
    Rejection.RULE_AGAINST_POLICY: "a mall's policy allows less: lower the rates, factors or caps to what it says",
    Rejection.MALL_NOT_SIGNED: "a mall's policy asks for the signature of one of its operators with scope ADMIN too",
    Rejection.POLICY_NOT_ACCEPTED: "every merchant that comes under the policy has to sign too, with scope ADMIN",
    Rejection.NOT_ITS_KEY: "the key that signed both statements is not the validator's: they prove nothing against it",
    Rejection.STATEMENTS_AGREE: "both statements name the same block: that is no contradiction",
    Rejection.EVIDENCE_ALREADY_RECORDED: "this contradiction of the validator is recorded already",
    Rejection.EVIDENCE_ENOUGH: "as much evidence against this validator is recorded as the ledger keeps",
    Rejection.VERSION_NOT_NEXT: "the version must be the newest published one and 1; the first one is 1",
    Rejection.TIER_UNKNOWN: "the map names a tier that the organization does not have: publish that tier first",
    Rejection.TIERS_CONTRADICTORY: "thresholds must rise, ids differ, and no tier of the version before be missing",
    Rejection.RECOGNITION_CONTRADICTORY: "sort the map, name nothing twice, not yourself, and 16 organizations at most",
    Rejection.POLICY_CONTRADICTORY: "sort the staff, nobody twice; two operators are asked for below the largest bonus",
    Rejection.CHECK_IN_MISSING: "no other operator with scope CASHIER of who held the event has signed that he came",
    Rejection.STAFF_ACCOUNT: "the account is of the issuer's own staff, whom its operators may give nothing",
    Rejection.CAUSE_ALREADY_USED: "points were granted or adjusted for this cause before (invariant I3)",
    Rejection.GRANT_TOO_LARGE: "the issuer's policy allows no bonus of so many points",
    Rejection.SECOND_OPERATOR_MISSING: "above the issuer's limit a second operator, ISSUER or ADMIN, has to sign too",
    Rejection.CLERK_LIMIT_REACHED: "the operator has granted as much as the policy allows in a day: ask another one",
    Rejection.BONUS_BUDGET_SPENT: "the budget of the issuer's policy is spent: its next version begins a new one",
    Rejection.STANDING_ORDER_OUT_OF_RANGE: "a standing order ends after the block's time, within 366 days",
    Rejection.NO_STANDING_ORDER: "the account has no standing order at that organization",
}
"""What each means and what to do about it; one sentence for people. Invariant: every rejection has one."""

FINAL_REJECTIONS = frozenset(
    {
        Rejection.EXPIRED,
        Rejection.ALREADY_APPLIED,
        Rejection.NOT_THE_ISSUER,
        Rejection.ORDER_ALREADY_CREDITED,
        Rejection.ACCOUNT_EXISTS,
        Rejection.SENDER_IS_RECIPIENT,
        Rejection.ACCEPTANCE_CONTRADICTORY,
        Rejection.ORDER_ALREADY_PAID,
        Rejection.POINT_TYPE_REPEATED,
        Rejection.REFUND_ALREADY_TAKEN,
        Rejection.REFUND_EXCEEDS_ORDER,
        Rejection.ITEMS_EXCEED_REFUND,
        Rejection.REWARD_CODE_KNOWN,
        Rejection.REDEMPTION_NOT_HELD,
        Rejection.CASHBACK_NOT_OPEN,
        Rejection.CHECKPOINT_TOO_OLD,
        Rejection.CHECKPOINT_ALREADY_ATTESTED,
        Rejection.ALREADY_VOTED,
        Rejection.NO_ADMINISTRATOR,
        Rejection.VALIDATOR_RETIRED,
        Rejection.ALREADY_A_VOTER,
        Rejection.ID_TAKEN,
        Rejection.CERTIFICATE_IN_USE,
        Rejection.POINT_TYPE_EXISTS,
        Rejection.TERMS_BACK_DATED,
        Rejection.TERMS_CONTRADICTORY,
        Rejection.BACKING_TOO_SMALL,
        Rejection.RULE_BACK_DATED,
        Rejection.RULE_CONTRADICTORY,
        Rejection.CAMPAIGN_EXISTS,
        Rejection.ITEMS_EXCEED_ORDER,
        Rejection.NOT_CONSUMER_POINTS,
        Rejection.NOT_A_MALL,
        Rejection.NOT_ITS_KEY,
        Rejection.STATEMENTS_AGREE,
        Rejection.EVIDENCE_ALREADY_RECORDED,
        Rejection.EVIDENCE_ENOUGH,
        Rejection.RECOGNITION_CONTRADICTORY,
        Rejection.POLICY_CONTRADICTORY,
        Rejection.CAUSE_ALREADY_USED,
        Rejection.DRAW_EXISTS,
        Rejection.PRIZE_TOO_LARGE,
        Rejection.DRAW_OVER,
        Rejection.DRAW_CLOSED,
        Rejection.ALREADY_COMMITTED,
        Rejection.SECRETS_ALREADY_KEPT,
        Rejection.PIECE_WRONG,
        Rejection.PIECES_KNOWN,
    }
)
"""Reasons that no transaction still on its way can cure.

A validator that lags a moment must not refuse early what the leader would take (an account registered a blink ago), so
only these end a transaction before it is ordered.
"""

FINAL_FOR_VOTES = frozenset({Rejection.EXPIRED, Rejection.ALREADY_APPLIED, Rejection.ALREADY_VOTED})
"""Those of them that are final for a vote on a proposal; see `jifen.ledger.apply.final_rejection`."""
