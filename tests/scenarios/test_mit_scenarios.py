"""The tests of MIT 6.5840, lab 3 (Raft), A to C, in the simulated world: same names, same ideas, own words.

There a few servers agree on commands; here validators on blocks, with clients, disks and executors. Times are
simulated, so each takes well under a second. D is in `test_snapshots`.
"""

import random
from itertools import pairwise

import pytest

from jifen.codec.transactions import encode_body, encode_signed, transaction_id
from jifen.keys.signing import KeyPair
from jifen.ledger.transactions import RegisterMember, Signature
from jifen.testing.naive.scene import CHAIN_ID
from jifen.testing.small_alliance import CREATED_AT
from jifen.testing.world import mempool, validator
from jifen.testing.world.engine import World
from jifen.testing.world.scenario import from_text

ELECTION_MS = 2500
"""Within so long somebody leads, if a quorum can."""


def begin(text: str, until: int = ELECTION_MS) -> World:
    """Run a world until somebody leads; clients are called by the test unless the text says otherwise."""
    quiet = "clients" not in text
    world = World(from_text(f"{'clients 0' if quiet else ''}\n{text}\nduration_ms 60000\n"))
    world.clients.resting = quiet
    world.run_until(until)
    return world


def others(world: World, *names: str) -> list[str]:
    """Return the validators but those."""
    return [id for id in world.ids if id not in names]


def agree(world: World, count: int = 1, patience_ms: int = 10_000) -> None:
    """Let clients ask for transactions, one after the other, and wait for each answer."""
    for _ in range(count):
        world.clients.begin(1000 + world.clients.counts["begun"], world)
        deadline = world.now + patience_ms
        while world.clients.waiting:
            assert world.now < deadline, world.summary()
            world.run_for(10)


def signed_registrations(world: World, count: int) -> list[bytes]:
    """Return signed registrations of that many members."""
    made = []
    for number in range(count):
        key = KeyPair.derive(bytes(32), f"member {number}")
        data = encode_body(RegisterMember(CREATED_AT + 40_000_000, number.to_bytes(12, "big"), key.public))
        signature = world.signatures.sign(key, transaction_id(CHAIN_ID, [key.public], data))
        made.append(encode_signed(data, (Signature(key.public, signature),)))
    return made


# 3A: leader election.


def test_a_leader_is_elected_and_stays_while_nothing_is_wrong() -> None:
    """MIT InitialElection."""
    world = begin("validators 3")
    leader, term = world.leader().id, world.leader().raft.term

    world.run_for(5000)
    assert {(node.raft.leader, node.raft.term) for node in world.nodes.values()} == {(leader, term)}
    world.settle()


def test_another_leads_when_the_leader_is_cut_off_and_nobody_without_a_quorum() -> None:
    """MIT ReElection."""
    world = begin("validators 3")
    first = world.leader().id
    world.nemesis(f"isolate {first}")
    world.run_for(ELECTION_MS)
    second = world.leader().id
    assert second != first

    world.nemesis("heal")  # the old leader comes back and follows
    world.run_for(500)
    assert (world.leader().id, world.nodes[first].raft.leader) == (second, second)

    third = others(world, first, second)[0]
    world.nemesis(f"isolate {second} {third}")
    world.run_for(ELECTION_MS)
    assert world.leader_id() is None

    world.nemesis("heal")
    world.run_for(ELECTION_MS)
    assert world.leader_id() is not None
    world.settle()


def test_among_any_four_of_seven_one_leads() -> None:
    """MIT ManyElections."""
    world = begin("validators 7")
    draws = random.Random(7)
    for _ in range(8):
        away = draws.sample(world.ids, 3)
        world.nemesis(f"isolate {' '.join(away)}")
        world.run_for(ELECTION_MS)
        assert world.leader().id not in away
        world.nemesis("heal")
        world.run_for(300)

    assert len(world.checks.leaders) > 3
    world.settle()


# 3B: the log.


