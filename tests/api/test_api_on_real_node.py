"""The API on a real validator: consensus, disk and all; what the fake node promises must hold here too."""

import base64
import json
import time
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import trio
from trio_websocket import open_websocket

from jifen.actors.node import Node, run_node
from jifen.chain.sealing import seal
from jifen.keys.signing import KeyPair
from jifen.ledger.transactions import RegisterMember
from jifen.testing.small_alliance import small_alliance
from jifen_graphql.server import serve_admin, serve_public

TOKEN = "fedcba9876543210" * 2
PATIENCE_SECONDS = 30.0
"""How long the test waits for what must come; only a failing test waits so long."""


def registration(node: Node, key: KeyPair, expires_at: int) -> str:
    body = RegisterMember(expires_at, bytes(8), key.public)
    return base64.b64encode(seal(node.chain_id, body, key).signed).decode()


async def test_f10_a_member_earns_by_what_the_till_sends_and_watches_on_a_real_validator(
    tmp_path: Path, nursery: trio.Nursery
) -> None:
    alliance = small_alliance(tmp_path, ("mall",))
    node: Node = await nursery.start(run_node, alliance.setups["mall"])
    port = await nursery.start(partial(serve_public, node, host="127.0.0.1", port=0))
    admin_port = await nursery.start(partial(serve_admin, node, host="127.0.0.1", port=0, token=TOKEN))

    async def ask(query: str, *, to: int = port, **variables: Any) -> Any:
        async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE_SECONDS) as client:
            response = await client.post(
                f"http://127.0.0.1:{to}/graphql",
                json={"query": query, "variables": variables},
                headers={"authorization": f"Bearer {TOKEN}"},
            )
        answer = response.json()
        assert "errors" not in answer, answer
        return answer["data"]

    with trio.fail_after(PATIENCE_SECONDS):
        while node.status().role != "leader":
            await node.wait_for_height(node.status().height + 1, 0.05)
    expires_at = time.time_ns() // 1_000_000 + 60_000
    submit = "mutation($b: Base64!) { submitTransaction(bytes: $b) { status outcome rejection height message } }"
    alice = KeyPair.derive(bytes(32), "alice")
    registered = (await ask(submit, b=registration(node, alice, expires_at)))["submitTransaction"]
    assert (registered["status"], registered["outcome"]) == ("COMMITTED", "APPLIED"), registered
    read = await ask(
        "query($h: Int!) { block(height: $h) { certificate { term signers } transactions { kind receipt { effects { "
        "... on MemberRegistered { account key } } } } } }",
        h=registered["height"],
    )
    [transaction] = read["block"]["transactions"]
    [effect] = transaction["receipt"]["effects"]
    assert effect["key"] == alice.public.hex()
    assert read["block"]["certificate"]["signers"] == ["mall"]

    async with open_websocket(
        "127.0.0.1", port, "/graphql", use_ssl=False, subprotocols=["graphql-transport-ws"]
    ) as connection:
        await connection.send_message('{"type":"connection_init"}')
        await connection.get_message()
        query = "subscription($a: AccountId!) { balance(account: $a) { asOf { height } balances { available } } }"
        payload = {"query": query, "variables": {"a": effect["account"]}}
        await connection.send_message(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))
        with trio.fail_after(PATIENCE_SECONDS):
            first = json.loads(await connection.get_message())["payload"]["data"]["balance"]
            assert first["balances"] == []
            earned = await ask(
                'mutation($a: AccountId!) { earnPoints(merchantOrderId: "1", account: $a, amountFen: "990") '
                "{ status outcome height } }",
                to=admin_port,
                a=effect["account"],
            )
            assert earned["earnPoints"]["outcome"] == "APPLIED"
            second = json.loads(await connection.get_message())["payload"]["data"]["balance"]
        assert second == {"asOf": {"height": earned["earnPoints"]["height"]}, "balances": [{"available": "99"}]}
    answer = await ask(
        "query($a: AccountId!, $h: Int) { account(id: $a, minHeight: $h) { balances { available lots { points } } } "
        "node { height stateDigest role } blocks(last: 50) { height } }",
        a=effect["account"],
        h=earned["earnPoints"]["height"],
    )
    assert answer["account"]["balances"] == [{"available": "99", "lots": [{"points": "99"}]}]
    assert answer["node"]["stateDigest"] == node.status().state_digest.hex()
    assert [block["height"] for block in answer["blocks"]] == list(range(answer["node"]["height"], -1, -1))
