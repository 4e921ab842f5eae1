"""Queries and mutations through the real server, against the fake node."""

import base64
from typing import Any

import httpx
import pytest
import trio

from jifen.actors.node import RefusedBlock
from jifen.codec.addresses import encode_account
from jifen.keys.signing import KeyPair
from jifen.ledger.receipts import MemberRegistered
from jifen.ledger.transactions import EarnPoints, RegisterMember
from jifen.testing.fake_node import MASTER, FakeNode, operator_of

ALICE = KeyPair.derive(MASTER, "member/alice")


async def ask(http: httpx.AsyncClient, query: str, **variables: Any) -> dict[str, Any]:
    response = await http.post("/graphql", json={"query": query, "variables": variables})
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def data(http: httpx.AsyncClient, query: str, **variables: Any) -> Any:
    answer = await ask(http, query, **variables)
    assert "errors" not in answer, answer
    return answer["data"]


def registration(node: FakeNode, key: KeyPair = ALICE) -> bytes:
    return node.sign(RegisterMember(node.time + 60_000, bytes(8), key.public), key)


def purchase(node: FakeNode, account: bytes, order: str, fen: int = 12_345) -> bytes:
    body = EarnPoints(node.time + 60_000, bytes(8), "mall", order, account, "mall/consumer", fen, node.time)
    return node.sign(body, operator_of("mall"))


def encoded(signed: bytes) -> str:
    return base64.b64encode(signed).decode()


SUBMIT = """mutation Submit($bytes: [Base64!]!, $waitFor: WaitFor! = COMMITTED) {
  submitTransactions(bytes: $bytes, waitFor: $waitFor) {
    id status outcome rejection height message userErrors { code message }
  }
}"""


async def registered(node: FakeNode, http: httpx.AsyncClient) -> bytes:
    """Register Alice over the API and return her account."""
    await data(http, SUBMIT, bytes=[encoded(registration(node))])
    with node.read() as view:
        block = view.block(node.height)
    assert block is not None
    effect = block.receipts[0].effects[0]
    assert isinstance(effect, MemberRegistered)
    return effect.account


async def test_node_tells_of_one_snapshot(http: httpx.AsyncClient, node: FakeNode) -> None:
    node.commit()
    answer = await data(
        http,
        "{ node { chainId chainName organization role term leader height committedHeight logHeight stateDigest version "
        "pendingTransactions lastBlockTime peers { id connected detail } asOf { height hash time } } }",
    )
    told = answer["node"]
    status = node.status()
    assert told["height"] == told["asOf"]["height"] == told["committedHeight"] == 1
    assert told["stateDigest"] == status.state_digest.hex()
    assert told["asOf"]["hash"] == status.block_hash.hex()
    assert told["lastBlockTime"] == told["asOf"]["time"] == "2026-01-01T00:00:01.000Z"
    assert [peer["id"] for peer in told["peers"]] == ["books", "music", "tea"]


async def test_node_tells_of_a_block_that_it_cannot_reproduce(http: httpx.AsyncClient, node: FakeNode) -> None:
    query = "{ node { refusedBlock { height hash term proposer reason } } }"
    assert await data(http, query) == {"node": {"refusedBlock": None}}
    node.refused_block = RefusedBlock(9, b"\x0a" * 32, 3, "tea", "its state_digest differs")
    assert (await data(http, query))["node"]["refusedBlock"] == {
        "height": 9,
        "hash": "0a" * 32,
        "term": 3,
        "proposer": "tea",
        "reason": "its state_digest differs",
    }


async def test_all_fields_of_an_answer_share_one_snapshot_which_is_closed(
    http: httpx.AsyncClient, node: FakeNode
) -> None:
    node.commit()
    opened = node.views_opened
    answer = await data(
        http,
        "{ node { asOf { height } } organizations { asOf { height } pointTypes { asOf { height } } } "
        "blocks(last: 2) { height asOf { height } } }",
    )
    assert node.views_opened == opened + 1
    assert node.open_views == 0
    assert {item["asOf"]["height"] for item in [answer["node"], *answer["organizations"], *answer["blocks"]]} == {1}


