"""What people see of proposals and validators, through the real server, against the fake node."""

from typing import Any, Final

import httpx
import msgspec

from jifen.codec.changes import change_fingerprint
from jifen.keys.signing import KeyPair
from jifen.ledger.governance.bodies import ActivateValidator, ProposeChange, VoteOnProposal
from jifen.ledger.governance.changes import Change, RemoveValidator
from jifen.testing.fake_node import CREATED_AT, MASTER, FakeNode, operator_of
from jifen.testing.naive.scene import certificate_of
from jifen.testing.scenes.governance import admission

DAY_MS: Final = 86_400_000
ACTIVATING: Final = KeyPair.derive(MASTER, "validator/cafe")


async def data(http: httpx.AsyncClient, query: str, **variables: Any) -> Any:
    response = await http.post("/graphql", json={"query": query, "variables": variables})
    answer = response.json()
    assert "errors" not in answer, answer
    return answer["data"]


async def propose(node: FakeNode, who: str, change: Change, number: int = 0) -> bytes:
    """Commit a proposal and return its id."""
    body = ProposeChange(node.time + 60_000, number.to_bytes(8, "big"), who, change, node.time + DAY_MS)
    [result] = await node.submit([node.sign(body, operator_of(who))], wait=True, timeout_seconds=1)
    assert result.rejection is None
    assert result.id is not None
    return result.id


async def vote(node: FakeNode, who: str, proposal: bytes, *, approve: bool = True) -> None:
    """Commit a vote."""
    body = VoteOnProposal(node.time + 60_000, bytes(8), who, proposal, approve)
    [result] = await node.submit([node.sign(body, operator_of(who))], wait=True, timeout_seconds=1)
    assert result.rejection is None


def cafe() -> Change:
    """Return the admission of a newcomer whose validator has a real key."""
    return admission("cafe", "cafe", key=ACTIVATING.public)


PROPOSAL: Final = """number id organization kind validator fingerprint openUntil proposedAt decidedAt status
  approvals refusals needed missing votes { organization approve height }
  admission { organization replaces peerHost peerPort publicUrl key certificateFingerprint
    newcomer { name kind operators { key scopes } } }"""


async def test_a_proposal_shows_what_it_would_do_and_whose_votes_are_missing(
    http: httpx.AsyncClient, node: FakeNode
) -> None:
    identity = await propose(node, "mall", cafe())
    await vote(node, "music", identity, approve=True)

    shown = (await data(http, f"{{ proposal(number: 1) {{ {PROPOSAL} asOf {{ height }} }} }}"))["proposal"]

    assert shown["id"] == identity.hex()
    assert (shown["organization"], shown["kind"], shown["validator"]) == ("mall", "ADMIT_VALIDATOR", "cafe")
    assert (shown["status"], shown["proposedAt"], shown["decidedAt"]) == ("OPEN", 1, None)
    assert (shown["approvals"], shown["refusals"], shown["needed"]) == (2, 0, 4)
    assert shown["missing"] == ["books", "tea"]
    assert shown["votes"] == [
        {"organization": "mall", "approve": True, "height": 1},
        {"organization": "music", "approve": True, "height": 2},
    ]
    assert shown["fingerprint"] == change_fingerprint(cafe()).hex()
    assert shown["openUntil"] == "2026-01-02T00:00:00.000Z"
    told = shown["admission"]
    assert (told["organization"], told["replaces"], told["key"]) == ("cafe", None, ACTIVATING.public.hex())
    assert (told["peerHost"], told["peerPort"], told["publicUrl"]) == ("127.0.0.1", 17, "http://127.0.0.1:17")
    assert len(told["certificateFingerprint"]) == 64
    assert told["newcomer"]["name"] == "Cafe"
    assert [operator["scopes"] for operator in told["newcomer"]["operators"]] == ["ADMIN"]
    assert shown["asOf"]["height"] == 2


async def test_proposals_come_newest_first_a_page_at_a_time(http: httpx.AsyncClient, node: FakeNode) -> None:
    for number, who in enumerate(("mall", "books", "music")):
        await propose(node, who, RemoveValidator("tea"), number)

    page = (await data(http, "{ proposals(last: 2) { number organization kind admission { key } } }"))["proposals"]
    rest = (await data(http, "{ proposals(last: 2, before: 2) { number } }"))["proposals"]

    assert [(one["number"], one["organization"]) for one in page] == [(3, "music"), (2, "books")]
    assert page[0]["kind"] == "REMOVE_VALIDATOR"
    assert page[0]["admission"] is None
    assert rest == [{"number": 1}]
    assert (await data(http, "{ proposal(number: 4) { number } }"))["proposal"] is None
    assert (await data(http, "{ proposals(last: 2, before: -7) { number } }"))["proposals"] == []
    assert (await data(http, "{ proposal(number: -1) { number } }"))["proposal"] is None


async def test_a_proposal_past_its_deadline_is_shown_as_expired_though_nobody_touched_it(
    http: httpx.AsyncClient, node: FakeNode
) -> None:
    await propose(node, "mall", cafe())
    node.time = CREATED_AT + DAY_MS
    node.commit()

    shown = (await data(http, "{ proposal(number: 1) { status missing } }"))["proposal"]

    assert shown == {"status": "EXPIRED", "missing": []}


