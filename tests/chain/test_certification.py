"""A certificate is held against the voters of its own block's height, however the voters have changed since."""

from jifen.chain.certification import CertificateSets
from jifen.codec.blocks import decode_block
from jifen.keys.verification import false_claims
from jifen.ledger.governance.changes import RemoveValidator
from jifen.testing.changing_chain import ChangingChain


def change_by(chain: ChangingChain) -> None:
    """Take out the cafe, the last of four voters, in two blocks that are executed and not committed."""
    chain.chain.build(chain.votes_on(RemoveValidator("cafe")))
    chain.chain.build(leave_joint=True)


def test_a_certificate_of_an_uncommitted_block_is_checked_under_the_voters_of_its_height() -> None:
    chain = ChangingChain()
    sets = CertificateSets(chain.chain.executor)
    block = chain.chain.build([chain.chain.clerk.register("ann")])
    change_by(chain)
    assert len(chain.chain.validators.ids) == 3
    certificate = chain.chain.certify(block, ("mall", "books", "cafe"))

    kept, claims = sets.checkable_of((certificate,), committed=0)

    assert kept == (certificate,)
    assert claims == chain.genesis.claims_of(certificate)
    assert not false_claims(claims)


def test_a_block_that_was_never_executed_here_is_checked_under_the_set_that_it_names_and_nobody_else_s() -> None:
    chain = ChangingChain()
    sets = CertificateSets(chain.chain.executor)
    other = chain.chain.build([chain.chain.clerk.register("bob")])
    chain.chain.executor.roll_back_to(0)
    certificate = chain.chain.certify(other, ("mall", "books", "cafe"))
    assert sets.checkable_of((certificate,), committed=0) == ((), []), "nothing says who certifies it"
    sets.arrived(other.tip.hash, decode_block(other.payload))
    chain.chain.build([chain.chain.clerk.register("ann")])
    change_by(chain)

    kept, claims = sets.checkable_of((certificate,), committed=0)

    assert kept == (certificate,)
    assert claims == chain.genesis.claims_of(certificate)


def test_a_certificate_of_another_block_than_the_committed_one_comes_with_the_voters_of_that_height() -> None:
    chain = ChangingChain()
    sets = CertificateSets(chain.chain.executor)
    other = chain.chain.build([chain.chain.clerk.register("bob")])
    chain.chain.executor.roll_back_to(0)
    block = chain.commit(chain.chain.clerk.register("ann"))
    chain.remove("cafe")
    assert chain.chain.executor.state.committed == 3
    certificate = chain.chain.certify(other, ("mall", "books", "cafe"))

    [(odd, members)] = sets.odd((certificate, chain.chain.certify(block)), {1: block.tip.hash}.get)

    assert odd == certificate
    assert members.ids == chain.genesis.ids
    members.check_certificate(odd)