async def test_organizations_show_their_points_and_rates(http: httpx.AsyncClient) -> None:
    answer = await data(
        http,
        "{ organizations { id name kind status publicUrl validatorKey "
        "pointTypes { id issuer role ruleVersion transferable earnRate { points perFen } "
        "supply { issued burned } } } }",
    )
    mall = next(item for item in answer["organizations"] if item["id"] == "mall")
    assert (mall["kind"], mall["status"], mall["publicUrl"]) == ("MALL", "ACTIVE", "http://127.0.0.1:8080")
    assert mall["pointTypes"] == [
        {
            "id": "mall/consumer",
            "issuer": "mall",
            "role": "CONSUMER",
            "ruleVersion": 1,
            "transferable": True,
            "earnRate": {"points": "1", "perFen": "100"},
            "supply": {"issued": "0", "burned": "0"},
        }
    ]


async def test_a_submission_is_committed_and_can_be_read_back(http: httpx.AsyncClient, node: FakeNode) -> None:
    account = await registered(node, http)
    earned = purchase(node, account, "A-1")
    answer = await data(http, SUBMIT, bytes=[encoded(earned)])
    [payload] = answer["submitTransactions"]
    assert (payload["status"], payload["outcome"], payload["rejection"], payload["userErrors"]) == (
        "COMMITTED",
        "APPLIED",
        None,
        [],
    )
    answer = await data(
        http,
        """query Read($id: Hash!, $account: AccountId!, $minHeight: Int) {
          transaction(id: $id, minHeight: $minHeight) {
            id status outcome rejection kind height index bytes asOf { height }
            receipt { transactionId outcome rejection effects { __typename
              ... on PointsEarned { merchant account pointType ruleVersion amountFen points availableAfter
                earnRate { points perFen } } } }
          }
          account(id: $account) { id key registeredAt asOf { height }
            balances { pointType available lots { points origin availableFrom expiresAt } asOf { height } } }
          pointBalances(account: $account) { pointType available }
        }""",
        id=payload["id"],
        account=encode_account(account),
        minHeight=payload["height"],
    )
    transaction = answer["transaction"]
    assert (transaction["status"], transaction["kind"], transaction["index"]) == ("COMMITTED", "earnPoints", 0)
    assert base64.b64decode(transaction["bytes"]) == earned
    [effect] = transaction["receipt"]["effects"]
    assert (effect["__typename"], effect["points"], effect["amountFen"]) == ("PointsEarned", "123", "12345")
    assert effect["earnRate"] == {"points": "1", "perFen": "100"}
    [balance] = answer["account"]["balances"]
    assert (balance["pointType"], balance["available"]) == ("mall/consumer", "123")
    assert balance["lots"] == [
        {"points": "123", "origin": "EARNED", "availableFrom": "2026-01-01T00:00:00.000Z", "expiresAt": None}
    ]
    assert answer["pointBalances"] == [{"pointType": "mall/consumer", "available": "123"}]


async def test_a_rejection_is_data_with_the_ledgers_own_reason(http: httpx.AsyncClient, node: FakeNode) -> None:
    answer = await data(http, SUBMIT, bytes=[encoded(purchase(node, bytes(20), "A-1"))])
    [payload] = answer["submitTransactions"]
    assert (payload["status"], payload["outcome"], payload["rejection"]) == ("COMMITTED", "REJECTED", "ACCOUNT_UNKNOWN")
    assert [error["code"] for error in payload["userErrors"]] == ["REJECTED"]
    read = await data(
        http,
        "query($id: Hash!) { transaction(id: $id) { rejection receipt { rejection effects { __typename } } } }",
        id=payload["id"],
    )
    assert read["transaction"]["rejection"] == read["transaction"]["receipt"]["rejection"] == "ACCOUNT_UNKNOWN"
    assert read["transaction"]["receipt"]["effects"] == []


async def test_what_is_no_transaction_is_refused_beside_what_is(http: httpx.AsyncClient, node: FakeNode) -> None:
    signed = registration(node)
    forged = signed[:-1] + bytes([signed[-1] ^ 1])
    answer = await data(http, SUBMIT, bytes=[encoded(b"garbage"), encoded(forged), encoded(signed)])
    codes = [[error["code"] for error in payload["userErrors"]] for payload in answer["submitTransactions"]]
    assert codes == [["MALFORMED"], ["BAD_SIGNATURE"], []]
    assert [payload["status"] for payload in answer["submitTransactions"]] == ["REFUSED", "REFUSED", "COMMITTED"]
    assert answer["submitTransactions"][0]["id"] is None