def test_transactions_are_committed_by_everybody_in_one_order() -> None:
    """MIT BasicAgree."""
    world = begin("validators 5")
    agree(world, 3)
    world.run_for(200)

    assert {node.disk.tip.hash for node in world.nodes.values()} == {world.leader().disk.tip.hash}
    assert len(world.leader().disk.outcomes) == 3
    world.settle()


def test_each_transaction_crosses_each_link_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """MIT RPCBytes: no more bytes than servers x payload + 50 kB, with blocks about as large as the commands there."""
    for module in (mempool, validator):
        monkeypatch.setattr(module, "BATCH_MAX", 32)
    world = begin("validators 3\nbusy_ms_max 3")
    leader = world.leader()
    transactions = signed_registrations(world, 32 * 30)
    payload = sum(map(len, transactions))
    before = world.frame_bytes
    for start in range(0, len(transactions), 32):
        for signed in transactions[start : start + 32]:
            leader.submit(signed, 0)
        world.run_for(100)
    world.run_for(500)

    assert len(leader.disk.outcomes) == len(transactions)
    assert payload > 150_000, "the 50 kB must not be what makes it pass"
    assert world.frame_bytes - before <= 3 * payload + 50_000


def test_agreement_goes_on_without_one_follower_and_ends_without_all() -> None:
    """MIT FollowerFailure."""
    world = begin("validators 3")
    agree(world)
    leader = world.leader().id
    one, other = others(world, leader)
    world.nemesis(f"isolate {one}")
    agree(world, 2)
    world.nemesis(f"isolate {other}")
    world.run_for(100)
    height = world.height
    world.nodes[leader].submit(signed_registrations(world, 1)[0], 0)
    world.run_for(5000)

    assert world.height == height
    world.settle()


def test_agreement_goes_on_after_leaders_fail_until_too_few_are_left() -> None:
    """MIT LeaderFailure."""
    world = begin("validators 3")
    agree(world)
    first = world.leader().id
    world.nemesis(f"isolate {first}")
    agree(world, 2)
    world.nemesis(f"isolate {world.leader().id}")
    world.run_for(100)
    height = world.height
    for node in world.nodes.values():
        node.submit(signed_registrations(world, 1)[0], 0)
    world.run_for(5000)

    assert world.height == height
    world.settle()


def test_a_follower_that_comes_back_has_everything() -> None:
    """MIT FailAgree."""
    world = begin("validators 3")
    agree(world)
    away = others(world, world.leader().id)[0]
    world.nemesis(f"isolate {away}")
    agree(world, 4)
    world.run_for(1500)
    agree(world, 2)
    world.nemesis("heal")
    agree(world, 2)
    world.run_for(300)

    assert world.nodes[away].disk.tip.height == world.height
    world.settle()


def test_nothing_is_committed_without_a_quorum() -> None:
    """MIT FailNoAgree."""
    world = begin("validators 5")
    agree(world)
    leader = world.leader()
    away = others(world, leader.id)[:3]
    world.nemesis(f"isolate {' '.join(away)}")
    height = world.height
    leader.submit(signed_registrations(world, 1)[0], 0)
    world.run_for(3000)
    assert world.height == height

    world.nemesis("heal")
    world.run_for(ELECTION_MS)
    agree(world)
    world.settle()


def test_transactions_that_come_at_once_are_all_committed_once() -> None:
    """MIT ConcurrentStarts."""
    world = begin("validators 3")
    leader, height = world.leader(), world.height
    for signed in signed_registrations(world, 5):
        leader.submit(signed, 0)
    world.run_for(500)

    assert len(leader.disk.outcomes) == 5
    assert world.height <= height + 5
    world.settle()


