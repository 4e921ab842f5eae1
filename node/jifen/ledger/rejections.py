"""Why a transaction changed nothing: one list, in order of precedence.

When several reasons hold the one standing first is given. The order, the names and the numbers are part of the
contract: receipts carry the number, GraphQL the name. New reasons get new numbers; numbers are never reused.
"""

from enum import IntEnum


class Rejection(IntEnum):
    """A reason for which the ledger refuses a well-formed, properly signed transaction."""

    EXPIRED = 1
    """Its expiry lies before the block's time: build it again with a later expiry and sign anew."""
    EXPIRY_TOO_FAR = 2
    """Its expiry lies more than a day after the block's time: choose an earlier one."""
    ALREADY_APPLIED = 3
    """This very transaction is in an earlier block: look its receipt up instead of sending it again."""
    ORGANIZATION_UNKNOWN = 4
    """No organization of the alliance has that id."""
    ORGANIZATION_NOT_ACTIVE = 5
    """The organization is suspended and may not issue points."""
    ACCOUNT_UNKNOWN = 6
    """The sender's or member's account is not registered."""
    RECIPIENT_UNKNOWN = 7
    """The recipient's account is not registered."""
    POINT_TYPE_UNKNOWN = 8
    """No point type has that id."""
    NOT_AUTHORIZED = 9
    """It is not signed by a key that may do this: the account's key, or an operator key with the scope."""
    NOT_THE_ISSUER = 10
    """An organization can only issue its own points (invariant I4)."""
    ACCOUNT_EXISTS = 11
    """This key has an account already."""
    ORDER_ALREADY_CREDITED = 12
    """The merchant has credited this order before (invariant I3)."""
    NOT_TRANSFERABLE = 13
    """The issuer does not let members pass these points on."""
    SENDER_IS_RECIPIENT = 14
    """Sender and recipient are the same account."""
    INSUFFICIENT_POINTS = 15
    """The account holds fewer available points than asked for."""
    SUPPLY_EXHAUSTED = 16
    """The quantity would pass the largest one the ledger counts (invariant I2)."""


FINAL_REJECTIONS = frozenset(
    {
        Rejection.EXPIRED,
        Rejection.ALREADY_APPLIED,
        Rejection.NOT_THE_ISSUER,
        Rejection.ORDER_ALREADY_CREDITED,
        Rejection.ACCOUNT_EXISTS,
        Rejection.SENDER_IS_RECIPIENT,
    }
)
"""Reasons that no transaction still on its way can cure.

A validator that lags a moment must not refuse early what the leader would take (an account registered a blink ago), so
only these end a transaction before it is ordered.
"""
