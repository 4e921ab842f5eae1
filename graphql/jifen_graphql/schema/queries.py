"""The queries: all of one request read one snapshot, so they are true at one and the same height."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry
from graphql import GraphQLError

import jifen
from jifen.ledger.dates import DAY_MS
from jifen.ledger.draws.records import ENTRIES_MAX
from jifen.ledger.governance import validators as ledger_validators
from jifen.ledger.governance.previews import preview
from jifen.ledger.governance.proposals import read_governance, read_proposal
from jifen.ledger.governance.validators import read_validator_set
from jifen.ledger.records import read
from jifen.ledger.state import validator_key
from jifen.ledger.terms.records import TERM_DAYS_MAX
from jifen.ledger.types import AccountId, PublicKey
from jifen_graphql.limits import (
    BLOCKS_PAGE_DEFAULT,
    DRAWS_PAGE_DEFAULT,
    ENTRIES_PAGE_DEFAULT,
    EVIDENCE_PAGE_DEFAULT,
    EXPIRY_DAYS_DEFAULT,
    LOTS_PAGE_DEFAULT,
    PROPOSALS_PAGE_DEFAULT,
)
from jifen_graphql.schema.blocks import Block, Transaction
from jifen_graphql.schema.bonuses import BonusPolicy, ClerkDay, clerk_day_of, policy_of
from jifen_graphql.schema.checkpoints import Checkpoint
from jifen_graphql.schema.context import Info
from jifen_graphql.schema.draws import Draw, DrawEntry, MemberDraw, draw_of, draws_page, entries_page, member_draws
from jifen_graphql.schema.earning_rules import (
    EarningCalculation,
    EarningPolicy,
    EarningRules,
    OrganizationTags,
    PurchaseInput,
    calculation_of,
    earning_policy_of,
    rules_of,
    tags_of,
)
from jifen_graphql.schema.enums import Consistency, TransactionStatus
from jifen_graphql.schema.evidence import Evidence
from jifen_graphql.schema.fields import query_field
from jifen_graphql.schema.pages import bounded_page, check_page_size
from jifen_graphql.schema.payment_queries import PaymentQueries
from jifen_graphql.schema.proposals import Proposal
from jifen_graphql.schema.reward_queries import RewardQueries
from jifen_graphql.schema.scalars import DateTime, Hash
from jifen_graphql.schema.standing_orders import StandingOrder, standing_order_of
from jifen_graphql.schema.states import (
    Account,
    AsOf,
    ExpiringPoints,
    Organization,
    PointBalance,
    PointType,
    balances_of,
    expiring_of,
)
from jifen_graphql.schema.swaps import SwapQueries
from jifen_graphql.schema.tiers import OrganizationTiers, TierProgress, progress_of, tiers_of
from jifen_graphql.schema.validators import PREVIEWED_MAX, Validator, ValidatorSet, ValidatorSetPreview

if TYPE_CHECKING:
    from jifen.actors import node

ID_CHARACTERS_MAX = 32
"""Longest id of a validator."""

PreviewedIds = Annotated[list[str], strawberry.argument(description="Ids of validators; at most 64.")]

MinHeight = Annotated[
    int | None,
    strawberry.argument(
        description="Wait, a few seconds at most, until this validator has this block: read what you have written."
    ),
]

Currency = Annotated[
    Consistency,
    strawberry.argument(description="How current the answer has to be; it then holds for the whole request."),
]


@strawberry.type(description="Another validator, as seen from this one.")
class Peer:
    """A link to another validator."""

    id: str = strawberry.field(description="Id of the validator.")
    connected: bool
    detail: str = strawberry.field(description="Why it is not connected, in words; empty when it is.")


@strawberry.type(
    description="A block, final or not, that this validator could not reproduce and did not acknowledge: "
    "whoever made it is damaged, or this validator is."
)
class RefusedBlock:
    """The first difference found."""

    height: int
    hash: Hash
    term: int
    proposer: str = strawberry.field(description="Validator that made it.")
    reason: str = strawberry.field(description="First difference between the block and what this validator computes.")

    @classmethod
    def of(cls, block: node.RefusedBlock) -> RefusedBlock:
        """Return the API's form of what the node says."""
        return cls(
            height=block.height,
            hash=Hash(block.hash),
            term=block.term,
            proposer=block.proposer,
            reason=block.reason,
        )