async def test_a_vote_and_what_it_brought_about_stand_in_the_receipt(http: httpx.AsyncClient, node: FakeNode) -> None:
    identity = await propose(node, "mall", cafe())
    for name in ("books", "music", "tea"):
        await vote(node, name, identity)

    query = """{ block(height: 4) { transactions { kind receipt { effects { __typename
      ... on VoteCounted { number organization approvals needed asked voteStatus: status }
      ... on ValidatorAdmitted { validator organization newcomer replaces } } } } } }"""
    [found] = (await data(http, query))["block"]["transactions"]

    assert found["kind"] == "voteOnProposal"
    assert found["receipt"]["effects"] == [
        {
            "__typename": "VoteCounted",
            "number": 1,
            "organization": "tea",
            "approvals": 4,
            "needed": 4,
            "asked": 4,
            "voteStatus": "ACCEPTED",
        },
        {
            "__typename": "ValidatorAdmitted",
            "validator": "cafe",
            "organization": "cafe",
            "newcomer": True,
            "replaces": None,
        },
    ]


async def test_the_validator_set_shows_a_change_while_it_is_under_way(http: httpx.AsyncClient, node: FakeNode) -> None:
    identity = await propose(node, "mall", cafe())
    for name in ("books", "music", "tea"):
        await vote(node, name, identity)
    query = """{ validatorSet { joint changedAt voters { id } outgoing { id }
      observers { id organization status since connected } } organizations { id publicUrl } }"""

    before = await data(http, query)
    body = ActivateValidator(node.time + 60_000, bytes(8), "cafe")
    await node.submit([node.sign(body, ACTIVATING)], wait=True, timeout_seconds=1)
    during = await data(http, query)

    assert [one["id"] for one in before["validatorSet"]["voters"]] == ["mall", "books", "music", "tea"]
    assert before["validatorSet"]["observers"] == [
        {"id": "cafe", "organization": "cafe", "status": "OBSERVER", "since": 4, "connected": False}
    ]
    assert (before["validatorSet"]["joint"], before["validatorSet"]["changedAt"]) == (False, 0)
    assert {"id": "cafe", "publicUrl": "http://127.0.0.1:17"} in before["organizations"]
    now = during["validatorSet"]
    assert (now["joint"], now["changedAt"], now["observers"]) == (True, 5, [])
    assert [one["id"] for one in now["voters"]] == ["mall", "books", "music", "tea", "cafe"]
    assert [one["id"] for one in now["outgoing"]] == ["mall", "books", "music", "tea"]


async def test_certificates_name_the_signers_of_the_set_of_their_own_height(
    http: httpx.AsyncClient, node: FakeNode
) -> None:
    identity = await propose(node, "mall", RemoveValidator("books"))
    for name in ("music", "tea"):
        await vote(node, name, identity)
    node.commit(leave_joint=True)
    node.commit()

    blocks = (await data(http, "{ blocks(last: 6) { height certificate { signers } } }"))["blocks"]

    # The fake node's certificates have the first three bits set, whatever the set.
    signers = {block["height"]: (block["certificate"] or {"signers": None})["signers"] for block in blocks}
    assert signers == {
        0: None,
        1: ["mall", "books", "music"],
        2: ["mall", "books", "music"],
        3: ["mall", "books", "music"],  # joint: the outgoing come first
        4: ["mall", "music", "tea"],
        5: ["mall", "music", "tea"],
    }
    gone = (await data(http, '{ validator(id: "books") { status since certificateFingerprint } }'))["validator"]
    assert gone == {"status": "RETIRED", "since": 4, "certificateFingerprint": None}
    assert (await data(http, '{ validator(id: "nobody") { id } }'))["validator"] is None


PREVIEW: Final = """query($admit: [String!], $remove: [String!]) {
  previewValidatorSet(admit: $admit, remove: $remove) {
    before { voters size tolerated connected reachable } during { size voters } after { size tolerated reachable }
    reachable problems asOf { height } } }"""


async def test_a_preview_tells_quorums_and_whether_they_can_be_reached_now(
    http: httpx.AsyncClient, node: FakeNode
) -> None:
    four = ["mall", "books", "music", "tea"]

    shown = (await data(http, PREVIEW, admit=["cafe"]))["previewValidatorSet"]

    assert shown["before"] == [{"voters": four, "size": 3, "tolerated": 1, "connected": four, "reachable": True}]
    assert shown["during"] == [{"size": 3, "voters": four}, {"size": 3, "voters": [*four, "cafe"]}]
    assert shown["after"] == {"size": 3, "tolerated": 2, "reachable": True}
    assert (shown["reachable"], shown["problems"]) == (True, [])

    node.connected -= {"books", "music"}
    shown = (await data(http, PREVIEW, remove=["books"]))["previewValidatorSet"]
    assert shown["before"][0]["connected"] == ["mall", "tea"]
    assert not shown["before"][0]["reachable"]
    assert shown["after"] == {"size": 2, "tolerated": 1, "reachable": True}
    assert not shown["reachable"]

    shown = (await data(http, PREVIEW, remove=four))["previewValidatorSet"]
    assert shown["problems"] == ["nobody would be left to decide anything"]
    assert not shown["after"]["reachable"]


async def test_a_preview_of_too_much_is_refused(http: httpx.AsyncClient) -> None:
    for names in (["x"] * 65, ["x" * 33]):
        response = await http.post("/graphql", json={"query": PREVIEW, "variables": {"admit": names}})
        assert response.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


async def test_the_fingerprint_changes_with_every_part_of_a_change() -> None:
    change = cafe()
    assert isinstance(change, msgspec.Struct)
    variants = {
        "organization": "tea",
        "newcomer": None,
        "validator": "cafe-2",
        "key": bytes(32),
        "certificate_pem": certificate_of("x"),
        "peer_host": "::1",
        "peer_port": 18,
        "public_url": "http://x",
        "replaces": "mall",
    }
    assert variants.keys() == set(change.__struct_fields__)

    prints = {change_fingerprint(msgspec.structs.replace(change, **{name: value})) for name, value in variants.items()}

    assert len(prints | {change_fingerprint(cafe())}) == 10
