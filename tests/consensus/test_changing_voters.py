"""One core while its voters change: who counts, who is heard, who is written to, and when it lets go."""

import msgspec
import pytest

from jifen.consensus.configuration import Configuration
from jifen.consensus.messages import (
    AppendRequest,
    AppendResponse,
    CertificatesRequest,
    CertificatesResponse,
    LeadershipConfirmation,
    Message,
    TimeoutNow,
    TransferVoteRequest,
    VoteRequest,
    VoteResponse,
)
from jifen.consensus.types import HardState, PipelineFull, Role, SuspicionKind, TransferRefused
from jifen.testing.consensus_host import (
    Host,
    acknowledge,
    append,
    elect,
    make_certificate,
    make_chain,
    make_entry,
    make_host,
    payload_of,
    position_of,
)

OLD = Configuration(("a", "b", "c"))
JOINT = Configuration(("c", "d", "e"), ("a", "b", "c"))
NEW = Configuration(("c", "d", "e"))
WATCHED = Configuration(("a", "b", "c"), (), ("x", "y"))


def leader(configuration: Configuration = OLD) -> Host:
    host = make_host("a", configuration)
    elect(host)
    return host


def role(host: Host) -> Role:
    return host.raft.role


def answer(host: Host, *senders: str) -> list[Message]:
    """Let some acknowledge everything, and say that they have what is committed."""
    sent: list[Message] = []
    for sender in senders:
        sent += host.step(acknowledge(host, sender, host.raft.last_height))
    return sent


def vote(host: Host, sender: str, *, pre: bool = False, granted: bool = True) -> None:
    term = host.raft.term + 1 if pre and granted else host.raft.term
    host.step(VoteResponse(term=term, sender=sender, recipient=host.config.id, granted=granted, pre=pre))


def recipients(messages: list[Message], kind: type[Message]) -> set[str]:
    return {message.recipient for message in messages if isinstance(message, kind)}


# Who counts.


def test_under_a_joint_configuration_a_block_needs_both_quorums() -> None:
    host = leader()
    answer(host, "b")
    entry = host.reconfigure(JOINT)
    host.drain()
    answer(host, "b", "c")
    assert host.raft.committed == entry.height - 1, "a, b, c and, of the new voters, only c"
    answer(host, "d")
    assert host.raft.committed == entry.height
    certificate = host.disk.certificates[entry.height]
    assert JOINT.signers(certificate) == ("a", "b", "c", "d")


def test_the_old_quorum_alone_certifies_what_came_before_the_change() -> None:
    host = leader()
    before, joint = host.propose(b"x"), host.reconfigure(JOINT)
    host.drain()
    answer(host, "b")
    assert host.raft.committed == before.height
    assert not host.raft.needs_signature("d", before.height, before.hash)
    assert host.raft.needs_signature("d", joint.height, joint.hash)


def test_observers_get_every_block_and_count_for_nothing() -> None:
    host = leader(WATCHED)
    assert recipients(host.tick(2), AppendRequest) == {"b", "c", "x", "y"}
    answer(host, "x", "y")
    assert host.raft.committed == 0
    assert not host.raft.needs_signature("x", 1, host.raft.last_hash)
    answer(host, "b")
    assert host.raft.committed == 1
    host.tick(10)
    answer(host, "x", "y")
    host.tick(10)
    assert role(host) is Role.FOLLOWER, "only observers answered"


def test_observers_are_neither_asked_for_votes_nor_counted() -> None:
    host = make_host("a", WATCHED)
    assert recipients(host.tick(10), VoteRequest) == {"b", "c"}
    vote(host, "x", pre=True)
    vote(host, "y", pre=True)
    assert role(host) is Role.PRE_CANDIDATE
    vote(host, "b", pre=True)
    vote(host, "x")
    vote(host, "y")
    assert role(host) is Role.CANDIDATE


def test_refusals_of_observers_do_not_end_a_candidacy() -> None:
    host = make_host("a", WATCHED)
    host.tick(10)
    vote(host, "x", pre=True, granted=False)
    vote(host, "y", pre=True, granted=False)
    assert role(host) is Role.PRE_CANDIDATE
    vote(host, "b", pre=True, granted=False)
    vote(host, "c", pre=True, granted=False)
    assert role(host) is Role.FOLLOWER


