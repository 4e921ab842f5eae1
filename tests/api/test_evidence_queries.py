"""What people see of validators that contradicted themselves, through the real server, against the fake node."""

import base64
from typing import Any

import httpx

from jifen.keys.signing import KeyPair
from jifen.ledger.evidence.records import RecordEvidence
from jifen.ledger.evidence.statements import Evidence, StatementKind
from jifen.testing.fake_node import MASTER, FakeNode, operator_of
from jifen.testing.scenes.evidence import convicting

SIDE = "{ hash validatorSetHash signature }"
FIELDS = (
    "validator kind term height firstHash secondHash recordedAt transactionId asOf { height } "
    f"proof {{ key first {SIDE} second {SIDE} }}"
)


async def data(http: httpx.AsyncClient, query: str, **variables: Any) -> Any:
    response = await http.post("/graphql", json={"query": query, "variables": variables})
    answer = response.json()
    assert "errors" not in answer, answer
    return answer["data"]


def proof(node: FakeNode, validator: str = "tea", **changes: Any) -> Evidence:
    return convicting(node.chain_id, validator, KeyPair.derive(MASTER, f"validator/{validator}"), **changes)


async def record(node: FakeNode, evidence: Evidence) -> bytes:
    """Put evidence on the ledger and return the transaction's id."""
    body = RecordEvidence(node.time + 60_000, bytes(8), evidence)
    [result] = await node.submit([node.sign(body, operator_of("mall"))], wait=True, timeout_seconds=1)
    assert result.rejection is None
    assert result.id is not None
    return result.id


def shown(evidence: Evidence) -> dict[str, Any]:
    """Return what the API must show as proof."""
    first, second = (
        {
            "hash": side.hash.hex(),
            "validatorSetHash": side.validator_set_hash.hex(),
            "signature": base64.b64encode(side.signature).decode(),
        }
        for side in (evidence.first, evidence.second)
    )
    return {"key": evidence.key.hex(), "first": first, "second": second}


async def test_among_honest_validators_there_is_none(http: httpx.AsyncClient) -> None:
    assert await data(http, "{ evidence { validator } }") == {"evidence": []}


async def test_what_is_kept_and_what_is_recorded_is_shown_once(http: httpx.AsyncClient, node: FakeNode) -> None:
    both = proof(node)
    kept = proof(node, height=8, kind=StatementKind.ACKNOWLEDGEMENT)
    node.kept_evidence = [both, kept]
    first = await record(node, both)

    [tea, other] = (await data(http, f"{{ evidence {{ {FIELDS} }} }}"))["evidence"]

    assert (tea["validator"], tea["recordedAt"], tea["transactionId"]) == ("tea", 1, first.hex())
    assert (tea["firstHash"], tea["secondHash"]) == ("01" * 32, "02" * 32)
    assert tea["proof"] == shown(both)
    assert (other["kind"], other["term"], other["height"]) == ("ACKNOWLEDGEMENT", 3, 8)
    assert (other["recordedAt"], other["transactionId"], other["asOf"]["height"]) == (None, None, 1)
    assert other["proof"] == shown(kept)


async def test_what_only_the_ledger_records_is_proved_by_its_transaction(
    http: httpx.AsyncClient, node: FakeNode
) -> None:
    evidence = proof(node, "books")
    identity = await record(node, evidence)
    node.commit()

    [held] = (await data(http, f"{{ evidence {{ {FIELDS} }} }}"))["evidence"]
    node.base_height = 1
    [dropped] = (await data(http, f"{{ evidence {{ {FIELDS} }} }}"))["evidence"]

    assert held["proof"] == shown(evidence)
    assert dropped["proof"] is None, "its block is held no more"
    assert dropped["transactionId"] == held["transactionId"] == identity.hex()


async def test_one_validator_can_be_asked_about(http: httpx.AsyncClient, node: FakeNode) -> None:
    node.kept_evidence = [proof(node, "tea"), proof(node, "books")]
    query = "query($validator: String) { evidence(validator: $validator) { validator } }"

    found = {name: (await data(http, query, validator=name))["evidence"] for name in ("tea", "mall", None)}

    assert found == {
        "tea": [{"validator": "tea"}],
        "mall": [],
        None: [{"validator": "books"}, {"validator": "tea"}],
    }


async def test_a_long_list_comes_in_pages(http: httpx.AsyncClient, node: FakeNode) -> None:
    node.kept_evidence = [proof(node, height=height) for height in range(5)]
    query = "query($after: Int) { evidence(first: 2, after: $after) { height } }"

    pages = [(await data(http, query, after=after))["evidence"] for after in (None, 1, 3)]

    assert [[item["height"] for item in page] for page in pages] == [[0, 1], [2, 3], [4]]


async def test_the_effect_of_recording_names_the_culprit(http: httpx.AsyncClient, node: FakeNode) -> None:
    identity = await record(node, proof(node))
    query = """query($id: Hash!) { transaction(id: $id) { kind receipt { effects {
      ... on EvidenceRecorded { validator kind term height recorded } } } } }"""

    found = (await data(http, query, id=identity.hex()))["transaction"]

    assert found["kind"] == "recordEvidence"
    assert found["receipt"]["effects"] == [
        {"validator": "tea", "kind": "PROPOSAL", "term": 3, "height": 7, "recorded": 1}
    ]