async def test_waiting_for_accepted_does_not_wait_for_a_block(http: httpx.AsyncClient, node: FakeNode) -> None:
    node.holds_commits = True
    answer = await data(
        http,
        "mutation($bytes: Base64!) { submitTransaction(bytes: $bytes, waitFor: ACCEPTED) { id status outcome } }",
        bytes=encoded(registration(node)),
    )
    assert answer["submitTransaction"]["status"] == "ACCEPTED"
    assert answer["submitTransaction"]["outcome"] is None
    assert node.height == 0
    waiting = await data(http, f'{{ transaction(id: "{answer["submitTransaction"]["id"]}") {{ status outcome }} }}')
    assert waiting["transaction"] == {"status": "PENDING", "outcome": None}


async def test_min_height_waits_for_the_block_and_then_reads_it(
    http: httpx.AsyncClient, node: FakeNode, nursery: trio.Nursery
) -> None:
    waiting = trio.Event()
    real = node.wait_for_height

    async def watched(height: int, timeout_seconds: float) -> bool:
        waiting.set()
        return await real(height, timeout_seconds)

    node.wait_for_height = watched  # type: ignore[method-assign]

    async def commit_when_waited_for() -> None:
        await waiting.wait()
        node.commit()

    nursery.start_soon(commit_when_waited_for)
    answer = await data(http, f'{{ transaction(id: "{"0" * 64}", minHeight: 1) {{ status asOf {{ height }} }} }}')
    assert answer["transaction"] == {"status": "UNKNOWN", "asOf": {"height": 1}}


async def test_a_height_out_of_reach_is_said_to_be_so(http: httpx.AsyncClient, node: FakeNode) -> None:
    async def never(height: int, timeout_seconds: float) -> bool:
        return False

    node.wait_for_height = never  # type: ignore[method-assign]
    request = {"query": f'{{ transaction(id: "{"0" * 64}", minHeight: 9) {{ status }} }}'}
    accept = {"accept": "application/graphql-response+json"}
    response = await http.post("/graphql", json=request, headers=accept)
    assert response.status_code == 503
    assert response.json()["errors"][0]["extensions"]["code"] == "HEIGHT_NOT_REACHED"
    assert node.open_views == 0


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("{ a: pointBalances(account: $ID, consistency: LINEARIZABLE) { pointType } node { height } }", True),
        ("{ account(id: $ID, consistency: LINEARIZABLE, minHeight: 0) { id } node { height } }", True),
        ("query($c: Consistency! = LINEARIZABLE) { account(id: $ID, consistency: $c) { id } node { height } }", True),
        ("{ ...F } fragment F on Query { account(id: $ID, consistency: LINEARIZABLE) { id } node { height } }", True),
        ("query($c: Consistency! = LOCAL) { account(id: $ID, consistency: $c) { id } node { height } }", False),
        ("{ account(id: $ID, consistency: LOCAL) { id } node { height } }", False),
        ("{ account(id: $ID, minHeight: 0) { id } node { height } }", False),
    ],
)
async def test_a_linearizable_query_reads_at_a_height_that_a_quorum_vouches_for(
    http: httpx.AsyncClient, node: FakeNode, nursery: trio.Nursery, query: str, asked: bool
) -> None:
    async def behind(timeout_seconds: float) -> int:
        nursery.start_soon(commit)
        return 1

    async def commit() -> None:
        node.commit()

    node.read_index = behind  # type: ignore[method-assign]
    answer = await data(http, query.replace("$ID", f'"{encode_account(bytes(20))}"'))
    assert answer["node"]["height"] == (1 if asked else 0)


async def test_without_a_quorum_a_linearizable_query_is_refused_and_a_local_one_is_not(
    http: httpx.AsyncClient, node: FakeNode
) -> None:
    async def nobody(timeout_seconds: float) -> None:
        return None

    node.read_index = nobody  # type: ignore[method-assign]
    query = f'query($c: Consistency!) {{ account(id: "{encode_account(bytes(20))}", consistency: $c) {{ id }} }}'
    accept = {"accept": "application/graphql-response+json"}
    for consistency, status in (("LINEARIZABLE", 503), ("LOCAL", 200), ("NEWEST", 400)):
        request = {"query": query, "variables": {"c": consistency}}
        response = await http.post("/graphql", json=request, headers=accept)
        assert response.status_code == status, response.text
        if status == 503:
            assert response.json()["errors"][0]["extensions"]["code"] == "NOT_CURRENT"
    assert node.open_views == 0


