"""What a new leader of a long chain says first, and how much its followers have to sign for it."""

import random

from jifen.consensus.configuration import Configuration
from jifen.consensus.messages import AppendRequest, AppendResponse, Certificate, Entry
from jifen.consensus.raft import Raft
from jifen.consensus.types import HardState, Position, RaftConfig, Role
from jifen.testing.consensus_host import GENESIS_HASH, make_certificate, make_chain, make_entry, position_of

IDS = ("a", "b", "c")
HEIGHT = 9000
"""More heights than one message can hold signatures for."""


class LongLog:
    """A durable log whose heights are all committed up to `committed`."""

    def __init__(self, entries: list[Entry], committed: int) -> None:
        self.entries = entries
        self.committed = committed

    def entry(self, height: int) -> Entry | None:
        return self.entries[height - 1] if 1 <= height <= len(self.entries) else None

    def certificate(self, height: int) -> Certificate | None:
        return make_certificate(self.entries[height - 1], IDS, IDS[:2], 1) if height <= self.committed else None


def validator(name: str, log: LongLog) -> Raft:
    config = RaftConfig(
        id=name,
        election_ticks_min=10,
        election_ticks_max=20,
        heartbeat_ticks=2,
        append_bytes_max=1 << 20,
        inflight_messages_max=8,
        inflight_bytes_max=1 << 24,
    )
    last = position_of(log.entries[-1])
    return Raft(
        config=config,
        hard_state=HardState(1, None),
        base=Position(0, 0, GENESIS_HASH),
        last=last,
        committed=log.committed,
        configurations=((0, Configuration(IDS)),),
        reader=log,
        random=random.Random(1),
    )


def first_exchange(leader: Raft, follower: Raft) -> tuple[AppendRequest, AppendResponse]:
    """Let `leader` win with the follower's votes; return its first request with entries, and the answer."""
    for _ in range(20):
        leader.tick()
    answers: list[AppendResponse] = []
    requests: list[AppendRequest] = []
    while not answers:
        output = leader.take_output()
        if output.became_leader:
            last = Position(leader.last_height, leader.last_term, leader.last_hash)
            leader.propose(make_entry(last, leader.term))
        for message in (*output.messages, *output.messages_after_persist):
            if message.recipient == "b":
                requests += [message] if isinstance(message, AppendRequest) else []
                follower.step(message)
        replies = follower.take_output()
        for reply in (*replies.messages, *replies.messages_after_persist):
            answers += [reply] if isinstance(reply, AppendResponse) and reply.success else []
            leader.step(reply)
    assert leader.role is Role.LEADER
    return requests[0], answers[0]


def test_a_follower_of_a_new_leader_signs_for_the_uncommitted_tail_and_not_for_the_whole_chain() -> None:
    entries = make_chain([1] * HEIGHT)
    leader, follower = validator("a", LongLog(entries, HEIGHT)), validator("b", LongLog(entries, HEIGHT))
    request, answer = first_exchange(leader, follower)
    assert request.commit == HEIGHT
    assert request.certificates == ()
    assert answer.height - answer.leader_commit == 1


def test_what_the_follower_committed_and_the_leader_did_not_is_still_asked_for() -> None:
    entries = make_chain([1] * HEIGHT)
    leader, follower = validator("a", LongLog(entries, HEIGHT - 3)), validator("b", LongLog(entries, HEIGHT))
    _, answer = first_exchange(leader, follower)
    assert answer.commit == HEIGHT
    assert answer.leader_commit == HEIGHT - 3


def test_certificates_that_the_follower_turns_out_to_lack_follow() -> None:
    entries = make_chain([1] * HEIGHT)
    leader, follower = validator("a", LongLog(entries, HEIGHT)), validator("b", LongLog(entries, HEIGHT - 100))
    _, answer = first_exchange(leader, follower)
    assert answer.commit == HEIGHT - 100
    for _ in range(4):
        leader.tick()
        for message in leader.take_output().messages:
            if message.recipient == "b":
                follower.step(message)
        for reply in follower.take_output().messages_after_persist:
            leader.step(reply)
    assert follower.committed == HEIGHT
