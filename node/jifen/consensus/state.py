"""The state of one validator, and every transition between its roles.

       +------------------- told to stand by the leader --------------+
       |                                                              v
    FOLLOWER ---timeout---> PRE_CANDIDATE ---quorum would vote---> CANDIDATE ---quorum voted---> LEADER
       ^                        |                                     |                            |
       +---- leader seen, higher term seen, refused by a quorum ------+-- higher term, no quorum --+

Term and vote change here and nowhere else (`vote_for` included), always together with the order to persist them.
"""

from collections.abc import Iterable

from jifen.consensus.certificates import CertificateCache, Collector
from jifen.consensus.configuration import Configuration
from jifen.consensus.log import Log
from jifen.consensus.membership import Membership
from jifen.consensus.messages import Certificate
from jifen.consensus.output import Outbox
from jifen.consensus.progress import Inflight, Progress
from jifen.consensus.reads import OwnReads, ReadChecks
from jifen.consensus.types import HardState, RaftConfig, RandomDraws, Role, Suspicion, SuspicionKind


class Leadership:
    """What only a leader keeps, for one term."""

    def __init__(self, config: RaftConfig, membership: Membership, last_height: int, committed: int) -> None:
        self._config = config
        self.term_start = last_height + 1
        """Height of the leader's first own entry: entries from here on, and only those, are of its term."""
        self.peers: dict[str, Progress] = {}
        """Progress of each other validator that gets blocks: members of the configurations in force from the committed
        height on, and those just removed, until they have learnt that they are."""
        for _, configuration in reversed(membership.known):
            self.write_to(configuration.members, self.term_start, committed)
        self.uncommitted = Inflight(messages_max=config.uncommitted_heights_max, bytes_max=config.uncommitted_bytes_max)
        """The leader's own uncommitted blocks, with the bounds at which it takes no more."""
        self.own_match = 0
        """Highest height that this validator itself has acknowledged in this term, hence durable here."""
        self.collector = Collector(membership.of_uncommitted)
        self.certified = committed
        """Height up to which a quorum's signatures are held. Invariant: not below the committed height."""
        self.asked: set[str] = set()
        """Peers that were asked for certificates in this turn of all that have some. Invariant: never iterated over."""
        self.heartbeat_elapsed = config.heartbeat_ticks
        """Ticks since the last heartbeat; starts due, in case the first proposal is slow to come."""
        self.quorum_elapsed = 0
        """Ticks since the last check that a quorum answers."""
        self.transfer_to: str | None = None
        """Peer to whom leadership is being handed over. Invariant: while not None no block is proposed."""
        self.transfer_elapsed = 0
        """Ticks since that began."""
        self.reads = ReadChecks()

    def write_to(self, ids: Iterable[str], next_height: int, commit: int) -> list[str]:
        """Begin to send blocks to those of `ids` that get none yet; return them."""
        new = [id for id in ids if id != self._config.id and id not in self.peers]
        for id in new:
            self.peers[id] = Progress(
                next_height=next_height,
                commit=commit,
                inflight_messages_max=self._config.inflight_messages_max,
                inflight_bytes_max=self._config.inflight_bytes_max,
            )
        return new


