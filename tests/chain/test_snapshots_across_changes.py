"""A snapshot proves every change of the voters since genesis, and no forged one passes."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from jifen.chain.checkpoints import (
    ConfigurationChange,
    Manifest,
    SnapshotInvalid,
    decode_manifest,
    encode_manifest,
    verify_manifest,
)
from jifen.chain.executor import ExecutedBlock
from jifen.chain.validators import Validators
from jifen.codec.blocks import block_hash
from jifen.consensus.configuration import Configuration
from jifen.consensus.messages import Certificate
from jifen.testing.changing_chain import ChangingChain
from jifen.testing.small_alliance import keys_of


def changed(count: int) -> ChangingChain:
    """Return a chain with that many changes: cafe goes, tea-house replaces the books' validator, music goes."""
    chain = ChangingChain()
    chain.even()
    steps: list[Callable[[], None]] = [
        lambda: chain.remove("cafe"),
        lambda: chain.admit("books-2", "books", replaces="books"),
        lambda: chain.remove("music"),
    ]
    for step in steps[:count]:
        step()
        chain.even()
    return chain


@pytest.fixture(scope="module")
def chain() -> ChangingChain:
    """Return a chain after three changes; its voters are the mall and books-2."""
    made = changed(3)
    assert sorted(made.chain.validators.ids) == ["books-2", "mall"]
    return made


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_a_snapshot_after_any_number_of_changes_proves_itself_from_genesis(count: int) -> None:
    made = changed(count)
    manifest = decode_manifest(encode_manifest(made.manifest(made.even())))
    assert len(manifest.configurations) == count
    verify_manifest(made.genesis, manifest)


def test_every_checkpoint_of_a_chain_is_proved_with_the_changes_known_today(chain: ChangingChain) -> None:
    for block in [block for block in chain.blocks if block.tip.height % 2 == 0]:
        verify_manifest(chain.genesis, chain.manifest(block))


def test_a_checkpoint_under_a_joint_configuration_needs_both_its_quorums() -> None:
    made = changed(0)
    made.remove("cafe", leave=False)
    block = made.even()
    assert block.validators.configuration.joint
    verify_manifest(made.genesis, made.manifest(block))
    # Two of the three new voters do not make three of the four outgoing ones.
    few = made.chain.certify(block, ("mall", "books"))
    with pytest.raises(SnapshotInvalid, match="2 signers; a quorum is 3 of 4 and 2 of 3"):
        verify_manifest(made.genesis, msgspec.structs.replace(made.manifest(block), certificate=few))
    with pytest.raises(SnapshotInvalid, match="attested by 1 validators; a quorum is 3 of 4 and 2 of 3"):
        verify_manifest(made.genesis, made.manifest(block, ("mall",)))


def test_attestations_may_come_from_the_voters_after_a_later_change() -> None:
    made = changed(1)
    block = made.even()
    made.admit("books-2", "books", replaces="books")
    verify_manifest(made.genesis, made.manifest(block, ("mall", "books-2", "music")))


def replaced(manifest: Manifest, place: int, change: ConfigurationChange) -> Manifest:
    changes = list(manifest.configurations)
    changes[place] = change
    return msgspec.structs.replace(manifest, configurations=tuple(changes))


def certified_by(joint: Validators, change: ConfigurationChange, names: Sequence[str]) -> ConfigurationChange:
    """Return a change with the genuine signatures of these names alone."""
    header = change.header
    places = sorted(joint.ids.index(name) for name in names)
    message = joint.acknowledgement(header.term, header.height, block_hash(header))
    certificate = Certificate(
        height=header.height,
        term=header.term,
        hash=block_hash(header),
        signers=sum(1 << place for place in places),
        signatures=tuple(keys_of(joint.ids[place]).validator.sign(message) for place in places),
    )
    return msgspec.structs.replace(change, certificate=certificate)


def usurped(chain: ChangingChain, manifest: Manifest) -> Manifest:
    """Return a last change that hands the alliance to strangers, signed by all of them and one old voter."""
    old = manifest.configurations[2]
    strangers = tuple((name, keys_of(name).validator.public) for name in ("eve-1", "eve-2"))
    made = msgspec.structs.replace(old, voters=strangers)
    joint = made.validators(chain.genesis.chain_id)
    header = msgspec.structs.replace(old.header, validator_set_hash=joint.hash)
    made = msgspec.structs.replace(made, header=header)
    return replaced(manifest, 2, certified_by(joint, made, ("mall", "eve-1", "eve-2")))


def few_old(chain: ChangingChain, manifest: Manifest) -> Manifest:
    change = manifest.configurations[0]
    joint = change.validators(chain.genesis.chain_id)
    return replaced(manifest, 0, certified_by(joint, change, ("mall", "books")))


def few_new(chain: ChangingChain, manifest: Manifest) -> Manifest:
    change = manifest.configurations[1]
    joint = change.validators(chain.genesis.chain_id)
    return replaced(manifest, 1, certified_by(joint, change, ("mall", "books")))


def stolen_certificate(_: ChangingChain, manifest: Manifest) -> Manifest:
    one, other = manifest.configurations[:2]
    return replaced(manifest, 0, msgspec.structs.replace(one, certificate=other.certificate))


def forged_certificate(_: ChangingChain, manifest: Manifest) -> Manifest:
    change = manifest.configurations[0]
    signatures = (bytes(64), *change.certificate.signatures[1:])
    certificate = msgspec.structs.replace(change.certificate, signatures=signatures)
    return replaced(manifest, 0, msgspec.structs.replace(change, certificate=certificate))