def test_under_a_joint_configuration_a_candidate_needs_both_quorums() -> None:
    host = make_host("a", JOINT)
    assert recipients(host.tick(10), VoteRequest) == {"b", "c", "d", "e"}
    for pre in (True, False):
        vote(host, "d", pre=pre)
        vote(host, "e", pre=pre)
        assert role(host) is (Role.PRE_CANDIDATE if pre else Role.CANDIDATE), "of the old voters only itself"
        vote(host, "b", pre=pre)
    assert role(host) is Role.LEADER


@pytest.mark.parametrize("refusers", ["bc", "cd", "de", "ce"])
def test_a_candidacy_ends_when_either_quorum_can_no_longer_be_had(refusers: str) -> None:
    host = make_host("a", JOINT)
    host.tick(10)
    for refuser in refusers:
        assert role(host) is Role.PRE_CANDIDATE
        vote(host, refuser, pre=True, granted=False)
    assert role(host) is Role.FOLLOWER


@pytest.mark.parametrize(("heard", "leads"), [("bc", False), ("bd", False), ("cd", True), ("bde", True), ("de", False)])
def test_a_leader_must_hear_both_quorums(heard: str, leads: bool) -> None:
    host = leader(JOINT)
    host.tick(9)
    answer(host, *heard)
    host.tick(1)
    assert (role(host) is Role.LEADER) is leads


@pytest.mark.parametrize(("confirming", "passes"), [("bc", False), ("de", False), ("cd", True), ("bde", True)])
def test_a_read_needs_the_word_of_both_quorums(confirming: str, passes: bool) -> None:
    host = leader(JOINT)
    answer(host, "c", "d")
    host.raft.read_index(1)
    host.drain()
    for sender in confirming:
        host.step(LeadershipConfirmation(term=host.raft.term, sender=sender, recipient="a", round=1))
    confirmed = [read for output in host.outputs for read in output.reads]
    assert bool(confirmed) is passes


def test_the_word_of_observers_confirms_no_read() -> None:
    host = leader(WATCHED)
    answer(host, "b")
    host.raft.read_index(1)
    host.drain()
    for sender in "xy":
        host.step(LeadershipConfirmation(term=host.raft.term, sender=sender, recipient="a", round=1))
    assert not [read for output in host.outputs for read in output.reads]


def test_a_newcomer_has_until_the_next_check_to_answer() -> None:
    """etcd marks it as active: else the check could come before its first answer, and the leader would step down."""
    host = make_host("a", Configuration(("a",)))
    host.tick(19)
    assert role(host) is Role.LEADER
    host.reconfigure(Configuration(("a", "b"), ("a",)))
    host.drain()
    host.tick(1)
    assert role(host) is Role.LEADER
    host.tick(10)
    assert role(host) is Role.FOLLOWER


# Leaving the joint configuration.


def joint_leader() -> Host:
    """Make a leader whose joint configuration is committed, which nobody else knows yet."""
    host = leader()
    answer(host, "b")
    host.reconfigure(JOINT)
    host.drain()
    answer(host, "b", "d", "e")
    return host


def test_a_joint_configuration_is_left_when_those_who_stay_hold_all_certificates() -> None:
    host = joint_leader()
    due = [host.outputs[-1].leave_joint]
    answer(host, "b", "d")
    due.append(host.outputs[-1].leave_joint)
    answer(host, "e")
    due.append(host.outputs[-1].leave_joint)
    entry = host.leave()
    host.drain()
    due.append(host.outputs[-1].leave_joint)
    assert due == [False, False, True, False], "of those who stay one is not enough"
    assert host.raft.configuration == NEW
    answer(host, "d", "e")
    assert NEW.signers(host.disk.certificates[entry.height]) == ("d", "e")


def test_leaving_before_its_time_is_our_own_fault() -> None:
    host = joint_leader()
    with pytest.raises(AssertionError, match="too soon"):
        host.leave()


