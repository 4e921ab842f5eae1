"""Naive rules of governance: who may keep the ledger, and who decides that."""

from typing import TYPE_CHECKING

import msgspec

from jifen.ledger.governance.bodies import ActivateValidator, ProposeChange, VoteOnProposal, WithdrawProposal
from jifen.ledger.governance.changes import AdmitValidator, Change, RemoveValidator
from jifen.ledger.governance.validators import Validator, ValidatorStatus
from jifen.ledger.rejections import Rejection
from jifen.ledger.transactions import Transaction
from jifen.ledger.types import Organization, OrganizationStatus, Scope
from jifen.testing.naive.records import NaiveProposal

if TYPE_CHECKING:
    from jifen.testing.naive.ledger import NaiveLedger

Effects = tuple[tuple[object, ...], ...]

MONTH_MS = 30 * 86_400_000
"""Longest life of a proposal, ms."""


def against_proposing(ledger: "NaiveLedger", body: ProposeChange, item: Transaction, time: int) -> set[Rejection]:
    """Return what speaks against a proposal."""
    found = _against_office(ledger, body.organization, item)
    if body.open_until <= time or body.open_until > time + MONTH_MS:
        found.add(Rejection.DEADLINE_OUT_OF_RANGE)
    own = [one for one in ledger.proposals if one.organization == body.organization and _is_open(one, time)]
    if len(own) >= 4:
        found.add(Rejection.TOO_MANY_PROPOSALS)
    found |= _against_change(ledger, body.change)
    if _outcome(ledger, body.change, [(body.organization, True)])[0] == "ACCEPTED":
        found |= _against_haste(ledger, body.change)
    return found


def propose(ledger: "NaiveLedger", body: ProposeChange, item: Transaction, time: int) -> Effects:
    """Take a proposal in."""
    for one in ledger.proposals:
        if one.status == "OPEN" and one.open_until < time:
            one.status, one.ended_at = "EXPIRED", ledger.height
    proposal = NaiveProposal(item.id, body.organization, body.change, body.open_until, ledger.height)
    proposal.votes.append((body.organization, True, ledger.height))
    ledger.proposals.append(proposal)
    status, yes, _, needed, asked = _outcome(ledger, body.change, [(body.organization, True)])
    effect = (len(ledger.proposals), body.organization, body.open_until, yes, needed, asked, _number_of(status))
    return (effect, *_finish(ledger, proposal, status))


def against_vote(ledger: "NaiveLedger", body: VoteOnProposal, item: Transaction, time: int) -> set[Rejection]:
    """Return what speaks against a vote."""
    found = _against_office(ledger, body.organization, item)
    proposal = _proposal_of(ledger, body.proposal, time)
    if proposal is None:
        found.add(Rejection.PROPOSAL_NOT_OPEN)
        return found
    if body.organization in [who for who, _, _ in proposal.votes]:
        found.add(Rejection.ALREADY_VOTED)
        return found
    votes = [(who, approves) for who, approves, _ in proposal.votes]
    if _outcome(ledger, proposal.change, [*votes, (body.organization, body.approve)])[0] == "ACCEPTED":
        found |= _against_change(ledger, proposal.change) | _against_haste(ledger, proposal.change)
    return found


def vote(ledger: "NaiveLedger", body: VoteOnProposal, _item: Transaction, time: int) -> Effects:
    """Take a vote in."""
    proposal = _proposal_of(ledger, body.proposal, time)
    assert proposal is not None
    proposal.votes.append((body.organization, body.approve, ledger.height))
    counted = [(who, approves) for who, approves, _ in proposal.votes]
    status, yes, no, needed, asked = _outcome(ledger, proposal.change, counted)
    number = ledger.proposals.index(proposal) + 1
    head = (number, proposal.id, body.organization, body.approve)
    return ((*head, yes, no, needed, asked, _number_of(status)), *_finish(ledger, proposal, status))


def against_withdrawal(ledger: "NaiveLedger", body: WithdrawProposal, item: Transaction, time: int) -> set[Rejection]:
    """Return what speaks against taking a proposal back."""
    found = _against_office(ledger, body.organization, item)
    proposal = _proposal_of(ledger, body.proposal, time)
    if proposal is None:
        found.add(Rejection.PROPOSAL_NOT_OPEN)
    elif proposal.organization != body.organization:
        found.add(Rejection.NOT_THE_PROPOSER)
    return found


def withdraw(ledger: "NaiveLedger", body: WithdrawProposal, _item: Transaction, time: int) -> Effects:
    """Take a proposal back."""
    proposal = _proposal_of(ledger, body.proposal, time)
    assert proposal is not None
    proposal.status, proposal.ended_at = "WITHDRAWN", ledger.height
    return ((ledger.proposals.index(proposal) + 1, proposal.id, body.organization),)