class State:
    """Everything one validator knows. The functions that act on it are in elections, following and leading."""

    def __init__(
        self,
        config: RaftConfig,
        hard_state: HardState,
        log: Log,
        certificates: CertificateCache,
        membership: Membership,
    ) -> None:
        self.config = config
        self.membership = membership
        self.log = log
        self.certificates = certificates
        """Certificates of committed heights."""
        self.outbox = Outbox(log.last.height)
        self.term = hard_state.term
        """Invariant: never falls."""
        self.vote = hard_state.vote
        """Invariant: changes within a term only from None (Raft 5.2)."""
        self.acknowledged = hard_state.acknowledged
        """Highest height acknowledged in `term`, as leader or follower. Invariant: what is durable never falls within a
        term, and nothing at or below it is truncated, nor made good when a snapshot took its place."""
        self.shunned: str | None = None
        """Leader of `term` that is not heard for now. Invariant: None when `shun_ticks_left` is 0."""
        self.shun_ticks_left = 0
        """Ticks until it is heard again."""
        self.role = Role.FOLLOWER
        self.leader: str | None = None
        """Leader of `term`. Invariant: changes within a term only from or to None."""
        self.election_elapsed = 0
        """Ticks since the leader was last heard, a vote was granted, or an election started."""
        self.election_timeout = 0
        """Ticks after which to start an election, drawn anew at every transition."""
        self.votes: dict[str, bool] = {}
        """Answers to this validator's current request for votes or pre-votes."""
        self.reads = OwnReads(config.election_ticks_min)
        """Reads of the host. Invariant: all were asked of the present leader in the present term."""
        self.leadership: Leadership | None = None
        """Invariant: not None exactly while LEADER."""
        self.certificates_ahead: dict[int, Certificate] = {}
        """Certificates received for heights that cannot be committed yet, because one before them is missing.
        Invariant: heights are above the committed one, by at most `certificates_ahead_max`."""
        self.ignored_messages = 0
        """Messages dropped as misaddressed or self-contradictory: each is a peer's fault, none is harmful."""

    @property
    def configuration(self) -> Configuration:
        """Who decides now: the latest configuration in the log, committed or not (Raft 6)."""
        return self.membership.latest

    def knows(self, id: str) -> bool:
        """Whether the log, as far as remembered, names `id`, or blocks are being sent there."""
        return self.membership.knows(id) or (self.leadership is not None and id in self.leadership.peers)

    @property
    def leave_joint(self) -> bool:
        """Whether this validator, as leader, has to propose the block that leaves the joint configuration now.

        Not before a quorum of those who stay hold the certificates of everything below that block. Who is left behind
        goes when it is committed, and nobody could gather its signatures anew.
        """
        lead, last_height = self.leadership, self.log.last.height
        if lead is None or not self.leaving or lead.transfer_to is not None or self.log.committed < last_height:
            return False
        held = {id for id, progress in lead.peers.items() if progress.certified >= last_height}
        return Configuration(self.configuration.voters).has_quorum({self.config.id, *held})

    @property
    def leaving(self) -> bool:
        """Whether the joint configuration is committed, so that nothing is left to do but to leave it."""
        return self.membership.latest.joint and self.membership.latest_height <= self.log.committed

    @property
    def retired(self) -> bool:
        """Whether this validator is out, and has handed over if it led."""
        return self.leadership is None and self.membership.out

    @property
    def certificates_ahead_max(self) -> int:
        """How far above the committed height a certificate is worth keeping."""
        return self.config.uncommitted_heights_max + self.config.certificates_per_message_max

    def draw_election_timeout(self, random: RandomDraws) -> None:
        """Start waiting for an election anew, with a fresh random timeout so that ties do not last (Raft 5.2)."""
        self.election_elapsed = 0
        self.election_timeout = random.randrange(self.config.election_ticks_min, self.config.election_ticks_max + 1)

    def become_follower(self, term: int, leader: str | None) -> None:
        """Follow `leader`, if known, in `term`.

        Within the same term the vote stays: forgetting it on stepping down lets two leaders win one term.
        """
        assert term >= self.term, (term, self.term)
        if term > self.term:
            self._enter(term, None)
        self.role = Role.FOLLOWER
        self.leader = leader
        self.leadership = None
        self.votes = {}
        self._lose_reads()

    def become_pre_candidate(self) -> None:
        """Ask around; term and vote stay."""
        assert self.role is not Role.LEADER
        self.role = Role.PRE_CANDIDATE
        self.leader = None
        self._lose_reads()
        self.votes = {self.config.id: True}

    def become_candidate(self) -> None:
        """Stand for the next term, and vote for itself; from FOLLOWER only when the leader itself said so."""
        assert self.role in {Role.PRE_CANDIDATE, Role.FOLLOWER}, self.role
        self._enter(self.term + 1, self.config.id)
        self._lose_reads()
        self.role = Role.CANDIDATE
        self.votes = {self.config.id: True}

    def become_leader(self) -> None:
        """Lead the term that a quorum voted for."""
        assert self.role is Role.CANDIDATE, self.role
        assert self.vote == self.config.id, self.vote
        assert self.configuration.has_quorum({id for id, granted in self.votes.items() if granted}), self.votes
        self.role = Role.LEADER
        self.leader = self.config.id
        self.election_elapsed = 0
        self.votes = {}
        self.leadership = Leadership(self.config, self.membership, self.log.last.height, self.log.committed)
        self.outbox.became_leader = True
        self.outbox.dirty = True

    def vote_for(self, candidate: str) -> None:
        """Give this term's vote to `candidate`."""
        assert self.vote in (None, candidate), (self.vote, candidate)
        if self.vote is None:
            self._enter(self.term, candidate)

    def acknowledge(self, height: int) -> None:
        """Note, durably before anything is signed, that this term's leader has the log as it is here."""
        if height > self.acknowledged:
            self.acknowledged = height
            self.outbox.hard_state(HardState(self.term, self.vote, height))

    def truncate(self, height: int) -> None:
        """Drop the uncommitted entries from `height` on."""
        self.log.truncate(height)
        self.outbox.truncate(height)
        self.membership.truncate(height)

    def shun_leader(self) -> None:
        """Do not hear this term's leader for twice the longest election timeout, so that another is elected.

        If none is by then, a quorum follows it, and staying deaf would only keep this validator from what that quorum
        certifies.
        """
        self.shunned = self.leader
        self.shun_ticks_left = 0 if self.leader is None else 2 * self.config.election_ticks_max
        self.become_follower(self.term, None)

    def tick_shunning(self) -> None:
        """Count one tick of not hearing the leader."""
        if self.shun_ticks_left:
            self.shun_ticks_left -= 1
            if self.shun_ticks_left == 0:
                self.shunned = None

    def commit(self, certificates: list[Certificate]) -> None:
        """Commit the heights of `certificates`, which follow the committed one without a gap."""
        assert certificates[0].height == self.log.committed + 1, (certificates[0].height, self.log.committed)
        self.log.commit(certificates[-1].height)
        self.membership.commit(certificates[-1].height)
        for certificate in certificates:
            self.certificates.add(certificate)
            self.certificates_ahead.pop(certificate.height, None)
            self.outbox.commit(certificate)

    def report(self, kind: SuspicionKind, *, term: int, height: int, sender: str, known: bytes, other: bytes) -> None:
        """Put a suspicion into the output."""
        self.outbox.suspicion(
            Suspicion(kind=kind, term=term, height=height, sender=sender, known_hash=known, other_hash=other)
        )

    def _lose_reads(self) -> None:
        for request_id in self.reads.forget():
            self.outbox.read_lost(request_id)

    def _enter(self, term: int, vote: str | None) -> None:
        if term > self.term:
            self.acknowledged = self.shun_ticks_left = 0
            self.shunned = None
        self.term = term
        self.vote = vote
        self.outbox.hard_state(HardState(term, vote, self.acknowledged))
        self.leader = None
