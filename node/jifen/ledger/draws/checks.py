"""The invariants of prize draws."""

from jifen.ledger.checking import Items, require
from jifen.ledger.draws.drawing import lacking, next_digest, piece_hash, seed_of, winners_of
from jifen.ledger.draws.preparing import draw_contradicts_itself
from jifen.ledger.draws.records import RUNNING, Draw, DrawEntry, DrawStatus, DrawTally, MemberEntries, draw_hash
from jifen.ledger.points.held import HELD_IN, HeldPoints
from jifen.ledger.points.lots import points_of
from jifen.ledger.state import DRAW, DRAW_ENTRY, DRAW_TALLY, draw_entry_key, draw_key, draw_member_key, draw_tally_key


def _held_in(entry: DrawEntry) -> tuple[HeldPoints, ...]:
    return (HeldPoints(entry.account, entry.point_type, points_of(entry.lots)),) if entry.lots else ()


HELD_IN[DRAW_ENTRY] = _held_in


def check_draws_keep_what_they_promised(items: Items) -> None:
    """A draw stands under its name with the terms it was published with, one commitment for each committer, and no
    piece that does not fit its hash."""
    for key, draw in items:
        if isinstance(draw, Draw):
            name = f"draw {draw.organization} {draw.name}"
            require(key == draw_key(draw.organization, draw.name), f"{name} stands under {key.hex()}")
            require(draw.hash == draw_hash(draw.organization, draw.name, draw.terms), f"{name} has another hash")
            require(not draw_contradicts_itself(draw.terms, draw.organization), f"{name} contradicts itself")
            committers = draw.terms.committers
            require(len(draw.commitments) == len(committers), f"{name} has {len(draw.commitments)} commitments")
            for committer, item in zip(committers, draw.commitments, strict=True):
                asked = len(lacking(len(committers)))
                right = len(item.hashes) == len(item.pieces) == (asked if item.hashes else 0)
                right = right and (bool(item.hashes) or not item.kept)
                require(right, f"{name}: {committer} has committed {item}")
                for index, piece in enumerate(item.pieces):
                    fits = not piece or piece_hash(draw.hash, committer, index, piece) == item.hashes[index]
                    require(fits, f"{name}: piece {index} of {committer} does not fit its hash")
            opened = all(item.kept for item in draw.commitments)
            require(opened or draw.status not in (DrawStatus.OPEN, DrawStatus.SETTLING), f"{name} has never opened")
            require(bool(draw.due) == (draw.status not in (DrawStatus.SETTLED, DrawStatus.REFUNDED)), f"{name}: {draw}")


def check_entries_are_counted_and_chained(items: Items) -> None:
    """A draw's entries are numbered without gaps, make its digest, and are what its members have; until they are
    settled their lots make their points, and after that there are none."""
    known = dict(items)
    expected: dict[bytes, DrawTally | MemberEntries] = {}
    for key in sorted(key for key in known if key[:1] == DRAW_ENTRY):
        entry = known[key]
        assert isinstance(entry, DrawEntry)
        draw = known.get(DRAW + key[1:-9])
        require(isinstance(draw, Draw), f"entry {key.hex()} is of no draw")
        assert isinstance(draw, Draw)
        tally_key = draw_tally_key(draw.organization, draw.name)
        tally = expected.get(tally_key, DrawTally(0, draw.hash))
        assert isinstance(tally, DrawTally)
        last = entry.first + entry.count - 1
        follows = entry.first == tally.entries + 1 and key == draw_entry_key(draw.organization, draw.name, last)
        require(follows, f"{key.hex()} holds {entry} after {tally}")
        digest = next_digest(tally.digest, entry.account, entry.first, entry.count, entry.transaction_id)
        expected[tally_key] = DrawTally(last, digest)
        held = 0 if last <= draw.settled else entry.points
        require(points_of(entry.lots) == held, f"{key.hex()} holds {entry}, settled up to {draw.settled}")
        mine_key = draw_member_key(entry.account, draw.organization, draw.name)
        mine = expected.get(mine_key)
        numbers = mine.numbers if isinstance(mine, MemberEntries) else ()
        before = mine.entries if isinstance(mine, MemberEntries) else 0
        expected[mine_key] = MemberEntries(before + entry.count, (*numbers, last))
    found = {key: record for key, record in known.items() if isinstance(record, DrawTally | MemberEntries)}
    require(found == expected, f"draws are counted as {found}, their entries make {expected}")


def check_winners_are_those_that_anybody_computes(items: Items) -> None:
    """A draw has winners exactly while it is settled, and they follow from its entries and its secrets."""
    known = dict(items)
    for key, draw in known.items():
        if isinstance(draw, Draw):
            tally = known.get(DRAW_TALLY + key[1:], DrawTally(0, draw.hash))
            assert isinstance(tally, DrawTally)
            winners: tuple[int, ...] = ()
            if draw.status in (DrawStatus.SETTLING, DrawStatus.SETTLED):
                seed = seed_of(tally.digest, [item.pieces for item in draw.commitments])
                winners = winners_of(seed, tally.entries, draw.terms.prize_count)
            require(draw.winners == winners, f"draw {key.hex()} has the winners {draw.winners}, not {winners}")
            bounds = draw.settled <= tally.entries <= draw.terms.entries_max
            bounds = bounds and (draw.status not in RUNNING or not draw.settled)
            require(bounds, f"draw {key.hex()} has {tally.entries} entries and is settled up to {draw.settled}")
            handed = list(draw.fulfilled) == sorted({*draw.fulfilled} & {*draw.winners})
            require(handed, f"draw {key.hex()} has handed over {draw.fulfilled} of {draw.winners}")