def against_activation(ledger: "NaiveLedger", body: ActivateValidator, item: Transaction, _time: int) -> set[Rejection]:
    """Return what speaks against an observer's becoming a voter."""
    known = [one for one in ledger.validators if one.id == body.validator]
    if not known:
        return {Rejection.VALIDATOR_UNKNOWN}
    found = set()
    (validator,) = known
    if validator.key not in item.signers:
        found.add(Rejection.NOT_AUTHORIZED)
    if validator.organization not in _active(ledger):
        found.add(Rejection.OWNER_NOT_ACTIVE)
    if validator.status == ValidatorStatus.RETIRED:
        found.add(Rejection.VALIDATOR_RETIRED)
    if validator.status == ValidatorStatus.VOTER:
        found.add(Rejection.ALREADY_A_VOTER)
    if validator.status == ValidatorStatus.OBSERVER:
        present = _voters_of(ledger, validator.organization)
        if present not in ([], [validator.replaces]):
            found.add(Rejection.HAS_A_VOTER)
        if ledger.outgoing or ledger.voters_changed_at == ledger.height:
            found.add(Rejection.CONFIGURATION_CHANGING)
    return found


def activate(ledger: "NaiveLedger", body: ActivateValidator, _item: Transaction, _time: int) -> Effects:
    """Make an observer a voter."""
    (validator,) = [one for one in ledger.validators if one.id == body.validator]
    before = _voters_of(ledger, validator.organization)
    ledger.outgoing = list(ledger.voters)
    ledger.voters = [name for name in ledger.voters if name not in before] + [validator.id]
    _note_the_voters(ledger)
    _set_status(ledger, validator.id, ValidatorStatus.VOTER)
    owner = ledger.organizations[validator.organization]
    ledger.organizations[owner.id] = msgspec.structs.replace(owner, validator_key=validator.key)
    return ((validator.id, validator.organization, before[0] if before else None),)


def settle(ledger: "NaiveLedger") -> None:
    """Leave the joint configuration: who is no voter of the new set is out."""
    for name in ledger.outgoing:
        if name not in ledger.voters:
            _set_status(ledger, name, ValidatorStatus.RETIRED)
    ledger.outgoing = []
    _note_the_voters(ledger)


def _against_office(ledger: "NaiveLedger", name: str, item: Transaction) -> set[Rejection]:
    if name not in ledger.organizations:
        return {Rejection.ORGANIZATION_UNKNOWN}
    found = set()
    if name not in _active(ledger):
        found.add(Rejection.ORGANIZATION_NOT_ACTIVE)
    admins = [o.key for o in ledger.organizations[name].operators if Scope.ADMIN in Scope(o.scopes)]
    if not set(admins) & set(item.signers):
        found.add(Rejection.NOT_AUTHORIZED)
    return found


def _against_change(ledger: "NaiveLedger", change: Change) -> set[Rejection]:
    if isinstance(change, AdmitValidator):
        return _against_admission(ledger, change)
    found = set()
    known = [one for one in ledger.validators if one.id == change.validator]
    if not known:
        found.add(Rejection.VALIDATOR_UNKNOWN)
    else:
        leaving = change.validator in ledger.outgoing and change.validator not in ledger.voters
        if leaving or known[0].status == ValidatorStatus.RETIRED:
            found.add(Rejection.VALIDATOR_RETIRED)
    if ledger.voters == [change.validator]:
        found.add(Rejection.LAST_VOTER)
    return found


def _against_admission(ledger: "NaiveLedger", change: AdmitValidator) -> set[Rejection]:
    found, used_ids = set(), {one.id for one in ledger.validators} | (set(ledger.organizations) - {change.organization})
    keys, newcomer = [change.key], change.newcomer
    if newcomer is None:
        if change.organization not in ledger.organizations:
            found.add(Rejection.OWNER_UNKNOWN)
        elif change.organization not in _active(ledger):
            found.add(Rejection.OWNER_NOT_ACTIVE)
    else:
        keys += [operator.key for operator in newcomer.operators]
        if all(Scope.ADMIN not in Scope(operator.scopes) for operator in newcomer.operators):
            found.add(Rejection.NO_ADMINISTRATOR)
        if change.organization in ledger.organizations or change.organization in used_ids:
            found.add(Rejection.ID_TAKEN)
        if len(ledger.organizations) == 64:
            found.add(Rejection.ALLIANCE_FULL)
    if change.validator in used_ids:
        found.add(Rejection.ID_TAKEN)
    used_keys = {one.key for one in ledger.validators}
    for organization in ledger.organizations.values():
        used_keys |= {operator.key for operator in organization.operators}
    if len(set(keys)) != len(keys) or used_keys & set(keys):
        found.add(Rejection.KEY_IN_USE)
    if change.certificate_pem in [one.certificate_pem for one in ledger.validators]:
        found.add(Rejection.CERTIFICATE_IN_USE)
    if change.replaces is not None and [change.replaces] != _voters_of(ledger, change.organization):
        found.add(Rejection.NOT_ITS_VOTER)
    present = [one for one in ledger.validators if one.status != ValidatorStatus.RETIRED]
    if len(present) == 64 or len(ledger.validators) == 1024:
        found.add(Rejection.ALLIANCE_FULL)
    places = [(one.peer_host, one.peer_port) for one in present if one.id != change.replaces]
    if (change.peer_host, change.peer_port) in places:
        found.add(Rejection.ADDRESS_IN_USE)
    return found