async def test_blocks_come_newest_first_a_page_at_a_time(http: httpx.AsyncClient, node: FakeNode) -> None:
    for _ in range(5):
        node.commit()
    first = await data(http, "{ blocks(last: 3) { height proposer certificate { term signers } } }")
    assert [block["height"] for block in first["blocks"]] == [5, 4, 3]
    assert first["blocks"][0]["certificate"] == {"term": 1, "signers": ["mall", "books", "music"]}
    rest = await data(http, "{ blocks(last: 50, before: 3) { height proposer certificate { term } } }")
    assert [block["height"] for block in rest["blocks"]] == [2, 1, 0]
    assert rest["blocks"][-1] == {"height": 0, "proposer": None, "certificate": None}


async def test_a_block_above_the_height_is_null(http: httpx.AsyncClient) -> None:
    answer = await data(http, "{ above: block(height: 1) { hash } below: block(height: -1) { hash } }")
    assert answer == {"above": None, "below": None}


async def test_a_blocks_transactions_are_paged(http: httpx.AsyncClient, node: FakeNode) -> None:
    keys = [KeyPair.derive(MASTER, f"member/{index}") for index in range(5)]
    await data(http, SUBMIT, bytes=[encoded(registration(node, key)) for key in keys])
    answer = await data(
        http,
        """{ block(height: 1) { transactionCount
          first: transactions(first: 2) { index kind height }
          rest: transactions(first: 100, after: 1) { index receipt { effects { ...Key } } } } }
        fragment Key on MemberRegistered { key }""",
    )
    block = answer["block"]
    assert block["transactionCount"] == 5
    assert [item["index"] for item in block["first"]] == [0, 1]
    assert [item["index"] for item in block["rest"]] == [2, 3, 4]
    assert block["rest"][0]["receipt"]["effects"] == [{"key": keys[2].public.hex()}]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ blocks(last: 51) { height } }", "BAD_PAGE"),
        ("{ blocks(last: 0) { height } }", "BAD_PAGE"),
        ("{ block(height: 0) { transactions(first: 101) { id } } }", "BAD_PAGE"),
        ("{ block(height: 0) { transactions(after: -7) { id } } }", "BAD_PAGE"),
    ],
)
async def test_a_page_out_of_bounds_is_refused(http: httpx.AsyncClient, query: str, code: str) -> None:
    answer = await ask(http, query)
    assert answer["errors"][0]["extensions"]["code"] == code


@pytest.mark.parametrize(
    ("type_", "value", "hint"),
    [
        ("Hash!", "AB" * 32, "64 lowercase hexadecimal digits"),
        ("Hash!", 5, "64 lowercase hexadecimal digits"),
        ("AccountId!", "jf1short", "characters instead of"),
        ("AccountId!", 7, "begins with jf1"),
        ("Points!", "-1", "decimal string"),
        ("Points!", "007", "decimal string"),
        ("Points!", str(2**53), "decimal string"),
        ("Points!", True, "decimal string"),
        ("Base64!", "*", "standard base64"),
        ("Base64!", "YQ", "standard base64"),
    ],
)
async def test_a_scalar_says_what_is_wrong_with_a_value(
    admin: httpx.AsyncClient, type_: str, value: object, hint: str
) -> None:
    field = {
        "Hash!": "query($x: Hash!) { transaction(id: $x) { id } }",
        "AccountId!": "query($x: AccountId!) { account(id: $x) { id } }",
        "Points!": "mutation($x: Points!, $a: AccountId!) "
        '{ earnPoints(merchantOrderId: "1", account: $a, amountFen: $x) { id } }',
        "Base64!": "mutation($x: Base64!) { submitTransaction(bytes: $x) { id } }",
    }[type_]
    answer = await ask(admin, field, x=value, **({"a": encode_account(bytes(20))} if type_ == "Points!" else {}))
    assert hint in answer["errors"][0]["message"]
    assert answer.get("data") is None


