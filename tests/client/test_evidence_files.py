"""Evidence through the SDK, in a file, and checked by somebody who asks nobody."""

from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
import trio
from typer.testing import CliRunner

from jifen.actors.node import Node
from jifen.cli.app import app
from jifen.cli.failures import exit_code_of
from jifen.client import Client, SyncClient
from jifen.client.evidence import Evidence, EvidenceInvalid, read_evidence, write_evidence
from jifen.codec.genesis import encode_genesis
from jifen.keys.signing import KeyPair
from jifen.testing.fake_node import MASTER, FakeNode
from jifen.testing.scenes.evidence import convicting
from jifen_graphql.server import serve_public


@pytest.fixture
async def node() -> FakeNode:
    node = FakeNode()
    own = KeyPair.derive(MASTER, "validator/tea")
    node.kept_evidence = [convicting(node.chain_id, "tea", own, height=height) for height in range(1, 61)]
    return node


@pytest.fixture
async def url(node: FakeNode, nursery: trio.Nursery) -> str:
    """URL of the fake node's public API."""

    async def serve(task_status: Any) -> None:
        await serve_public(cast("Node", node), host="127.0.0.1", port=0, task_status=task_status)

    return f"http://127.0.0.1:{await nursery.start(serve)}"


async def run(*arguments: str) -> tuple[int, str]:
    """Run a command beside the server; return its exit code and what it told."""
    result = await trio.to_thread.run_sync(lambda: CliRunner().invoke(app, ["evidence", *arguments]))
    if isinstance(result.exception, Exception):
        return exit_code_of(result.exception), str(result.exception)
    return result.exit_code, result.output


def ask_blocking(url: str) -> tuple[Evidence, ...]:
    """Ask as a program without trio does."""
    with SyncClient([url]) as client:
        return client.evidence()


async def test_all_pages_come_and_every_piece_proves_itself(node: FakeNode, url: str) -> None:
    async with Client([url]) as client:
        found = await client.evidence()
        others = await client.evidence(validator="books")
    same = await trio.to_thread.run_sync(ask_blocking, url)

    assert [item.height for item in found] == list(range(1, 61))
    assert found == same
    assert others == ()
    for item, kept in zip(found, node.kept_evidence, strict=True):
        item.verify(node.chain_id)
        assert item.to_ledger() == kept


async def test_it_is_listed_exported_and_verified_without_the_network(node: FakeNode, url: str, tmp_path: Path) -> None:
    file, genesis = tmp_path / "evidence.json", tmp_path / "genesis.json"
    genesis.write_bytes(encode_genesis(node.genesis))

    listed = await run("list", "--url", url)
    none = await run("list", "--url", url, "--validator", "books")
    exported = await run("export", str(file), "--url", url)
    again = await run("export", str(file), "--url", url)
    verified = await run("verify", str(file), "--genesis", str(genesis))

    assert (listed[0], listed[1].count("proposals of 010101010101 and 020202020202")) == (0, 60)
    assert none == (0, "none: no validator is known to have contradicted itself\n")
    assert exported == (0, f"{file}: 60 pieces of evidence\n")
    assert (again[0], "cannot be made: File exists" in again[1]) == (4, True)
    assert (verified[0], verified[1].count("proved; the key is the validator's in genesis")) == (0, 60)


async def test_a_file_that_proves_nothing_is_told_from_one_that_does(node: FakeNode, url: str, tmp_path: Path) -> None:
    genesis = tmp_path / "genesis.json"
    genesis.write_bytes(encode_genesis(node.genesis))
    async with Client([url]) as client:
        [found, *_] = await client.evidence()
    assert found.proof is not None
    replace = msgspec.structs.replace
    proof, stranger = found.proof, KeyPair.derive(MASTER, "validator/books")
    tampered = {
        "the second statement": replace(
            found, proof=replace(proof, second=replace(proof.second, signature=proof.first.signature))
        ),
        "the first and second statement": replace(found, term=found.term + 1),
        "same block": replace(found, second_hash=found.first_hash, proof=replace(proof, second=proof.first)),
        "other blocks": replace(found, first_hash="03" * 32),
        "malformed": replace(found, kind="OPINION"),
        "are missing": replace(found, proof=None),
        "another key in genesis": replace(found, validator="books"),
        "not signed under the key": replace(found, proof=replace(proof, key=stranger.public.hex())),
        "64 bits": replace(found, height=-1),
    }
    for place, (text, item) in enumerate(tampered.items()):
        file = tmp_path / f"{place}.json"
        write_evidence(file, node.chain_id, (item,))
        code, told = await run("verify", str(file), "--genesis", str(genesis))
        assert code == 4, text
        assert text in told

    file = tmp_path / "elsewhere.json"
    write_evidence(file, bytes(32), (found,))
    assert "it is of the alliance" in (await run("verify", str(file), "--genesis", str(genesis)))[1]
    file = tmp_path / "nonsense.json"
    file.write_text("{}")
    with pytest.raises(EvidenceInvalid, match="no file of evidence"):
        read_evidence(file)
    file.write_text('{"format": "other", "chainId": "", "evidence": []}')
    with pytest.raises(EvidenceInvalid, match="this version reads"):
        read_evidence(file)
