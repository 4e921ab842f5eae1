"""A small ledger behind the API's wire format: what it answers is made by the real rules."""

import base64
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from jifen.chain.gateway import open_transaction
from jifen.codec.genesis import chain_id
from jifen.ledger.apply import apply_transaction, is_taken
from jifen.ledger.context import BlockContext
from jifen.ledger.genesis import write_genesis
from jifen.ledger.rejections import Rejection
from jifen.ledger.state import WorkingState
from jifen.testing.memory import Memory
from jifen.testing.small_alliance import CREATED_AT, small_genesis


class SmallLedger:
    """Takes `submitTransactions` requests into one block each; every URL of a client leads here."""

    def __init__(self) -> None:
        self.genesis = small_genesis()
        self.chain_id = chain_id(self.genesis)
        self.state = WorkingState(Memory(), height=-1)
        self.state.begin_block()
        write_genesis(self.state, self.genesis)
        self.state.end_block()
        self.outcomes: dict[str, dict[str, Any]] = {}
        self.requests: list[tuple[str, dict[str, Any]]] = []
        """(URL, decoded body) of everything that was asked."""
        self.intercept: Callable[[str, dict[str, Any]], httpx.Response | None] = lambda _url, _body: None
        """Answers in place of the ledger, or raises, unless it returns None."""

    def transport(self) -> httpx.MockTransport:
        """Return a network in which only this ledger exists."""
        return httpx.MockTransport(self._handle)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        url, body = f"{request.url.scheme}://{request.url.netloc.decode()}", json.loads(request.content)
        self.requests.append((url, body))
        instead = self.intercept(url, body)
        if instead is not None:
            return instead
        variables = body["variables"]
        if "submitTransactions" in body["query"]:
            return answer({"submitTransactions": self.submit(variables["bytes"])})
        if "transaction(" in body["query"]:
            return answer({"transaction": self._transaction(variables["id"])})
        raise AssertionError(f"the small ledger knows no {body['query']}")

    def submit(self, batch: list[str]) -> list[dict[str, Any]]:
        """Take a batch in as the next block."""
        height = self.state.height + 1
        context = BlockContext(self.chain_id, height, CREATED_AT)
        self.state.begin_block()
        answers = []
        for text in batch:
            transaction, _ = open_transaction(self.chain_id, base64.b64decode(text))
            name = transaction.id.hex()
            if is_taken(self.state, transaction):
                answers.append(submission(name, "REFUSED", None, "ALREADY_APPLIED", None))
                continue
            receipt = apply_transaction(self.state, transaction, context)
            rejection = Rejection(receipt.rejection).name if receipt.rejection else None
            outcome = "REJECTED" if rejection else "APPLIED"
            self.outcomes[name] = {"outcome": outcome, "rejection": rejection, "height": height}
            answers.append(submission(name, "COMMITTED", outcome, rejection, height))
        self.state.end_block()
        return answers

    def _transaction(self, name: str) -> dict[str, Any]:
        known = self.outcomes.get(name)
        rest = known or {"outcome": None, "rejection": None, "height": None}
        status = "COMMITTED" if known else "UNKNOWN"
        as_of = {"height": self.state.height, "hash": "00" * 32, "time": "2026-01-31T08:00:00.000Z"}
        more: dict[str, Any] = {"kind": None, "index": 0, "receipt": {"effects": []}, "asOf": as_of}
        return {"id": name, "status": status, **rest, **more}


def answer(data: Any) -> httpx.Response:
    """Return a GraphQL answer."""
    return httpx.Response(200, json={"data": data})


def submission(
    name: str | None, status: str, outcome: str | None, rejection: str | None, height: int | None, error: str = ""
) -> dict[str, Any]:
    """Return a submission as the API words it."""
    code = error or ("REJECTED" if rejection else "")
    return {
        "id": name, "status": status, "outcome": outcome, "rejection": rejection, "height": height,
        "message": "for a test", "userErrors": [{"code": code, "message": "for a test"}] if code else [],
    }  # fmt: skip


@pytest.fixture
def small_ledger() -> SmallLedger:
    """Return a ledger at block 0 with the organizations of the test kit."""
    return SmallLedger()