def test_nothing_but_the_block_that_leaves_is_taken_once_the_joint_one_is_committed() -> None:
    host = joint_leader()
    room = [host.raft.has_room]
    with pytest.raises(PipelineFull, match="leaves the joint configuration"):
        host.propose(b"x")
    answer(host, "d", "e")
    host.leave()
    room.append(host.raft.has_room)
    assert room == [False, True]


def test_a_new_leader_under_a_joint_configuration_begins_with_a_block_of_its_term() -> None:
    [entry] = make_chain([1], payload=payload_of(JOINT))
    host = make_host("b", OLD, log=[entry], committed=1)
    elect(host)
    assert host.raft.last_height == 2
    assert not host.outputs[-1].leave_joint


def test_a_configuration_is_told_only_of_a_block_that_the_host_was_given() -> None:
    host = make_host("b", OLD)
    [entry] = make_chain([1], payload=payload_of(JOINT))
    host.raft.step(append(host, [entry], sender="a", term=1))
    with pytest.raises(AssertionError):
        host.raft.configured(1, JOINT)


# Standing.


def with_a_block_to_see() -> Host:
    """Return a follower whose host has yet to be given a block that makes it one of two voters."""
    host = make_host("b", OLD)
    [entry] = make_chain([1], payload=payload_of(Configuration(("b", "d"), ("a", "b", "c"))))
    host.raft.step(append(host, [entry], sender="a", term=1))
    return host


def test_nobody_stands_while_its_host_has_blocks_yet_to_see() -> None:
    """etcd issue 12133, raft-rs issue 221: it would ask the wrong voters."""
    host = with_a_block_to_see()
    for _ in range(40):
        host.raft.tick()
    assert role(host) is Role.FOLLOWER
    host.drain()
    assert recipients(host.tick(), VoteRequest) == {"a", "c", "d"}


def test_a_voter_told_to_stand_waits_until_its_host_has_seen_all_blocks() -> None:
    host = with_a_block_to_see()
    word = TimeoutNow(term=1, sender="a", recipient="b")
    host.raft.step(word)
    assert role(host) is Role.FOLLOWER
    host.drain()
    assert recipients(host.step(word), TransferVoteRequest) == {"a", "c", "d"}


def test_an_observer_does_not_stand_even_when_told_to() -> None:
    host = make_host("x", WATCHED)
    host.step(append(host, sender="a", term=1))
    assert host.step(TimeoutNow(term=1, sender="a", recipient="x")) == []
    assert host.tick(60) == []
    assert (role(host), host.raft.leader) == (Role.FOLLOWER, None)


def test_one_who_wins_alone_leads_when_its_vote_is_durable() -> None:
    """After a crash it would lead the same term again, with other blocks, while an observer has the first ones."""
    host = make_host("a", Configuration(("a",), (), ("x",)))
    for _ in range(10):
        host.raft.tick()
    output = host.raft.take_output()
    assert (output.role, output.hard_state) == (Role.CANDIDATE, HardState(1, "a"))
    assert not output.became_leader
    host.disk.write(output)
    for message in output.messages_after_persist:
        host.raft.step(message)
    assert role(host) is Role.LEADER


# Strangers.


def test_a_leader_nobody_has_heard_of_is_followed() -> None:
    host = make_host("x", OLD)
    [sent] = host.step(append(host, make_chain([3]), sender="leader", term=3))
    assert isinstance(sent, AppendResponse)
    assert (sent.success, host.raft.leader) == (True, "leader")


@pytest.mark.parametrize("told", [False, True])
def test_a_candidate_nobody_has_heard_of_gets_a_vote_if_its_log_says_so(told: bool) -> None:
    host = make_host("a", OLD, log=make_chain([1, 2]), term=2)

    def request(last_height: int) -> VoteRequest | TransferVoteRequest:
        plain = TransferVoteRequest(term=7, sender="who", recipient="a", last_height=last_height, last_term=2)
        return plain if told else VoteRequest(**msgspec.structs.asdict(plain), pre=False)

    assert host.step(request(1)) == []
    assert (host.raft.term, host.raft.ignored_messages) == (2, 1), "it changes nothing here"
    [sent] = host.step(request(2))
    assert isinstance(sent, VoteResponse)
    assert (sent.granted, host.raft.vote) == (True, "who")