def test_a_leader_that_comes_back_gives_up_what_it_took_alone() -> None:
    """MIT Rejoin."""
    world = begin("validators 3")
    agree(world)
    first = world.leader()
    world.nemesis(f"isolate {first.id}")
    for signed in signed_registrations(world, 4):
        first.submit(signed, 0)
    world.run_for(300)
    alone = {entry.hash for entry in first.disk.log[first.disk.tip.height :]}
    assert alone

    agree(world)  # under another leader
    second = world.leader()
    world.nemesis("heal")
    world.nemesis(f"isolate {second.id}")
    agree(world)
    world.nemesis("heal")
    agree(world)
    world.settle()
    for node in world.nodes.values():
        assert not alone & {entry.hash for entry in node.disk.log}


def test_a_leader_backs_up_quickly_over_long_logs_that_are_wrong() -> None:
    """MIT Backup."""
    world = begin("validators 5")
    agree(world, 5)
    first = world.leader()
    friend, *rest = others(world, first.id)
    world.nemesis(f"partition {first.id} {friend} | {' '.join(rest)}")
    _flood(world, first.id, 40, 0)
    world.run_for(ELECTION_MS)
    agree(world, 10)
    second = world.leader()
    assert second.id in rest
    lame = next(id for id in rest if id != second.id)
    world.nemesis(f"isolate {lame}")
    world.nemesis(f"partition {second.id} | {first.id} {friend} {lame}")
    _flood(world, second.id, 40, 100)
    world.run_for(ELECTION_MS)
    agree(world, 10)
    world.nemesis("heal")
    before = world.frames
    world.run_for(1000)

    assert len({node.disk.tip.hash for node in world.nodes.values()}) == 1, world.summary()
    assert world.frames - before < 400, "whole terms are skipped, not heights"
    world.settle()


def _flood(world: World, id: str, count: int, first: int) -> None:
    for signed in signed_registrations(world, first + count)[first:]:
        world.nodes[id].submit(signed, 0)
        world.run_for(2)


def test_few_messages_are_sent_for_few_transactions_and_few_when_idle() -> None:
    """MIT Count: a call there, question and answer, is two frames here."""
    world = begin("validators 3")
    leader, before, count = world.leader(), world.frames, 10
    for signed in signed_registrations(world, count):
        leader.submit(signed, 0)
    started = world.now
    while len(leader.disk.outcomes) < count:
        world.run_for(1)
    assert world.now - started < 100
    assert world.frames - before <= 2 * (count + 1 + 3) * 3

    world.run_for(200)
    before = world.frames
    world.run_for(1000)
    assert world.frames - before <= 2 * 60


# 3C: persistence.


def test_everything_is_there_after_all_restart_and_after_the_leader_does() -> None:
    """MIT Persist1."""
    world = begin("validators 3")
    agree(world)
    world.nemesis("crash all")
    world.nemesis("restart all")
    agree(world)
    world.nemesis("crash leader")
    world.nemesis("restart all")
    agree(world)
    leader = world.leader().id
    world.nemesis(f"crash {leader}")
    agree(world)
    world.nemesis("restart all")
    agree(world)

    world.settle()
    assert len(world.checks.auditor.places) >= 5


def test_any_three_of_five_go_on_while_the_rest_restart_in_turn() -> None:
    """MIT Persist2."""
    world = begin("validators 5")
    for first in range(4):
        agree(world)
        names = [world.ids[(first + place) % 5] for place in range(5)]
        world.nemesis(f"crash {names[0]} {names[1]}")
        agree(world)
        world.nemesis(f"crash {' '.join(names[2:])}")
        world.run_for(100)
        world.nemesis(f"restart {names[0]} {names[1]} {names[2]}")
        agree(world)
        world.nemesis("restart all")
        world.run_for(300)
    world.settle()


def test_a_leader_and_a_follower_that_crash_while_the_third_is_away_lose_nothing() -> None:
    """MIT Persist3."""
    world = begin("validators 3")
    agree(world)
    leader = world.leader().id
    one, other = others(world, leader)
    world.nemesis(f"isolate {other}")
    agree(world)
    world.nemesis(f"crash {leader} {one}")
    world.nemesis("heal")
    world.nemesis(f"restart {leader}")
    agree(world)
    world.nemesis(f"restart {one}")
    agree(world)
    world.settle()