def _against_haste(ledger: "NaiveLedger", change: Change) -> set[Rejection]:
    touches = isinstance(change, RemoveValidator) and change.validator in ledger.voters
    if touches and (ledger.outgoing or ledger.voters_changed_at == ledger.height):
        return {Rejection.CONFIGURATION_CHANGING}
    return set()


def _outcome(ledger: "NaiveLedger", change: Change, votes: list[tuple[str, bool]]) -> tuple[str, int, int, int, int]:
    """Return status, approvals, refusals, approvals needed, and how many are asked."""
    asked = _active(ledger)
    if isinstance(change, RemoveValidator):
        owners = [one.organization for one in ledger.validators if one.id == change.validator]
        others = [name for name in asked if name not in owners]
        if len(others) >= 2:
            asked = others
    yes = [who for who, approves in votes if approves and who in asked]
    no = [who for who, approves in votes if not approves and who in asked]
    needed = 1
    while needed * ledger.threshold.denominator < len(asked) * ledger.threshold.numerator:
        needed += 1
    status = "OPEN"
    if len(yes) >= needed:
        status = "ACCEPTED"
    elif len(asked) - len(no) < needed:
        status = "REFUSED"
    return status, len(yes), len(no), needed, len(asked)


def _finish(ledger: "NaiveLedger", proposal: NaiveProposal, status: str) -> Effects:
    if status != "OPEN":
        proposal.status, proposal.ended_at = status, ledger.height
    if status != "ACCEPTED":
        return ()
    change = proposal.change
    if isinstance(change, AdmitValidator):
        if change.newcomer is not None:
            name, kind, operators = change.newcomer.name, change.newcomer.kind, change.newcomer.operators
            ledger.organizations[change.organization] = Organization(
                change.organization, name, kind, OrganizationStatus.ACTIVE, operators, change.key
            )
        reached = (change.certificate_pem, change.peer_host, change.peer_port, change.public_url)
        status_now = (ValidatorStatus.OBSERVER, ledger.height, change.replaces)
        ledger.validators.append(Validator(change.validator, change.organization, change.key, *reached, *status_now))
        return ((change.validator, change.organization, change.newcomer is not None, change.replaces),)
    (owner,) = [one.organization for one in ledger.validators if one.id == change.validator]
    if change.validator not in ledger.voters:
        _set_status(ledger, change.validator, ValidatorStatus.RETIRED)
        return ((change.validator, owner, False),)
    ledger.outgoing = list(ledger.voters)
    ledger.voters = [name for name in ledger.voters if name != change.validator]
    _note_the_voters(ledger)
    return ((change.validator, owner, True),)


def _note_the_voters(ledger: "NaiveLedger") -> None:
    ledger.voters_changed_at = ledger.height
    ledger.past_voters[ledger.height] = (list(ledger.voters), list(ledger.outgoing))


def _active(ledger: "NaiveLedger") -> list[str]:
    return [name for name, one in ledger.organizations.items() if one.status == OrganizationStatus.ACTIVE]


def _voters_of(ledger: "NaiveLedger", organization: str) -> list[str]:
    return [one.id for one in ledger.validators if one.organization == organization and one.id in ledger.voters]


def _set_status(ledger: "NaiveLedger", name: str, status: ValidatorStatus) -> None:
    ledger.validators = [
        msgspec.structs.replace(one, status=status, since=ledger.height) if one.id == name else one
        for one in ledger.validators
    ]


def _is_open(proposal: NaiveProposal, time: int) -> bool:
    return proposal.status == "OPEN" and proposal.open_until >= time


def _proposal_of(ledger: "NaiveLedger", identity: bytes, time: int) -> NaiveProposal | None:
    found = [one for one in ledger.proposals if one.id == identity and _is_open(one, time)]
    return found[0] if found else None


def _number_of(status: str) -> int:
    return ("OPEN", "ACCEPTED", "REFUSED", "WITHDRAWN", "EXPIRED").index(status) + 1
