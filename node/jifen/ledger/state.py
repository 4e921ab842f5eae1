"""The working state: committed records plus the writes of blocks not yet committed.

A validator executes before it acknowledges, so several executed blocks may wait for their certificates while the disk
still holds an older state. `WorkingState` keeps their writes and what they replaced: committing hands the writes over
to the store, a truncated log is undone in reverse.
"""

from bisect import bisect_left, insort
from collections import deque
from typing import Protocol, final

import msgspec

from jifen.ledger.types import Record

CACHED_RECORDS_MAX = 200_000
"""Records kept in memory besides uncommitted ones: some 100 MB at most, enough for every member who shops on a day."""

ORGANIZATION = b"o"
POINT_TYPE = b"p"
SUPPLY = b"s"
ACCOUNT = b"a"
HOLDING = b"h"
ORDER = b"b"
MARK = b"x"
REFUND = b"r"
AGENDA = b"t"
TERMS = b"T"
VALIDATOR = b"v"
VALIDATOR_SET = b"V"
CHECKPOINTS = b"c"
EVIDENCE = b"e"
POSITION = b"H"
LOCK = b"i"
MOVED = b"l"
REWARD = b"W"
REWARD_VERSION = b"Y"
REWARD_CODE = b"j"
REWARD_CODE_INDEX = b"J"
REDEMPTION = b"R"
REDEMPTIONS_OF_ACCOUNT = b"y"
REWARD_STANDING = b"z"
CASHBACK = b"C"
CASHBACK_POLICY = b"P"
CASHBACK_USE = b"K"
CASHBACKS_OF_ACCOUNT = b"m"
CASHBACKS_OPEN = b"O"
RULE_BOOK = b"u"
RULE = b"U"
CAMPAIGN = b"M"
EARNING_POLICY = b"E"
TAGS = b"Z"
BUDGET = b"B"
TALLY = b"N"
DRAW = b"d"
DRAW_ENTRY = b"D"
DRAW_TALLY = b"I"
DRAW_MEMBER = b"X"
PAYMENT = b"w"
HOLD = b"k"
ACCEPTANCE = b"A"
POLICIES = b"L"
OFFER = b"f"
BOARD = b"F"
OPEN_OFFERS = b"S"

ORGANIZATION_OPEN = b"0"
MEMBER_OPEN = b"1"
"""Digits: all letters are taken."""

TIERS = b"q"
MEMBERSHIP = b"Q"
BONUS = b"n"
"""Bonuses: limits, what was made use of, what operators have done; the second letter of a key says which."""

PROPOSAL = b"g"
GOVERNANCE = b"G"

VALIDATOR_SET_KEY = VALIDATOR_SET
"""State key of the present validator set."""

CHECKPOINTS_KEY = CHECKPOINTS
"""State key of the newest checkpoints: one record."""
POLICIES_KEY = POLICIES
"""State key of every organization's payment policy: one record."""
GOVERNANCE_KEY = GOVERNANCE
"""State key of what deciding needs: there is one."""


def organization_key(organization: str) -> bytes:
    """State key of an organization."""
    return ORGANIZATION + organization.encode()


def point_type_key(point_type: str) -> bytes:
    """State key of a point type."""
    return POINT_TYPE + point_type.encode()


def supply_key(point_type: str) -> bytes:
    """State key of a point type's supply."""
    return SUPPLY + point_type.encode()


def account_key(account: bytes) -> bytes:
    """State key of an account."""
    return ACCOUNT + account


def holding_key(account: bytes, point_type: str) -> bytes:
    """State key of an account's points of one type; the keys of one account stand together."""
    return HOLDING + account + point_type.encode()


def order_key(merchant: str, order_id: str) -> bytes:
    """State key of a merchant's order: the business key of an earn (invariant I3). NUL cannot occur in a slug."""
    return ORDER + merchant.encode() + b"\0" + order_id.encode()


def refund_key(merchant: str, refund_id: str) -> bytes:
    """State key of a merchant's refund: the business key of a refund (invariant I3)."""
    return REFUND + merchant.encode() + b"\0" + refund_id.encode()


def mark_key(expires_at: int, transaction_id: bytes) -> bytes:
    """State key of a taken transaction: expiry first, so that expired ones form one range."""
    return MARK + expires_at.to_bytes(8, "big") + transaction_id


def validator_key(validator: str) -> bytes:
    """State key of a validator, retired ones included."""
    return VALIDATOR + validator.encode()


def past_set_key(height: int) -> bytes:
    """State key of the validator set that was in force from a height on."""
    return VALIDATOR_SET + height.to_bytes(8, "big")


