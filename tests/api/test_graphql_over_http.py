"""GraphQL over HTTP: the specification's MUSTs and SHOULDs, in the order of the graphql-http project's audits."""

from typing import Any

import httpx
import pytest

from jifen_graphql.graphql_http import negotiate
from jifen_graphql.limits import BODY_BYTES_MAX, DOCUMENT_BYTES_MAX
from jifen_graphql.responses import GRAPHQL_JSON, JSON, HttpRefused

GRAPHQL = "application/graphql-response+json"
QUERY = "{ __typename }"


async def post(http: httpx.AsyncClient, body: Any, accept: str = GRAPHQL) -> httpx.Response:
    return await http.post("/graphql", json=body, headers={"accept": accept})


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json", JSON),
        ("application/graphql-response+json", GRAPHQL_JSON),
        ("application/graphql-response+json; charset=utf-8, application/json; q=0.9", GRAPHQL_JSON),
        ("application/json; q=0.1, application/graphql-response+json; q=0.2", GRAPHQL_JSON),
        ("text/html, application/json;q=0.5", JSON),
    ],
)
def test_the_answers_type_follows_the_accept_header(accept: str | None, content_type: str) -> None:
    assert negotiate(None if accept is None else accept.encode()) == content_type


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "image/*", ";;;", "application/json;q=x"])
def test_a_client_that_can_read_neither_type_is_told_so(accept: str) -> None:
    with pytest.raises(HttpRefused) as refused:
        negotiate(accept.encode())
    assert refused.value.response.status == 406


@pytest.mark.parametrize("accept", [GRAPHQL, "application/json", "*/*"])
async def test_a_well_formed_query_gets_200_and_the_type_asked_for(http: httpx.AsyncClient, accept: str) -> None:
    response = await post(http, {"query": QUERY}, accept)
    assert response.status_code == 200
    expected = GRAPHQL if accept == GRAPHQL else "application/json"
    assert response.headers["content-type"] == f"{expected}; charset=utf-8"
    assert response.json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_a_post_that_a_form_of_another_site_could_send_gets_415(
    http: httpx.AsyncClient, content_type: str
) -> None:
    response = await http.post("/graphql", content=b'{"query":"{__typename}"}', headers={"content-type": content_type})
    assert response.status_code == 415


async def test_json_in_utf_8_is_understood_and_no_other_charset(http: httpx.AsyncClient) -> None:
    for charset, status in (("utf-8", 200), ("UTF-8", 200), ("latin-1", 415)):
        headers = {"content-type": f"application/json; charset={charset}"}
        response = await http.post("/graphql", content=b'{"query":"{__typename}"}', headers=headers)
        assert response.status_code == status


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"query":' + b"[" * 100_000,
        b"{}",
        b'{"query":""}',
        b'{"query":null}',
        b'{"query":{}}',
        b'{"query":"{__typename}","variables":[]}',
        b'{"query":"{__typename}","variables":"x"}',
        b'{"query":"{__typename}","operationName":7}',
        b'{"query":"{__typename}","extensions":[]}',
        b'[{"query":"{__typename}"}]',
    ],
)
async def test_a_body_that_is_no_request_gets_400_under_either_type(http: httpx.AsyncClient, body: bytes) -> None:
    for accept in (GRAPHQL, "application/json"):
        headers = {"accept": accept, "content-type": "application/json"}
        response = await http.post("/graphql", content=body, headers=headers)
        assert response.status_code == 400
        assert response.json()["errors"][0]["message"]


@pytest.mark.parametrize("member", ["variables", "operationName", "extensions"])
async def test_null_members_and_unknown_ones_are_allowed(http: httpx.AsyncClient, member: str) -> None:
    response = await post(http, {"query": QUERY, member: None, "something": "else"})
    assert response.status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"query": "{"},
        {"query": "{ unknown }"},
        {"query": "query($a: Int!) { block(height: $a) { hash } }"},
        {"query": "query($a: Int!) { block(height: $a) { hash } }", "variables": {"a": "x"}},
        {"query": "query A { __typename } query B { __typename }"},
        {"query": "query A { __typename }", "operationName": "B"},
        {"query": "subscription { blocks { height } }"},
        {"query": "{ blocks(last: 50) { transactions(first: 100) { id status } } }"},
    ],
)
async def test_a_request_that_cannot_be_executed_gets_400_or_200_by_type_and_no_data(
    http: httpx.AsyncClient, body: dict[str, Any]
) -> None:
    response = await post(http, body)
    assert response.status_code == 400
    answer = response.json()
    assert answer["errors"][0]["message"]
    assert answer.get("data") is None
    if "subscription" not in body["query"]:
        assert (await post(http, body, "application/json")).status_code == 200