async def test_a_fault_of_ours_is_told_as_a_code_only(
    http: httpx.AsyncClient, node: FakeNode, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> object:
        raise RuntimeError("secret detail")

    node.status = broken  # type: ignore[method-assign,assignment]
    answer = await ask(http, "{ node { role } }")
    assert answer["errors"][0]["extensions"] == {"code": "INTERNAL"}
    assert "secret" not in str(answer)
    assert "secret detail" in capsys.readouterr().out


async def test_earn_points_is_signed_by_the_node_and_only_on_the_admin_listener(
    http: httpx.AsyncClient, admin: httpx.AsyncClient, node: FakeNode
) -> None:
    account = encode_account(await registered(node, http))
    mutation = """mutation($account: AccountId!) {
      earnPoints(merchantOrderId: "till-7/991", account: $account, amountFen: "50000") { status outcome }
    }"""
    answer = await data(admin, mutation, account=account)
    assert (answer["earnPoints"]["status"], answer["earnPoints"]["outcome"]) == ("COMMITTED", "APPLIED")
    balances = await data(http, f'{{ pointBalances(account: "{account}") {{ available }} }}')
    assert balances["pointBalances"] == [{"available": "500"}]
    refused = await ask(http, mutation, account=account)
    assert "Cannot query field 'earnPoints'" in refused["errors"][0]["message"]


async def test_a_refund_is_signed_by_the_node_and_tells_what_it_took(
    http: httpx.AsyncClient, admin: httpx.AsyncClient, node: FakeNode
) -> None:
    account = encode_account(await registered(node, http))
    earn = """mutation($account: AccountId!) {
      earnPoints(merchantOrderId: "till-7/991", account: $account, amountFen: "50000") { outcome }
    }"""
    refund = """mutation {
      refundOrder(merchantOrderId: "till-7/991", merchantRefundId: "back-1", amountFen: "12345") {
        id status outcome rejection
      }
    }"""
    await data(admin, earn, account=account)
    taken = (await data(admin, refund))["refundOrder"]
    again = (await data(admin, refund))["refundOrder"]

    assert (taken["status"], taken["outcome"]) == ("COMMITTED", "APPLIED")
    assert again["rejection"] == "REFUND_ALREADY_TAKEN"
    told = await data(
        http,
        f"""{{
          transaction(id: "{taken["id"]}") {{ kind receipt {{ effects {{
            ... on PointsRevoked {{ points orderAmountFen orderRefundedFen earnRate {{ points perFen }} debtAfter }}
          }} }} }}
          pointBalances(account: "{account}") {{ available debt }}
        }}""",
    )
    assert told["transaction"]["kind"] == "refundOrder"
    assert told["transaction"]["receipt"]["effects"] == [
        {
            "points": "124",
            "orderAmountFen": "50000",
            "orderRefundedFen": "12345",
            "earnRate": {"points": "1", "perFen": "100"},
            "debtAfter": "0",
        }
    ]
    assert told["pointBalances"] == [{"available": "376", "debt": "0"}]
    assert "Cannot query field 'refundOrder'" in (await ask(http, refund))["errors"][0]["message"]


async def test_an_order_is_credited_once(admin: httpx.AsyncClient, http: httpx.AsyncClient, node: FakeNode) -> None:
    account = encode_account(await registered(node, http))
    mutation = """mutation($a: AccountId!) {
      earnPoints(merchantOrderId: "1", account: $a, amountFen: 100) { rejection outcome }
    }"""
    assert (await data(admin, mutation, a=account))["earnPoints"]["outcome"] == "APPLIED"
    node.time += 1
    again = (await data(admin, mutation, a=account))["earnPoints"]
    assert (again["outcome"], again["rejection"]) == ("REJECTED", "ORDER_ALREADY_CREDITED")


async def test_block_summaries_are_kept_so_that_a_page_of_blocks_reads_them_once(
    http: httpx.AsyncClient, node: FakeNode
) -> None:
    node.commit()
    reads: list[int] = []
    real = node.read

    def counted() -> Any:
        manager = real()
        view = manager.__enter__()
        block = view.block

        def counting(height: int) -> Any:
            reads.append(height)
            return block(height)

        view.block = counting  # type: ignore[method-assign]

        class Manager:
            def __enter__(self) -> Any:
                return view

            def __exit__(self, *error: Any) -> None:
                manager.__exit__(*error)

        return Manager()

    node.read = counted  # type: ignore[method-assign]
    for _ in range(3):
        await data(http, "{ blocks(last: 2) { height hash transactionCount } }")
    assert reads == [1, 0]