def proposal_key(number: int) -> bytes:
    """State key of a proposal; they stand in the order in which they were made."""
    return PROPOSAL + number.to_bytes(8, "big")


def agenda_key(due: int, subject: bytes) -> bytes:
    """State key of an agenda entry: time first, so that what is due forms one range; then the key it is about."""
    return AGENDA + due.to_bytes(8, "big") + subject


def terms_key(point_type: str, version: int) -> bytes:
    """State key of a version of a point type's terms; its versions stand together, in order."""
    return TERMS + point_type.encode() + b"\0" + version.to_bytes(4, "big")


def tier_book_key(organization: str) -> bytes:
    """State key of an organization's tiers."""
    return TIERS + organization.encode()


def membership_key(account: bytes, organization: str) -> bytes:
    """State key of what an account has reached with an organization; those of one account stand together."""
    return MEMBERSHIP + account + organization.encode()


def bonus_book_key(organization: str) -> bytes:
    """State key of the limits of an organization's bonuses, and what those have come to."""
    return BONUS + b"b" + organization.encode()


def bonus_mark_key(issuer: str, cause: bytes) -> bytes:
    """State key of a cause for which an issuer has granted or adjusted points: a business key (invariant I3)."""
    return BONUS + b"m" + issuer.encode() + b"\0" + cause


def standing_order_key(account: bytes, organization: str) -> bytes:
    """State key of what an account has asked to be redeemed after purchases at an organization."""
    return BONUS + b"a" + account + organization.encode()


def clerk_key(issuer: str, operator: bytes) -> bytes:
    """State key of what one of an issuer's operators has granted and adjusted in a day."""
    return BONUS + b"c" + issuer.encode() + b"\0" + operator


def rule_book_key(point_type: str) -> bytes:
    """State key of what holds of a point type beyond its flat rate."""
    return RULE_BOOK + point_type.encode()


def rule_key(point_type: str, version: int) -> bytes:
    """State key of a version of a point type's earning rule; its versions stand together, in order."""
    return RULE + point_type.encode() + b"\0" + version.to_bytes(4, "big")


def campaign_key(point_type: str, campaign: str) -> bytes:
    """State key of a campaign of a point type."""
    return CAMPAIGN + point_type.encode() + b"\0" + campaign.encode()


def earning_policy_key(mall: str) -> bytes:
    """State key of a mall's earning policy."""
    return EARNING_POLICY + mall.encode()


def tags_key(organization: str) -> bytes:
    """State key of an organization's regions and industries."""
    return TAGS + organization.encode()


def rule_budget_key(point_type: str, version: int) -> bytes:
    """State key of what a version of an earning rule has given."""
    return BUDGET + point_type.encode() + b"\0r" + version.to_bytes(4, "big")


def campaign_budget_key(point_type: str, campaign: str) -> bytes:
    """State key of what a campaign has given."""
    return BUDGET + point_type.encode() + b"\0c" + campaign.encode()


def tally_key(account: bytes, point_type: str) -> bytes:
    """State key of what of an account counts against limits."""
    return TALLY + account + point_type.encode()


def evidence_key(validator: str) -> bytes:
    """State key of the evidence against a validator."""
    return EVIDENCE + validator.encode()


def lock_key(account: bytes) -> bytes:
    """State key of an account's lock, or its newest one."""
    return LOCK + account


def moved_key(day_end: int, account: bytes, point_type: str) -> bytes:
    """State key of what an account has moved on a day: the day's end first, so that those of past days form a range."""
    return MOVED + day_end.to_bytes(8, "big") + account + point_type.encode()


def offer_key(identity: bytes) -> bytes:
    """State key of an open swap offer: by the transaction that made it."""
    return OFFER + identity


def open_offers_key(account: bytes) -> bytes:
    """State key of the list of an account's open swap offers."""
    return OPEN_OFFERS + account


def position_key(organization: str, point_type: str, rate: bytes = b"") -> bytes:
    """State key of an organization's position in a point type at a rate; those of one organization stand together."""
    return POSITION + organization.encode() + b"\0" + point_type.encode() + b"\0" + rate


def draw_key(organization: str, draw: str) -> bytes:
    """State key of an organization's draw."""
    return DRAW + organization.encode() + b"\0" + draw.encode()


def draw_tally_key(organization: str, draw: str) -> bytes:
    """State key of how many entries a draw has."""
    return DRAW_TALLY + organization.encode() + b"\0" + draw.encode()


