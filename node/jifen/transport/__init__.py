"""Links between validators: WebSocket over mutually authenticated TLS, one direction each.

A link is simplex: every validator dials every other one and only sends on the connection it dialled (`dial.py`); it
only receives on those it accepted (`serve.py`). A pair of validators therefore holds two connections, and neither side
ever has to settle which of two simultaneous dials survives. What both share is in `link.py`; who may talk to whom is in
`identity.py` and `frames.py`.

The transport promises little on purpose. Frames of one link arrive in order and whole, or the link ends; whatever was
under way when it ended is lost, and nothing is sent twice. Consensus repeats what matters.
"""

from jifen.transport.dial import Connector, dial_peer, open_tcp
from jifen.transport.frames import PROTOCOL_VERSION, Hello, Refusal
from jifen.transport.identity import (
    IdentityFault,
    TlsIdentity,
    certificate_fingerprint,
    client_context,
    create_tls_identity,
    server_context,
    trust,
)
from jifen.transport.limits import TransportLimits
from jifen.transport.peers import Address, CannotListen, Knock, LinkState, Peer, PeerFault, Peers, PortBusy
from jifen.transport.serve import Listen, listen_on_tcp, serve_peers

__all__ = [
    "PROTOCOL_VERSION",
    "Address",
    "CannotListen",
    "Connector",
    "Hello",
    "IdentityFault",
    "Knock",
    "LinkState",
    "Listen",
    "Peer",
    "PeerFault",
    "Peers",
    "PortBusy",
    "Refusal",
    "TlsIdentity",
    "TransportLimits",
    "certificate_fingerprint",
    "client_context",
    "create_tls_identity",
    "dial_peer",
    "listen_on_tcp",
    "open_tcp",
    "serve_peers",
    "server_context",
    "trust",
]
