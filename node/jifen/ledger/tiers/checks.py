"""The invariants of tiers."""

from jifen.ledger.checking import Items, require
from jifen.ledger.state import ACCOUNT, MEMBERSHIP, TIERS
from jifen.ledger.tiers.publishing import are_contradictory, has_tier, is_tangled
from jifen.ledger.tiers.records import Membership, TierBook


def check_tiers_are_of_a_sound_programme(items: Items) -> None:
    """Programmes and maps agree with themselves; memberships are of accounts, and of tiers that exist."""
    known = list(items)
    books = {key[1:].decode(): record for key, record in known if isinstance(record, TierBook) and key[:1] == TIERS}
    accounts = {key[1:] for key, _ in known if key[:1] == ACCOUNT}
    for name, book in books.items():
        sound = book.programme is None or not are_contradictory(book.programme)
        require(sound, f"the tiers of {name} contradict themselves: {book.programme}")
        if book.recognition is not None:
            require(not is_tangled(book.recognition, name), f"the map of {name} contradicts itself: {book.recognition}")
            for entry in book.recognition.entries:
                exist = has_tier(books.get(entry.organization), entry.tier) and has_tier(book, entry.counts_as)
                require(exist, f"{name} recognises {entry}, of which a tier does not exist")
    for key, record in known:
        if key[:1] == MEMBERSHIP:
            assert isinstance(record, Membership)
            account, organization = key[1:21], key[21:].decode()
            require(account in accounts, f"{account.hex()} is a member of {organization} but is not registered")
            held = has_tier(books.get(organization), record.tier) if record.tier else True
            require(held, f"{account.hex()} has tier {record.tier} of {organization}, which does not exist")


def check_a_grace_is_given_to_a_tier_within_its_period(items: Items) -> None:
    """A grace belongs to a tier, ends no later than the running period, and nothing is judged without one."""
    for key, record in items:
        if isinstance(record, Membership):
            given = bool(record.tier) and record.grace_until <= record.period_end
            right = given if record.grace_until else not record.judged
            require(right, f"membership {key.hex()} has a grace that cannot be: {record}")
            require(record.tier != "" or record.points >= 0, f"membership {key.hex()} owes points but no tier")