def draw_entry_key(organization: str, draw: str, last: int) -> bytes:
    """State key of the entries that end with a number; a draw's entries stand together, in order.

    The entry of any number is therefore in the first record from its own number on.
    """
    return DRAW_ENTRY + organization.encode() + b"\0" + draw.encode() + b"\0" + last.to_bytes(8, "big")


def draw_member_key(account: bytes, organization: str, draw: str) -> bytes:
    """State key of what a member has in a draw; an account's draws stand together."""
    return DRAW_MEMBER + account + organization.encode() + b"\0" + draw.encode()


def organization_open_key(organization: str) -> bytes:
    """State key of how much an organization has open."""
    return ORGANIZATION_OPEN + organization.encode()


def member_open_key(account: bytes, organization: str) -> bytes:
    """State key of how much an account has open with an organization; those of one account stand together."""
    return MEMBER_OPEN + account + organization.encode()


def payment_key(merchant: str, order_id: str) -> bytes:
    """State key of what points paid for a merchant's order: the business key of a payment (invariant I3)."""
    return PAYMENT + merchant.encode() + b"\0" + order_id.encode()


def hold_key(account: bytes, hold: bytes) -> bytes:
    """State key of a hold; those of one account stand together."""
    return HOLD + account + hold


def acceptance_key(organization: str, point_type: str) -> bytes:
    """State key of how an organization takes a point type now; those of one organization stand together."""
    return ACCEPTANCE + organization.encode() + b"\0" + point_type.encode()


def past_acceptance_key(organization: str, point_type: str, version: int) -> bytes:
    """State key of a version in the history, the newest included; no slug begins with NUL, so history comes first."""
    key = ACCEPTANCE + b"\0" + organization.encode() + b"\0" + point_type.encode() + b"\0"
    return key + version.to_bytes(4, "big")


def past_policies_key(revision: int) -> bytes:
    """State key of a revision of all payment policies in the history, the newest included."""
    return POLICIES + revision.to_bytes(4, "big")


class StateReader(Protocol):
    """What a rule needs of the state."""

    def get(self, key: bytes) -> Record | None:
        """Return the record under `key`, or None."""
        ...

    def range(self, start: bytes, stop: bytes, limit: int) -> list[tuple[bytes, Record]]:
        """Return the first `limit` keys of `start <= key < stop` in ascending order, each with its record."""
        ...


class StateWriter(StateReader, Protocol):
    """What a rule that has decided needs of the state."""

    def put(self, key: bytes, record: Record) -> None:
        """Set the record under `key`."""
        ...

    def delete(self, key: bytes) -> None:
        """Leave nothing under `key`; it need not have held anything."""
        ...


def after_prefix(prefix: bytes) -> bytes:
    """Return the end of the range of all keys that begin with `prefix`: the first key above them.

    A prefix of nothing but 0xff bytes has no such key; no table's letter is one.
    """
    rest = prefix.rstrip(b"\xff")  # ids of accounts end with any byte, and 0xff has no next one
    return rest[:-1] + bytes([rest[-1] + 1])


class BlockWrites(msgspec.Struct, frozen=True):
    """What one executed block changed."""

    height: int
    writes: dict[bytes, Record | None]
    """New record of every key that the block changed, None where it left nothing, in ascending order of the keys.

    Invariant: what the block both made and deleted is not among them.
    """
    replaced: dict[bytes, Record | None]
    """Record before the block, or None. Invariant: the same keys as `writes`, in the same order."""
    keys: list[bytes]
    """The keys of `writes`."""