def without(*places: int) -> Callable[[ChangingChain, Manifest], Manifest]:
    def make(_: ChangingChain, manifest: Manifest) -> Manifest:
        kept = tuple(item for place, item in enumerate(manifest.configurations) if place not in places)
        return msgspec.structs.replace(manifest, configurations=kept)

    return make


def in_order(*places: int) -> Callable[[ChangingChain, Manifest], Manifest]:
    def make(_: ChangingChain, manifest: Manifest) -> Manifest:
        return msgspec.structs.replace(
            manifest, configurations=tuple(manifest.configurations[place] for place in places)
        )

    return make


def with_change(place: int, **fields: Any) -> Callable[[ChangingChain, Manifest], Manifest]:
    def make(_: ChangingChain, manifest: Manifest) -> Manifest:
        return replaced(manifest, place, msgspec.structs.replace(manifest.configurations[place], **fields))

    return make


def another_preimage(_: ChangingChain, manifest: Manifest) -> Manifest:
    one, other = manifest.configurations[:2]
    return replaced(manifest, 0, msgspec.structs.replace(one, voters=other.voters))


def other_keys(_: ChangingChain, manifest: Manifest) -> Manifest:
    change = manifest.configurations[2]
    voters = tuple((name, keys_of("eve").validator.public) for name, _ in change.voters)
    return replaced(manifest, 2, msgspec.structs.replace(change, voters=voters))


def voters_twice(_: ChangingChain, manifest: Manifest) -> Manifest:
    change = manifest.configurations[0]
    return replaced(manifest, 0, msgspec.structs.replace(change, voters=change.voters[:1] * 2))


def attested(*names: str) -> Callable[[ChangingChain, Manifest], Manifest]:
    def make(chain: ChangingChain, manifest: Manifest) -> Manifest:
        attestations = tuple(chain.attestation(manifest, name) for name in names)
        return msgspec.structs.replace(manifest, attestations=attestations)

    return make


WRONG: dict[str, tuple[Callable[[ChangingChain, Manifest], Manifest], str]] = {
    "too few of the old voters": (few_old, "2 signers; a quorum is 3 of 4 and 2 of 3"),
    "too few of the new voters": (few_new, "2 signers; a quorum is 2 of 3 and 2 of 3"),
    "handed over by one": (usurped, "3 signers; a quorum is 2 of 3 and 2 of 2"),
    "the certificate of another change": (stolen_certificate, "not that of its block"),
    "a forged certificate": (forged_certificate, "is not genuine"),
    "the first change missing": (without(0), "does not follow from the one before it"),
    "the second change missing": (without(1), "does not follow from the one before it"),
    "the last change missing": (without(2), "another validator set than .* proofs of 2 changes of the voters"),
    "no changes": (without(0, 1, 2), "another validator set than .* proofs of 0 changes of the voters"),
    "out of order": (in_order(1, 0, 2), "does not follow from the one before it"),
    "one twice": (in_order(0, 0, 1, 2), "does not follow from the one before it"),
    "another set's preimage": (another_preimage, "does not follow from the one before it"),
    "other keys": (other_keys, "does not follow from the one before it"),
    "a voter twice": (voters_twice, "cannot be"),
    "one retired voter": (attested("mall", "books-2", "cafe"), "cafe attests snapshot .* is no voter"),
    "retired voters only": (attested("books", "music", "cafe"), "is no voter"),
    "a quorum of genesis": (attested("mall", "music", "books"), "is no voter|attested by"),
    "one of two": (attested("mall"), "attested by 1 validators"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_forged_history_of_the_voters_is_refused_with_the_reason(chain: ChangingChain, name: str) -> None:
    last = next(block for block in reversed(chain.blocks) if block.tip.height % 2 == 0)
    make, reason = WRONG[name]
    with pytest.raises(SnapshotInvalid, match=reason):
        verify_manifest(chain.genesis, make(chain, chain.manifest(last)))


def at_height(chain: ChangingChain, place: int) -> ExecutedBlock:
    """Return the even block that follows the change at `place` and is certified by the new voters alone."""
    since = chain.changes[place].header.height
    return next(
        block
        for block in chain.blocks
        if block.tip.height > since and block.tip.height % 2 == 0 and not block.validators.configuration.joint
    )


def test_voters_of_a_configuration_that_was_over_do_not_attest(chain: ChangingChain) -> None:
    block = at_height(chain, 1)  # cafe went in the change before
    with pytest.raises(SnapshotInvalid, match=r"cafe attests snapshot .* is no voter"):
        verify_manifest(chain.genesis, chain.manifest(block, ("mall", "music", "cafe")))


def test_a_block_certified_by_voters_of_another_configuration_is_refused(chain: ChangingChain) -> None:
    block = at_height(chain, 2)
    manifest = chain.manifest(block)
    old = Validators(
        chain.genesis.chain_id,
        Configuration(chain.genesis.ids),
        dict(zip(chain.genesis.ids, chain.genesis.keys, strict=True)),
    )
    message = old.acknowledgement(1, block.tip.height, block.tip.hash)
    signatures = tuple(keys_of(name).validator.sign(message) for name in old.ids[:3])
    certificate = msgspec.structs.replace(manifest.certificate, signers=0b111, signatures=signatures)
    with pytest.raises(SnapshotInvalid, match="names signers that do not exist"):
        verify_manifest(chain.genesis, msgspec.structs.replace(manifest, certificate=certificate))
    header = msgspec.structs.replace(block.tip.header, validator_set_hash=old.hash)
    with pytest.raises(SnapshotInvalid, match="names another validator set"):
        verify_manifest(chain.genesis, msgspec.structs.replace(manifest, header=header))