def test_leaders_that_crash_right_after_writing_commit_nothing_twice() -> None:
    """MIT Figure8."""
    events = []
    draws = random.Random(8)
    at = 900
    while at < 20_000:
        events.append(f"at {at} crash leader")
        if draws.random() < 0.7:
            events.append(f"at {at + draws.randrange(50, 700)} restart {draws.choice(('mall', 'books', 'music'))}")
        if draws.random() < 0.6:
            events.append(f"at {at + draws.randrange(50, 700)} restart {draws.choice(('cafe', 'tea'))}")
        at += draws.choice((15, 60, 600))
    text = "\n".join(["validators 5", "clients 3", "think_ms 5", "sync_ms_max 30", "seed 8", *events])
    world = World(from_text(f"{text}\nduration_ms 20000\n"))
    world.run()

    assert world.injected["crashes"] > 20
    assert len(world.checks.leaders) > 8


UNRELIABLE = "delay_ms_mean 15\nloss_per_mille 100\nduplicate_per_mille 50\nordered 0"


def test_all_is_agreed_upon_over_a_network_that_loses_and_delays() -> None:
    """MIT UnreliableAgree."""
    world = begin(f"validators 5\nclients 8\nthink_ms 20\n{UNRELIABLE}")
    world.run_for(8000)

    world.settle()
    assert world.clients.counts["told"] == world.clients.counts["begun"] > 150


def test_leaders_cut_off_on_a_network_that_reorders_lose_nothing() -> None:
    """MIT Figure8Unreliable: some answers take very long."""
    draws = random.Random(9)
    events = []
    for at in range(1000, 18_000, 350):
        shape = draws.choice(("isolate leader", "heal", "heal", "deaf leader", "isolate mall", "isolate tea"))
        events.append(f"at {at} {shape}")
    slow = UNRELIABLE.replace("delay_ms_mean 15", "delay_ms_mean 80\nclog_ms 2000")
    text = f"validators 5\nclients 4\nthink_ms 10\nseed 10\n{slow}"
    world = World(from_text("\n".join([text, *events, "duration_ms 18000"])))
    world.run()

    assert len(world.checks.leaders) > 4
    assert world.injected["reordered"] > 100


@pytest.mark.parametrize("network", ["", UNRELIABLE], ids=["reliable", "unreliable"])
def test_while_validators_come_and_go_what_clients_are_told_stays_true(network: str) -> None:
    """MIT ReliableChurn, UnreliableChurn."""
    draws = random.Random(11)
    events = []
    for at in range(1000, 15_000, 700):
        name = draws.choice(("mall", "books", "music", "cafe", "tea"))
        for chance, command in ((0.2, f"isolate {name}"), (0.5, "heal"), (0.5, "restart all"), (0.2, f"crash {name}")):
            if draws.random() < chance:
                events.append(f"at {at + draws.randrange(300)} {command}")
    text = "\n".join(["validators 5\nclients 3\nthink_ms 10\nseed 11", network, *sorted(events, key=_time_of)])
    world = World(from_text(f"{text}\nduration_ms 15000"))
    world.run()

    assert world.injected["crashes"] > 1
    assert world.injected["partitions"] > 1
    assert world.clients.counts["told"] == world.clients.counts["begun"] > 50


def _time_of(line: str) -> int:
    return int(line.split()[1])


def test_no_height_is_left_out_and_none_comes_twice() -> None:
    """MIT's check of every test: each server applies heights 1, 2, 3 ... and all apply the same."""
    world = begin("validators 5\nclients 4\nseed 12\nat 1500 crash leader\nat 2200 restart all")
    world.run_for(3000)
    world.settle()

    for node in world.nodes.values():
        assert all(one.height + 1 == other.height for one, other in pairwise(node.disk.log))
    assert len({node.disk.tip.hash for node in world.nodes.values()}) == 1