@strawberry.type(description="This validator.")
class NodeStatus:
    """What the node says of itself. Height, digest and time are those of the snapshot; the rest is of this moment."""

    chain_id: Hash
    chain_name: str = strawberry.field(description="Name of the alliance.")
    organization: str = strawberry.field(description="Id of the organization that runs it.")
    validator: str = strawberry.field(description="Its own id, which an organization's first validator shares with it.")
    role: str = strawberry.field(description="leader, follower, candidate or pre-candidate.")
    term: int
    leader: str | None = strawberry.field(description="Id of the validator that leads; null while there is none.")
    height: int = strawberry.field(description="Height of the snapshot: what every query of this answer reads.")
    committed_height: int = strawberry.field(description="Highest block known to be final, now.")
    log_height: int = strawberry.field(description="Highest block in the log, final or not.")
    first_height: int = strawberry.field(description="Lowest block held here, besides genesis; 1 when it has them all.")
    state_digest: Hash = strawberry.field(description="Running digest at `height`: equal on all validators.")
    last_block_time: DateTime
    pending_transactions: int = strawberry.field(description="Transactions that wait for a block.")
    version: str = strawberry.field(description="Version of the software.")
    peers: list[Peer]
    snapshot_height: int | None = strawberry.field(
        description="Height of the newest certified snapshot that this validator can give to others; null without one."
    )
    refused_block: RefusedBlock | None = strawberry.field(
        description="Latest block that it could not reproduce; null once that height is final here."
    )
    as_of: AsOf