def test_a_stranger_in_an_older_term_is_told_the_present_one() -> None:
    host = make_host("a", OLD, log=make_chain([4]), term=4)
    request = VoteRequest(term=2, sender="who", recipient="a", last_height=0, last_term=0, pre=True)
    [sent] = host.step(request)
    assert isinstance(sent, VoteResponse)
    assert (sent.granted, sent.term, host.raft.term) == (False, 4, 4)


def test_answers_of_strangers_are_ignored_whatever_their_term() -> None:
    host = leader()
    term = host.raft.term
    stranger = acknowledge(host, "who", 1)
    for message in (
        stranger,
        msgspec.structs.replace(stranger, success=False, term=term + 5, signatures=()),
        VoteResponse(term=term + 5, sender="who", recipient="a", granted=False, pre=False),
        LeadershipConfirmation(term=term + 5, sender="who", recipient="a", round=1),
        CertificatesResponse(term=term + 5, sender="who", recipient="a", certificates=()),
    ):
        assert host.step(message) == []
    assert (role(host), host.raft.term, host.raft.ignored_messages) == (Role.LEADER, term, 5)


# Letting go.


def left() -> Host:
    """Make a leader that stays, c, after `a` and `b` were left out by block 3."""
    host = make_host("c", OLD)
    elect(host)
    answer(host, "b")
    host.reconfigure(JOINT)
    host.drain()
    answer(host, "a", "d")
    answer(host, "a", "d")
    host.leave()
    host.drain()
    answer(host, "d")
    assert host.raft.committed == 3
    return host


def test_who_was_removed_is_written_to_until_it_knows() -> None:
    host = left()
    assert recipients(host.tick(2), AppendRequest) == {"a", "b", "d", "e"}
    host.step(acknowledge(host, "a", 3, commit=2))
    assert "a" in recipients(host.tick(2), AppendRequest)
    answer(host, "a")
    assert recipients(host.tick(2), AppendRequest) == {"b", "d", "e"}


def test_who_was_removed_and_is_silent_is_let_go_and_told_when_it_comes_back() -> None:
    host = left()
    for _ in range(3):
        host.tick(10)
        answer(host, "d", "e")
    assert recipients(host.tick(2), AppendRequest) == {"d", "e"}
    request = VoteRequest(term=host.raft.term + 1, sender="b", recipient="c", last_height=1, last_term=1, pre=True)
    assert host.step(request) == [], "no vote: a leader is alive"
    assert recipients(host.tick(2), AppendRequest) == {"b", "d", "e"}


def test_a_removed_validator_that_the_host_has_a_link_with_is_told_without_asking_for_votes() -> None:
    host = left()
    for _ in range(3):
        host.tick(10)
        answer(host, "d", "e")
    for id in ("b", "b", "d", "c"):
        host.raft.tell(id)
    assert recipients(host.tick(2), AppendRequest) == {"b", "d", "e"}
    answer(host, "b")
    assert recipients(host.tick(2), AppendRequest) == {"d", "e"}, "it knows now"


def test_who_does_not_lead_tells_nobody_that_it_was_removed() -> None:
    host = make_host("c", OLD)
    host.raft.tell("z")
    assert recipients(host.tick(2), AppendRequest) == set()


def test_a_new_leader_tells_those_who_were_removed_last() -> None:
    host = left()
    host.boot()
    assert host.raft.configuration == NEW
    chain = host.disk.log
    follower = make_host("d", OLD, log=chain[:2], committed=2)
    follower.step(append(follower, chain[2:], previous=chain[1], sender="c"))
    elect(follower)
    assert recipients(follower.tick(2), AppendRequest) == {"a", "b", "c", "e"}


def test_a_removed_leader_steps_down_at_once_when_nobody_answers_to_whom_it_could_hand_over() -> None:
    host = leader()
    answer(host, "b")
    host.reconfigure(JOINT)
    host.drain()
    answer(host, "b", "d", "e")
    answer(host, "d", "e")
    host.leave()
    host.drain()
    sent = answer(host, "d", "e")
    assert recipients(sent, TimeoutNow) == {"d"}
    assert not host.outputs[-1].retired, "it still leads"
    host.tick(10)
    assert (role(host), host.outputs[-1].retired) == (Role.FOLLOWER, True)


