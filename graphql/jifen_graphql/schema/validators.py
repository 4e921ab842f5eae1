"""Who keeps the ledger: validators, the set of voters, and what a change would do to the quorums."""

from __future__ import annotations

import ssl
from hashlib import sha256

import strawberry

from jifen.ledger.governance import previews
from jifen.ledger.governance import validators as ledger
from jifen.ledger.governance.validators import ValidatorStatus, read_validator
from jifen.ledger.types import PublicKey
from jifen_graphql.schema.context import Info, RequestContext
from jifen_graphql.schema.fields import query_field
from jifen_graphql.schema.scalars import Hash
from jifen_graphql.schema.states import AsOf

PREVIEWED_MAX = ledger.VALIDATORS_MAX
"""Most ids that a preview may name: all there can be."""


def is_connected(context: RequestContext, validator: str) -> bool:
    """Tell whether a validator is this one or linked to it, now."""
    status = context.status
    return validator == context.node.validator or any(peer.connected for peer in status.peers if peer.id == validator)


def certificate_fingerprint(certificate_pem: str) -> Hash | None:
    """Return SHA-256 over the DER form, or None when the text is no certificate."""
    try:
        return Hash(sha256(ssl.PEM_cert_to_DER_cert(certificate_pem)).digest())
    except ValueError:
        return None


@strawberry.type(description="A machine that keeps the ledger for an organization.")
class Validator:
    """A validator of the ledger."""

    id: str = strawberry.field(description="Never used a second time, by nobody.")
    organization: str = strawberry.field(description="Id of the organization that runs it.")
    key: PublicKey = strawberry.field(description="Key that signs its acknowledgements.")
    peer_host: str
    peer_port: int
    public_url: str = strawberry.field(description="Base URL of its public API.")
    status: ValidatorStatus
    since: int = strawberry.field(description="Height of the block that gave it the status.")
    replaces: str | None = strawberry.field(description="Voter whose place it takes, or took, by becoming one.")
    record: strawberry.Private[ledger.Validator]

    @query_field("SHA-256 of its TLS certificate: the pin of its peer links; null when the ledger names none.")
    def certificate_fingerprint(self) -> Hash | None:
        """Take the hash of the certificate."""
        return certificate_fingerprint(self.record.certificate_pem)

    @query_field("Its TLS certificate, PEM; only a peer whose own certificate is on the ledger can use it to link.")
    def certificate_pem(self) -> str:
        """Return the text as the ledger has it."""
        return self.record.certificate_pem

    @query_field("Whether the validator asked is linked to it now, or is it.")
    def connected(self, info: Info) -> bool:
        """Look at the links."""
        return is_connected(info.context, self.id)

    @strawberry.field
    def as_of(self, info: Info) -> AsOf:
        """Name the snapshot's block."""
        return AsOf.of(info.context.view)

    @classmethod
    def of(cls, record: ledger.Validator) -> Validator:
        """Return the API's form of a record."""
        return cls(
            id=record.id,
            organization=record.organization,
            key=PublicKey(record.key),
            peer_host=record.peer_host,
            peer_port=record.peer_port,
            public_url=record.public_url,
            status=record.status,
            since=record.since,
            replaces=record.replaces,
            record=record,
        )


@strawberry.type(description="Voters that decide together.")
class Quorum:
    """One set of voters and how it stands now."""

    voters: list[str]
    size: int = strawberry.field(description="How many of them decide: more than half.")
    tolerated: int = strawberry.field(description="How many may be down while the others go on deciding.")
    connected: list[str] = strawberry.field(description="Those that the validator asked is linked to now, or is.")
    reachable: bool = strawberry.field(description="Whether those connected now are enough to decide.")

    @classmethod
    def of(cls, context: RequestContext, quorum: previews.Quorum) -> Quorum:
        """Return the API's form of a quorum, with who is connected now."""
        connected = [name for name in quorum.voters if is_connected(context, name)]
        return cls(
            voters=list(quorum.voters),
            size=quorum.size,
            tolerated=quorum.tolerated,
            connected=connected,
            reachable=len(connected) >= quorum.size,
        )


@strawberry.type(description="Who decides at present, and who listens.")
class ValidatorSet:
    """The validator set of the ledger."""

    joint: bool = strawberry.field(description="Whether a change is under way: decisions need both sets' quorums.")
    changed_at: int = strawberry.field(description="Height of the block that last changed voters or outgoing.")
    record: strawberry.Private[ledger.ValidatorSet]

    @query_field("Those who decide, or will when the change under way is over.")
    def voters(self, info: Info) -> list[Validator]:
        """Read the voters of the snapshot."""
        return [Validator.of(read_validator(info.context.view, name)) for name in self.record.voters]

    @query_field("The voters before the change under way; empty when there is none.")
    def outgoing(self, info: Info) -> list[Validator]:
        """Read the outgoing voters of the snapshot."""
        return [Validator.of(read_validator(info.context.view, name)) for name in self.record.outgoing]

    @query_field("Those who get every block and decide nothing.")
    def observers(self, info: Info) -> list[Validator]:
        """Read the observers of the snapshot."""
        return [Validator.of(read_validator(info.context.view, name)) for name in self.record.observers]

    @strawberry.field
    def as_of(self, info: Info) -> AsOf:
        """Name the snapshot's block."""
        return AsOf.of(info.context.view)

    @classmethod
    def of(cls, record: ledger.ValidatorSet) -> ValidatorSet:
        """Return the API's form of a record."""
        return cls(joint=record.joint, changed_at=record.changed_at, record=record)


@strawberry.type(description="What a change of the voters would do, worked out before anybody votes on it.")
class ValidatorSetPreview:
    """The quorums on the way of a change."""

    before: list[Quorum] = strawberry.field(description="As it is; two quorums while another change is under way.")
    during: list[Quorum] = strawberry.field(
        description="Both must be reached to get through the change; empty when the voters stay as they are."
    )
    after: Quorum
    reachable: bool = strawberry.field(description="Whether those connected now are enough, before, during and after.")
    problems: list[str] = strawberry.field(description="Why it could not be done as things stand, in words.")
    as_of: AsOf

    @classmethod
    def of(cls, context: RequestContext, found: previews.Preview) -> ValidatorSetPreview:
        """Return the API's form of a preview."""
        before = [Quorum.of(context, quorum) for quorum in found.before]
        during = [Quorum.of(context, quorum) for quorum in found.during]
        after = Quorum.of(context, found.after)
        return cls(
            before=before,
            during=during,
            after=after,
            reachable=all(quorum.reachable for quorum in (*before, *during, after)),
            problems=list(found.problems),
            as_of=AsOf.of(context.view),
        )
