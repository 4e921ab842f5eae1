"""What the alliance can decide about itself: changes of the validators, as they are proposed and voted on.

A change says everything, so that who approves it approves exactly this: a vote names the proposal by the id of its
transaction, which is a hash over the change.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from jifen.ledger.governance.validators import CERTIFICATE_CHARACTERS_MAX
from jifen.ledger.types import (
    HostName,
    KeyBytes,
    Operator,
    OrganizationKind,
    OrganizationName,
    PortNumber,
    Slug,
    UrlText,
)

OPERATORS_MAX = 16
"""Operators that a newcomer begins with: an admission stays within one transaction."""

CERTIFICATE_PATTERN = (
    r"^-----BEGIN CERTIFICATE-----\n([A-Za-z0-9+/]{64}\n){0,28}[A-Za-z0-9+/]{1,64}={0,2}\n-----END CERTIFICATE-----\n\Z"
)
"""One certificate and nothing around it: with a second spelling of it a certificate could be pinned twice."""

OneCertificate = Annotated[str, Meta(pattern=CERTIFICATE_PATTERN, max_length=CERTIFICATE_CHARACTERS_MAX)]


class Newcomer(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """An organization that joins the alliance with its first validator."""

    name: OrganizationName
    """What people call it."""
    kind: OrganizationKind
    operators: Annotated[tuple[Operator, ...], Meta(min_length=1, max_length=OPERATORS_MAX)]
    """Keys that act for it."""


class ChangeBase(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """Base of the changes; tags are never reused."""


class AdmitValidator(ChangeBase, frozen=True, tag=1):
    """Take a validator in, as an observer; when it has every block it becomes a voter by `activateValidator`.

    Its organization becomes one of the alliance's with it if `newcomer` says who that is; else it must be one already.
    """

    organization: Slug
    """Who runs it."""
    newcomer: Newcomer | None
    validator: Slug
    """An id that no validator ever had, and no other organization has."""
    key: KeyBytes
    """Signs its acknowledgements, and its activation."""
    certificate_pem: OneCertificate
    peer_host: HostName
    peer_port: PortNumber
    public_url: UrlText
    replaces: Slug | None = None
    """Present voter of the organization whose place it takes when it becomes a voter. None: there is none, or this
    one stays an observer beside it."""


class RemoveValidator(ChangeBase, frozen=True, tag=2):
    """Take a validator out for good. A voter votes until the alliance has gone over to the voters without it."""

    validator: Slug


Change = AdmitValidator | RemoveValidator
"""Everything that can be proposed."""