@final
class WorkingState:
    """The state after the last executed block.

    Invariant: `flushed <= committed <= height`; `_blocks` holds the blocks above `flushed`, lowest first.
    Invariant: a key absent from the cache has no write above `flushed`, so `base` gives its record.
    """

    def __init__(self, base: StateReader, height: int) -> None:
        """Start at a committed height. `base` reads what was last flushed; it may run ahead of `forget_flushed`."""
        self._base = base
        self._records: dict[bytes, Record | None] = {}
        """The cache. None: there is nothing under the key, whatever `base` says."""
        self._blocks: deque[BlockWrites] = deque()
        self._writes: dict[bytes, Record | None] | None = None
        self._replaced: dict[bytes, Record | None] = {}
        self._sorted: list[bytes] = []
        """Keys of `_writes` in ascending order, but for those in `_unsorted`."""
        self._unsorted: list[bytes] = []
        """Keys written since a range was last asked for: most blocks ask for none, and sort their keys once."""
        self.height = height
        self.committed = height
        self.flushed = height

    def get(self, key: bytes) -> Record | None:
        """Return the newest record under `key`, or None."""
        record = self._records.get(key)
        if record is None and key not in self._records:
            # What is not there is remembered too: a mark or order is looked for before it is written.
            record = self._records[key] = self._base.get(key)
        return record

    def range(self, start: bytes, stop: bytes, limit: int) -> list[tuple[bytes, Record]]:
        """Return the first `limit` keys of `start <= key < stop` in ascending order, each with its newest record.

        Costs grow with what the range holds and with the number of blocks in flight, not with the size of the state
        nor with what the open block has written.
        """
        changed: dict[bytes, None] = {}
        for block in self._blocks:
            keys = block.keys
            changed.update(dict.fromkeys(keys[bisect_left(keys, start) : bisect_left(keys, stop)]))
        keys = self._written()
        changed.update(dict.fromkeys(keys[bisect_left(keys, start) : bisect_left(keys, stop)]))
        # Of what the base gives at most so many are changed above it, so that enough are left.
        found: dict[bytes, Record | None] = dict(self._base.range(start, stop, limit + len(changed)))
        found.update((key, self.get(key)) for key in changed)
        known = [(key, found[key]) for key in sorted(found)]
        return [(key, record) for key, record in known if record is not None][:limit]

    def _written(self) -> list[bytes]:
        """Return the keys of the open block's writes in ascending order."""
        for key in self._unsorted:
            insort(self._sorted, key)
        self._unsorted.clear()
        return self._sorted

    def put(self, key: bytes, record: Record | None) -> None:
        """Set the record under `key`; only between `begin_block` and `end_block` or `abandon_block`.

        None leaves nothing there, as `delete` does: every transaction writes some records, each in a single call.
        """
        writes, records = self._writes, self._records
        assert writes is not None, "a record was written outside a block"
        if key not in writes:
            self._replaced[key] = records[key] if key in records else self._base.get(key)
            self._unsorted.append(key)
        writes[key] = records[key] = record

    def delete(self, key: bytes) -> None:
        """Leave nothing under `key`; only between `begin_block` and `end_block` or `abandon_block`."""
        self.put(key, None)

    def begin_block(self) -> None:
        """Start the block after `height`."""
        assert self._writes is None, "a block is open already"
        self._writes = {}
        self._replaced = {}

    def end_block(self) -> BlockWrites:
        """Close the open block and return what it changed."""
        writes, replaced = self._writes, self._replaced
        assert writes is not None, "no block is open"
        self.height += 1
        keys = [key for key in sorted(writes) if writes[key] is not None or replaced[key] is not None]
        block = BlockWrites(self.height, {key: writes[key] for key in keys}, {key: replaced[key] for key in keys}, keys)
        self._blocks.append(block)
        self._close()
        return block

    def abandon_block(self) -> None:
        """Undo the open block."""
        assert self._writes is not None, "no block is open"
        self._restore(self._replaced)
        self._close()

    def _close(self) -> None:
        self._writes = None
        self._sorted.clear()
        self._unsorted.clear()

    def roll_back_to(self, height: int) -> None:
        """Undo executed blocks above `height`, newest first; never below the committed height."""
        assert self._writes is None, "a block is open"
        assert height >= self.committed, f"block {self.committed} is committed; going back to {height} would undo it"
        while self.height > height:
            self._restore(self._blocks.pop().replaced)
            self.height -= 1

    def commit(self) -> BlockWrites:
        """Take the lowest uncommitted block as committed and return it for the store."""
        assert self.committed < self.height, "there is no executed block to commit"
        block = self._blocks[self.committed - self.flushed]
        self.committed += 1
        assert block.height == self.committed, f"block {block.height} stands where {self.committed} should"
        return block

    def forget_flushed(self, height: int) -> None:
        """Drop what is now readable through `base`: blocks up to `height`, and the longest known records in excess."""
        assert self._writes is None, "a block is open"  # whose writes eviction would not know to keep
        assert height <= self.committed, f"block {height} was flushed before it was committed"
        while self.flushed < height:
            self._blocks.popleft()
            self.flushed += 1
        excess = len(self._records) - CACHED_RECORDS_MAX
        if excess > 0:
            self._evict(excess)

    def _evict(self, excess: int) -> None:
        needed = {key: None for block in self._blocks for key in block.writes}
        oldest = [key for key, _ in zip(self._records, range(excess + len(needed)), strict=False)]
        for key in oldest:
            if key not in needed:
                del self._records[key]

    def _restore(self, replaced: dict[bytes, Record | None]) -> None:
        # Also what was not there stays known: an earlier block may have deleted it, which `base` does not know yet.
        self._records.update(replaced)