async def test_a_get_queries(http: httpx.AsyncClient) -> None:
    params = {
        "query": "query A($h: Int!) { block(height: $h) { height } } query B { __typename }",
        "operationName": "A",
        "variables": '{"h": 0}',
    }
    response = await http.get("/graphql", params=params, headers={"accept": GRAPHQL})
    assert (response.status_code, response.json()) == (200, {"data": {"block": {"height": 0}}})


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"query": ""},
        {"query": QUERY, "variables": "{"},
        {"query": QUERY, "variables": "[]"},
        {"query": QUERY, "extensions": "7"},
        {str(index): "x" for index in range(20)},
    ],
)
async def test_a_get_that_is_no_request_gets_400(http: httpx.AsyncClient, params: dict[str, str]) -> None:
    assert (await http.get("/graphql", params=params)).status_code == 400


async def test_a_get_never_mutates(http: httpx.AsyncClient) -> None:
    params = {"query": 'mutation { submitTransaction(bytes: "AAAA") { status } }'}
    response = await http.get("/graphql", params=params)
    assert (response.status_code, response.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_other_methods_get_405_and_no_permission_for_other_sites(http: httpx.AsyncClient, method: str) -> None:
    headers = {"origin": "http://evil.example", "access-control-request-method": "POST"}
    response = await http.request(method, "/graphql", headers=headers)
    assert response.status_code == 405
    assert not [name for name in response.headers if name.startswith("access-control")]


async def test_a_head_request_gets_no_body(http: httpx.AsyncClient) -> None:
    response = await http.head("/graphql", params={"query": QUERY})
    assert (response.status_code, response.content) == (200, b"")


async def test_a_body_that_is_too_large_gets_413_whether_its_length_is_told_or_not(http: httpx.AsyncClient) -> None:
    async def chunks() -> Any:
        for _ in range(10):
            yield b" " * (BODY_BYTES_MAX // 8)

    headers = {"content-type": "application/json"}
    told = await http.post("/graphql", content=b" " * (BODY_BYTES_MAX + 1), headers=headers)
    untold = await http.post("/graphql", content=chunks(), headers=headers)
    assert (told.status_code, untold.status_code) == (413, 413)
    assert told.json()["errors"][0]["extensions"]["code"] == "TOO_LARGE"


async def test_variables_may_be_large_and_the_document_may_not(http: httpx.AsyncClient) -> None:
    large = "A" * (4 * 32)
    mutation = "mutation($b: [Base64!]!) { submitTransactions(bytes: $b) { status } }"
    response = await post(http, {"query": mutation, "variables": {"b": [large] * 500}})
    assert len(response.json()["data"]["submitTransactions"]) == 500
    response = await post(http, {"query": QUERY + " " * DOCUMENT_BYTES_MAX})
    assert response.status_code == 413


async def test_more_transactions_than_one_submission_holds_are_refused(http: httpx.AsyncClient) -> None:
    mutation = "mutation($b: [Base64!]!) { submitTransactions(bytes: $b) { status } }"
    response = await post(http, {"query": mutation, "variables": {"b": ["AAAA"] * 513}}, "application/json")
    assert response.json()["errors"][0]["extensions"]["code"] == "TOO_MANY_TRANSACTIONS"


@pytest.mark.parametrize("path", ["/", "/graphql?query={__typename}", "/healthz", "/nowhere", "/assets/none.js"])
async def test_every_answer_carries_the_security_headers(http: httpx.AsyncClient, path: str) -> None:
    response = await http.get(path)
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["x-frame-options"] == "DENY"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert "server" not in response.headers
    assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "127.0.0.1@x", "[::1", "localhost:x"])
async def test_a_name_that_is_not_ours_gets_421(http: httpx.AsyncClient, host: str) -> None:
    response = await http.post("/graphql", json={"query": QUERY}, headers={"host": host})
    assert response.status_code == 421


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:9", "LOCALHOST", "[::1]:8080"])
async def test_our_local_names_are_known(http: httpx.AsyncClient, host: str) -> None:
    response = await http.post("/graphql", json={"query": QUERY}, headers={"host": host})
    assert response.status_code == 200


async def test_health_and_readiness_differ_without_a_leader(http: httpx.AsyncClient, node: Any) -> None:
    assert (await http.get("/readyz")).status_code == 200
    node.leader = None
    response = await http.get("/readyz")
    assert (response.status_code, response.json()["ready"]) == (503, False)
    assert (await http.get("/healthz")).status_code == 200


async def test_the_admin_listener_wants_its_token_for_everything_but_health(admin: httpx.AsyncClient) -> None:
    assert (await admin.post("/graphql", json={"query": QUERY})).status_code == 200
    for header in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Basic eHg6eHg="}):
        async with httpx.AsyncClient(base_url=admin.base_url, trust_env=False) as stranger:
            response = await stranger.post("/graphql", json={"query": QUERY}, headers=header)
            assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
            assert (await stranger.get("/healthz", headers=header)).status_code == 200
            assert (await stranger.get("/", headers=header)).status_code == 401


async def test_the_admin_listener_shows_no_pages(admin: httpx.AsyncClient) -> None:
    assert (await admin.get("/")).status_code == 404