def test_leadership_is_not_handed_to_one_without_a_vote() -> None:
    host = leader(Configuration(("a", "d"), ("a", "b"), ("x",)))
    for target in ("b", "x", "a", "who"):
        with pytest.raises(TransferRefused, match="not another validator with a vote"):
            host.raft.transfer_leadership(target)
    host.raft.transfer_leadership("d")


# Certificates of others.


def behind() -> Host:
    """Make a leader that has three blocks of term 1 and no certificate; its followers have two of them."""
    host = make_host("a", OLD, log=make_chain([1, 1, 1]), term=1)
    elect(host)
    for sender in "bc":
        host.step(acknowledge(host, sender, 3, commit=2, signatures=()))
    return host


def given(host: Host, *heights: int) -> CertificatesResponse:
    entries = [host.disk.log[height - 1] for height in heights]
    certificates = tuple(make_certificate(entry, OLD.voters, ("b", "c"), 1) for entry in entries)
    return CertificatesResponse(term=host.raft.term, sender="b", recipient="a", certificates=certificates)


def test_a_leader_asks_for_certificates_that_others_have() -> None:
    host = behind()
    [request] = [message for message in host.tick(2) if isinstance(message, CertificatesRequest)]
    assert (request.height, request.recipient) == (0, "b")
    host.step(given(host, 1))
    assert host.raft.committed == 1
    sent = host.step(given(host, 2))
    assert host.raft.committed == 2
    assert recipients(sent, CertificatesRequest) == set(), "it has what they have"
    host.step(given(host, 2))
    assert host.raft.committed == 2


def test_a_leader_asks_another_when_the_one_that_claims_most_gives_nothing() -> None:
    """One that boasts must not keep a leader from certificates whose signers have left, which nobody can sign anew."""
    host = behind()
    host.step(acknowledge(host, "b", 3, commit=2**53 - 1, signatures=()))
    sent = host.tick(8)
    assert [message.recipient for message in sent if isinstance(message, CertificatesRequest)] == ["b", "c", "b", "c"]
    sent = host.step(msgspec.structs.replace(given(host, 1), sender="c"))
    assert recipients(sent, CertificatesRequest) == {"c"}, "it gave some"


def test_a_leader_asks_on_while_it_gets_some() -> None:
    host = behind()
    host.tick(2)
    sent = host.step(given(host, 1))
    assert recipients(sent, CertificatesRequest) == {"b"}
    host.step(given(host))
    assert host.raft.committed == 1


def test_signatures_and_certificates_together_commit() -> None:
    host = behind()
    host.step(given(host, 1, 2))
    for sender in "bc":
        host.step(acknowledge(host, sender, 4))
    assert host.raft.committed == 4


def test_a_certificate_that_contradicts_the_leaders_log_is_suspicious() -> None:
    host = behind()
    other = make_entry(position_of(host.disk.log[0]), 1, b"other")
    certificates = (*given(host, 1).certificates, make_certificate(other, OLD.voters, ("b", "c"), 1))
    host.step(msgspec.structs.replace(given(host, 1), certificates=certificates))
    assert host.raft.committed == 1
    assert [item.kind for item in host.outputs[-1].suspicions] == [SuspicionKind.CERTIFICATE_CONFLICT]


def test_a_follower_gives_what_it_has_and_no_more_than_fits() -> None:
    chain = make_chain([1] * 5)
    host = make_host("b", OLD, log=chain, committed=4, certificates_per_message_max=2)
    host.step(append(host, sender="a", previous=chain[4], term=1))
    asked = CertificatesRequest(term=1, sender="a", recipient="b", height=1)
    heights = []
    for height in (1, 3, 4):
        [sent] = host.step(msgspec.structs.replace(asked, height=height))
        assert isinstance(sent, CertificatesResponse)
        heights.append([certificate.height for certificate in sent.certificates])
    assert heights == [[2, 3], [4], []]
