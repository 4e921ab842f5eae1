"""What the demonstration shows in the end: for people as a table, for scripts as one JSON document."""

from collections.abc import Sequence
from typing import Final

import msgspec
import trio
from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table

from jifen.client import Client, ClientError
from jifen.client.records import Overview
from jifen.demo.bound import VerificationBound
from jifen.demo.importer import ImportReport
from jifen.home import Validator

DIGEST_CHARACTERS_SHOWN: Final = 12
"""Of a state digest in the table: 48 bits, enough for eyes; the comparison takes all."""

AGREEMENT_SECONDS: Final = 20.0
"""How long validators may take to reach one height after the last transaction: a catch-up of some blocks."""

POLL_SECONDS: Final = 0.1
"""Between two looks at the validators."""

LOOK_SECONDS: Final = 3.0
"""For one validator's answer while looking; one that takes longer counts as unreachable."""


class OrganizationState(msgspec.Struct, frozen=True, rename="camel"):
    """One validator at the end."""

    id: str
    height: int
    term: int
    role: str
    state_digest: str
    points_issued: int
    """Points that the organization has issued, over all its types."""
    url: str
    refused_block: str = ""
    """Why the validator refuses a block, or empty."""


class Unreached(msgspec.Struct, frozen=True, rename="camel"):
    """A validator that did not answer."""

    id: str
    url: str
    reason: str


class Summary(msgspec.Struct, frozen=True, rename="camel"):
    """What `jifen demo --once --json` prints."""

    purchases: int
    """Purchases of the file that are on the ledger."""
    credited: int
    """Purchases that this run has credited; 0 when an earlier one had done it all."""
    transactions: int
    """Transactions that this run has brought into final blocks: registrations and purchases."""
    transactions_per_second: float
    seconds: float
    """Of the import."""
    organizations: tuple[OrganizationState, ...]
    unreachable: tuple[Unreached, ...]
    digests_equal: bool
    """Whether all validators that answered have one state digest at one height."""
    verification_bound: VerificationBound


async def look(validators: Sequence[Validator]) -> tuple[dict[str, Overview], dict[str, str]]:
    """Ask all validators at once; return the answers, and the reasons of those that gave none, by organization."""
    answers: dict[str, Overview] = {}
    reasons: dict[str, str] = {}

    async def ask(validator: Validator) -> None:
        async with Client([validator.url], timeout_seconds=LOOK_SECONDS) as client:
            try:
                answers[validator.id] = await client.overview()
            except ClientError as error:
                reasons[validator.id] = str(error)

    async with trio.open_nursery() as nursery:
        for validator in validators:
            nursery.start_soon(ask, validator)
    return answers, reasons


async def look_at_one_height(validators: Sequence[Validator]) -> tuple[dict[str, Overview], dict[str, str]]:
    """Ask until all that answer have the same height, or until AGREEMENT_SECONDS are over; return the last answers."""
    answers, reasons = await look(validators)
    with trio.move_on_after(AGREEMENT_SECONDS):
        while len({answer.node.height for answer in answers.values()}) > 1:
            await trio.sleep(POLL_SECONDS)
            answers, reasons = await look(validators)
    return answers, reasons


async def digests_agree(validators: Sequence[Validator], answers: dict[str, Overview]) -> bool:
    """Tell whether the state digests are equal at one height, the lowest that an answer has."""
    if not answers:
        return False
    height = min(answer.node.height for answer in answers.values())
    digests = set()
    for validator in validators:
        if validator.id in answers:
            async with Client([validator.url], timeout_seconds=LOOK_SECONDS) as client:
                block = await client.block(height)
            digests.add(None if block is None else block.state_digest)
    return len(digests) == 1


def summarize(
    report: ImportReport,
    validators: Sequence[Validator],
    answers: dict[str, Overview],
    reasons: dict[str, str],
    agree: bool,
    bound: VerificationBound,
) -> Summary:
    """Put the summary together."""
    return Summary(
        purchases=report.purchases,
        credited=report.credited,
        transactions=report.transactions,
        transactions_per_second=round(report.transactions_per_second, 1),
        seconds=round(report.seconds, 3),
        organizations=tuple(
            state_of(validator, answers[validator.id]) for validator in validators if validator.id in answers
        ),
        unreachable=tuple(
            Unreached(validator.id, validator.url, reasons[validator.id])
            for validator in validators
            if validator.id in reasons
        ),
        digests_equal=agree,
        verification_bound=bound,
    )


def state_of(validator: Validator, overview: Overview) -> OrganizationState:
    """Return a validator's line of the table."""
    node = overview.node
    issued = overview.issued_by(node.organization)  # who was asked by URL alone says itself who it is
    refused = node.refused_block
    complaint = f"cannot reproduce block {refused.height} of {refused.proposer}: {refused.reason}" if refused else ""
    return OrganizationState(
        node.organization, node.height, node.term, node.role, node.state_digest, issued, validator.url, complaint
    )


def table_of(states: Sequence[OrganizationState], unreachable: Sequence[Unreached]) -> RenderableType:
    """Return the table of an alliance and, below it, where its validators answer; fits into 80 columns."""
    table = Table(header_style="bold", box=SIMPLE_HEAD)
    for name in ("organization", "height", "term", "role", "points issued", "state digest"):
        is_number = name in ("height", "term", "points issued")
        table.add_column(name, justify="right" if is_number else "left", no_wrap=True)
    for state in states:
        table.add_row(
            state.id, f"{state.height:,}", f"{state.term}", state.role, f"{state.points_issued:,}",
            state.state_digest[:DIGEST_CHARACTERS_SHOWN],
        )  # fmt: skip
    for missing in unreachable:
        table.add_row(missing.id, "-", "-", "unreachable", "-", "-", style="red")
    addresses = Table.grid(padding=(0, 2))
    for state in states:
        addresses.add_row("", state.id, f"{state.url}/", f"{state.url}/playground")
    complaints = [f"{state.id} {state.refused_block}" for state in states if state.refused_block]
    return Group(table, addresses, *complaints)
