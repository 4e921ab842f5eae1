"""The consensus actor between a real core, a real executor and a real store; the test plays the other validators."""

from pathlib import Path

import pytest

from jifen.consensus.messages import AppendResponse
from jifen.testing.one_validator import OneValidator
from jifen.testing.small_alliance import keys_of
from jifen.testing.small_chain import SmallChain


@pytest.fixture
def chain() -> SmallChain:
    return SmallChain()


def signed_heights(answer: AppendResponse) -> list[int]:
    return [item.height for item in answer.signatures]


async def test_a_follower_signs_every_height_the_leader_lacks_even_those_it_knows_committed(
    tmp_path: Path, chain: SmallChain
) -> None:
    # A leader that dies after telling one follower of a commit leaves the next leader needing that follower's word.
    first, second = chain.build([chain.clerk.register("ann")]), chain.build(())
    node = OneValidator(tmp_path, chain)
    async with node.running():
        await node.hear([first, second])
        await node.hear(certificates=[chain.certify(first), chain.certify(second)], term=1)
        assert node.store.tip.height == 2
        third = chain.build((), term=2, proposer="music")
        await node.hear([third], leader="music", after=(2, 1, second.tip.hash), commit=0)
    answer = node.answers()[-1]
    assert (answer.term, answer.height, answer.commit) == (2, 3, 2)
    assert signed_heights(answer) == [1, 2, 3]
    for item, block in zip(answer.signatures, (first, second, third), strict=True):
        message = chain.validators.acknowledgement(2, item.height, block.tip.hash)
        assert item.signature == keys_of("books").validator.sign(message)