@strawberry.type(description="Reads. All of one request are true at one and the same height.")
class Query(RewardQueries, PaymentQueries, SwapQueries):
    """The public queries."""

    @query_field("This validator.")
    def node(self, info: Info) -> NodeStatus:
        """Join the node's status with the snapshot."""
        view, status = info.context.view, info.context.status
        refused = status.refused_block
        return NodeStatus(
            chain_id=Hash(status.chain_id),
            chain_name=status.chain_name,
            organization=status.organization,
            validator=info.context.node.validator,
            role=status.role,
            term=status.term,
            leader=status.leader,
            height=view.height,
            committed_height=max(status.height, view.height),
            log_height=max(status.log_height, view.height),
            first_height=view.first_height,
            state_digest=Hash(view.state_digest),
            last_block_time=DateTime(view.block_time),
            pending_transactions=status.pending_transactions,
            version=jifen.__version__,
            peers=[Peer(id=peer.id, connected=peer.connected, detail=peer.detail) for peer in status.peers],
            snapshot_height=status.snapshot_height,
            refused_block=RefusedBlock.of(refused) if refused else None,
            as_of=AsOf.of(view),
        )

    @query_field("The malls and merchants of the alliance.")
    def organizations(self, info: Info) -> list[Organization]:
        """Read the organizations of the snapshot."""
        return [Organization.of(record) for record in info.context.view.organizations()]

    @query_field("The newest checkpoints of the whole state, newest first.")
    def checkpoints(self, info: Info) -> list[Checkpoint]:
        """Read the checkpoints of the snapshot."""
        return [Checkpoint.of(record) for record in info.context.view.checkpoints().recent]

    @query_field(
        "Which validators have contradicted themselves, by validator, term and height; of one only, or of all."
    )
    def evidence(
        self,
        info: Info,
        validator: Annotated[str | None, strawberry.argument(description="Id of the validator; null for all.")] = None,
        first: Annotated[int, strawberry.argument(description="At most 50.")] = EVIDENCE_PAGE_DEFAULT,
        after: Annotated[int | None, strawberry.argument(description="Index of the last one you have.")] = None,
    ) -> list[Evidence]:
        """Read what this validator keeps and what the ledger of the snapshot records."""
        page = bounded_page("Query", "evidence", first, after)
        found = [item for item in info.context.view.evidence() if validator in (None, item.validator)]
        return [Evidence.of(item) for item in found[page]]

    @query_field("Who keeps the ledger: the voters, the outgoing ones while a change is under way, the observers.")
    def validator_set(self, info: Info) -> ValidatorSet:
        """Read the set of the snapshot."""
        return ValidatorSet.of(read_validator_set(info.context.view))

    @query_field("A validator by its id, retired ones too; null when nobody has had it.")
    def validator(self, info: Info, id: str) -> Validator | None:
        """Read a validator of the snapshot."""
        record = read(info.context.view, validator_key(id), ledger_validators.Validator)
        return Validator.of(record) if record else None

    @query_field(
        "What it would do to the quorums to make voters of some validators, to come or there already, and to take "
        "others out. Nothing is proposed by asking."
    )
    def preview_validator_set(
        self, info: Info, admit: PreviewedIds | None = None, remove: PreviewedIds | None = None
    ) -> ValidatorSetPreview:
        """Work the change out on the snapshot."""
        for names in (admit or [], remove or []):
            if len(names) > PREVIEWED_MAX or any(len(name) > ID_CHARACTERS_MAX for name in names):
                raise GraphQLError(
                    f"at most {PREVIEWED_MAX} ids of at most {ID_CHARACTERS_MAX} characters",
                    extensions={"code": "BAD_REQUEST"},
                )
        found = preview(info.context.view, admit or [], remove or [])
        return ValidatorSetPreview.of(info.context, found)

    @query_field("Proposals to change the validators, newest first; `before` is the number to go on below.")
    def proposals(
        self,
        info: Info,
        last: Annotated[int, strawberry.argument(description="At most 50.")] = PROPOSALS_PAGE_DEFAULT,
        before: int | None = None,
    ) -> list[Proposal]:
        """Read a page of proposals of the snapshot, downwards."""
        check_page_size("Query", "proposals", last)
        view = info.context.view
        newest = read_governance(view).proposals
        top = newest if before is None else min(newest, before - 1)
        found = (read_proposal(view, number) for number in range(top, max(top - last, 0), -1))
        return [Proposal.of(info, record) for record in found if record is not None]

    @query_field("A proposal by its number; null when there is none.")
    def proposal(self, info: Info, number: int) -> Proposal | None:
        """Read a proposal of the snapshot."""
        record = read_proposal(info.context.view, number)
        return Proposal.of(info, record) if record else None

    @query_field("A member's account; null when it is not registered.")
    def account(
        self,
        info: Info,
        id: AccountId,
        min_height: MinHeight = None,  # noqa: ARG002
        consistency: Currency = Consistency.LOCAL,  # noqa: ARG002
    ) -> Account | None:
        """Read an account of the snapshot, which was opened after the waits that the other arguments ask for."""
        record = info.context.view.account(id)
        return Account.of(record) if record else None

    @query_field("What an account holds, sorted by point type.")
    def point_balances(
        self,
        info: Info,
        account: AccountId,
        min_height: MinHeight = None,  # noqa: ARG002
        consistency: Currency = Consistency.LOCAL,  # noqa: ARG002
    ) -> list[PointBalance]:
        """Read the holdings of the snapshot, which was opened after the waits that the other arguments ask for."""
        return balances_of(info.context.view, account)

    @query_field("A point type by its id, `<issuer>/<role>`; null when there is none.")
    def point_type(self, info: Info, id: str) -> PointType | None:
        """Read a point type of the snapshot."""
        for record in info.context.view.point_types():
            if record.id == id:
                return PointType.of(record)
        return None

    @query_field("What of an account expires within so many days of the snapshot's block, the earliest first.")
    def expiring_points(
        self,
        info: Info,
        account: AccountId,
        within_days: Annotated[int, strawberry.argument(description="0 to 36500.")] = EXPIRY_DAYS_DEFAULT,
        first: Annotated[int, strawberry.argument(description="At most 100.")] = LOTS_PAGE_DEFAULT,
        after: Annotated[int | None, strawberry.argument(description="Index of the last one you have.")] = None,
    ) -> list[ExpiringPoints]:
        """Read the holdings of the snapshot."""
        page = bounded_page("Query", "expiringPoints", first, after)
        if not 0 <= within_days <= TERM_DAYS_MAX:
            raise GraphQLError(
                f"withinDays must lie between 0 and {TERM_DAYS_MAX}", extensions={"code": "BAD_ARGUMENT"}
            )
        view = info.context.view
        return expiring_of(view, account, view.block_time + within_days * DAY_MS)[page]

    @query_field("The tiers of an organization and whose it recognises; null when it has published neither.")
    def tiers(self, info: Info, organization: str) -> OrganizationTiers | None:
        """Read the tiers of the snapshot."""
        return tiers_of(info.context.view, organization)

    @query_field("How far an account has come in an organization's tiers; null where there are none.")
    def tier_progress(
        self,
        info: Info,
        account: AccountId,
        organization: str,
        min_height: MinHeight = None,  # noqa: ARG002
    ) -> TierProgress | None:
        """Read a membership of the snapshot, which was opened after the wait for `min_height`."""
        return progress_of(info.context.view, organization, account)

    @query_field("What purchases earn of a point type; null when there is no such point type.")
    def earning_rules(self, info: Info, point_type: str) -> EarningRules | None:
        """Read the rule book of the snapshot."""
        return rules_of(info.context.view, point_type)

    @query_field("What the merchants under a mall may promise; null when it has said nothing.")
    def earning_policy(self, info: Info, mall: str) -> EarningPolicy | None:
        """Read the policy of the snapshot."""
        return earning_policy_of(info.context.view, mall)

    @query_field("Where an organization does business, and in what.")
    def organization_tags(self, info: Info, organization: str) -> OrganizationTags:
        """Read the tags of the snapshot."""
        return tags_of(info.context.view, organization)

    @query_field(
        "What a purchase would earn now, with its arithmetic, for everybody who earns on it; nothing is written. The "
        "order may be credited in a later block, under other rules and with less left of budgets."
    )
    def calculate_points(self, info: Info, purchase: PurchaseInput) -> EarningCalculation:
        """Run the rules that crediting the order would run."""
        return calculation_of(info.context.view, purchase.to_ledger())

    @query_field("What an account has asked to be redeemed after purchases at an organization; null: nothing.")
    def standing_order(
        self,
        info: Info,
        account: AccountId,
        organization: str,
        min_height: MinHeight = None,  # noqa: ARG002
    ) -> StandingOrder | None:
        """Read a standing order of the snapshot, which was opened after the wait for `min_height`."""
        return standing_order_of(info.context.view, account, organization)

    @query_field("The limits within which an organization's operators grant and adjust points.")
    def bonus_policy(self, info: Info, organization: str) -> BonusPolicy:
        """Read the policy of the snapshot."""
        return policy_of(info.context.view, organization)

    @query_field("What one operator has granted and adjusted today, by the snapshot's block.")
    def clerk_day(self, info: Info, organization: str, clerk: PublicKey) -> ClerkDay:
        """Read an operator's day of the snapshot."""
        return clerk_day_of(info.context.view, organization, clerk)

    @query_field("Prize draws in the order of organization and name; `after` is `<organization>/<name>` of the last.")
    def draws(
        self,
        info: Info,
        organization: str | None = None,
        first: Annotated[int, strawberry.argument(description="At most 50.")] = DRAWS_PAGE_DEFAULT,
        after: str | None = None,
    ) -> list[Draw]:
        """Read a page of draws of the snapshot."""
        check_page_size("Query", "draws", first)
        return draws_page(info.context.view, organization, first, after)

    @query_field("A prize draw; null when the organization has none of that name.")
    def draw(self, info: Info, organization: str, name: str, min_height: MinHeight = None) -> Draw | None:  # noqa: ARG002
        """Read a draw of the snapshot, which was opened after the wait for `min_height`."""
        return draw_of(info.context.view, organization, name)

    @query_field("Entries of a draw in the order of their numbers, beyond the number `after`.")
    def draw_entries(
        self,
        info: Info,
        organization: str,
        name: str,
        first: Annotated[int, strawberry.argument(description="At most 100.")] = ENTRIES_PAGE_DEFAULT,
        after: int = 0,
    ) -> list[DrawEntry]:
        """Read a page of entries of the snapshot."""
        check_page_size("Query", "drawEntries", first)
        if not 0 <= after <= ENTRIES_MAX:
            raise GraphQLError("after is the number of an entry", extensions={"code": "BAD_PAGE"})
        return entries_page(info.context.view, organization, name, first, after)

    @query_field("The draws that a member has entered, with the numbers that won.")
    def member_draws(
        self,
        info: Info,
        account: AccountId,
        first: Annotated[int, strawberry.argument(description="At most 20.")] = DRAWS_PAGE_DEFAULT,
        after: str | None = None,
    ) -> list[MemberDraw]:
        """Read a page of the snapshot."""
        check_page_size("Query", "memberDraws", first)
        return member_draws(info.context.view, account, first, after)

    @query_field(
        "A transaction by its id; its status is UNKNOWN when this validator has not got it, or holds its block no more."
    )
    def transaction(self, info: Info, id: Hash, min_height: MinHeight = None) -> Transaction:  # noqa: ARG002
        """Read a transaction of the snapshot, which was opened after the wait for `min_height`."""
        record = info.context.view.transaction(id)
        if record:
            return Transaction.of(record)
        waits = info.context.node.is_pending(id)
        return Transaction(id=id, status=TransactionStatus.PENDING if waits else TransactionStatus.UNKNOWN)

    @query_field(
        "A block by its height; null above the snapshot's height, an error with code BLOCK_NOT_HELD below the node's "
        "`firstHeight`."
    )
    def block(self, info: Info, height: int) -> Block | None:
        """Read a block of the snapshot."""
        summary = info.context.summary(height)
        return Block.of(summary) if summary else None

    @query_field(
        "The newest blocks, newest first; `before` is the height to go on below. Very full blocks, and the end of what "
        "this validator holds, may make the page shorter than asked."
    )
    def blocks(
        self,
        info: Info,
        last: Annotated[int, strawberry.argument(description="At most 50.")] = BLOCKS_PAGE_DEFAULT,
        before: int | None = None,
    ) -> list[Block]:
        """Read a page of blocks of the snapshot, downwards."""
        check_page_size("Query", "blocks", last)
        if before is not None and before < 0:
            raise GraphQLError("before is a height; it cannot be negative", extensions={"code": "BAD_PAGE"})
        context = info.context
        top = context.view.height if before is None else min(context.view.height, before - 1)
        blocks: list[Block] = []
        for height in range(top, max(top - last, -1), -1):
            if blocks and (context.read_enough or not context.view.holds(height)):
                break
            summary = context.summary(height)
            assert summary is not None, f"block {height} is missing below the snapshot's height"
            blocks.append(Block.of(summary))
        return blocks
