"""What a change would do to the quorums, before anybody votes on it."""

import pytest

from jifen.ledger.context import BlockContext
from jifen.ledger.genesis import write_genesis
from jifen.ledger.governance.changes import RemoveValidator
from jifen.ledger.governance.previews import Quorum, preview
from jifen.ledger.governance.validators import begin_joint
from jifen.testing.faults.scene import Scene
from jifen.testing.memory import Memory
from jifen.testing.naive.scene import CHAIN_ID, START, scene
from jifen.testing.scenes.governance import agree, end_joint, leave_one_voter

FOUR = ("mall", "books", "attic", "cafe")


@pytest.mark.parametrize(
    ("voters", "size", "tolerated"), [(1, 1, 0), (2, 2, 0), (3, 2, 1), (4, 3, 1), (5, 3, 2), (64, 33, 31)]
)
def test_a_quorum_is_more_than_half(voters: int, size: int, tolerated: int) -> None:
    quorum = Quorum(tuple(map(str, range(voters))))

    assert (quorum.size, quorum.tolerated) == (size, tolerated)


def test_an_admission_grows_the_quorum_and_needs_both_on_the_way() -> None:
    found = preview(Scene().state, ["tea"], [])

    assert found.before == (Quorum(FOUR),)
    assert found.during == (Quorum(FOUR), Quorum((*FOUR, "tea")))
    assert found.after == Quorum((*FOUR, "tea"))
    assert (found.before[0].tolerated, found.after.tolerated) == (1, 2)
    assert found.problems == ()


def test_a_removal_shrinks_it() -> None:
    found = preview(Scene().state, [], ["attic"])

    assert found.after == Quorum(("mall", "books", "cafe"))
    assert found.problems == ()


def test_who_is_admitted_to_replace_a_voter_puts_it_out() -> None:
    found = preview(Scene().state, ["mall-2"], [])

    assert found.after == Quorum(("books", "attic", "cafe", "mall-2"))
    assert found.problems == ()


def test_a_removed_observer_leaves_the_quorums_as_they_are() -> None:
    found = preview(Scene().state, [], ["books-2"])

    assert (found.during, found.after, found.problems) == ((), Quorum(FOUR), ())


def test_nothing_changes_nothing() -> None:
    assert preview(Scene().state, [], [])[1:] == ((), Quorum(FOUR), ())


@pytest.mark.parametrize(
    ("admit", "remove", "problem"),
    [
        (["books"], [], "books is a voter already"),
        (["mall-2"], ["mall-2"], "mall-2 cannot be admitted and removed"),
        (["cafe-2"], [], "cafe-2 has been taken out, for good"),
        (["books-2"], [], "books has a voter, books, which books-2 was not admitted to replace"),
        ([], ["nobody"], "no validator has the id nobody"),
        ([], ["cafe-2"], "cafe-2 has been taken out, for good"),
        ([], [*FOUR], "nobody would be left to decide anything"),
        ([f"new-{number}" for number in range(59)], [], "an alliance has at most 64 validators"),
    ],
)
def test_what_cannot_be_done_is_said(admit: list[str], remove: list[str], problem: str) -> None:
    assert preview(Scene().state, admit, remove).problems == (problem,)


def test_the_most_that_fit_are_no_problem() -> None:
    assert preview(Scene().state, [f"new-{number}" for number in range(58)], []).problems == ()


def test_whose_voter_goes_may_send_its_observer() -> None:
    found = preview(Scene().state, ["books-2"], ["books"])

    assert (found.after, found.problems) == (Quorum(("mall", "attic", "cafe", "books-2")), ())


def test_during_a_change_another_one_has_to_wait() -> None:
    state = Memory()
    write_genesis(state, scene())
    begin_joint(state, FOUR[:3], BlockContext(CHAIN_ID, 1, START))

    found = preview(state, [], ["books"])

    assert found.before == (Quorum(FOUR), Quorum(FOUR[:3]))
    assert found.problems == ("another change of the voters is not over yet",)
    assert preview(state, [], []).problems == ()
    assert preview(state, ["cafe"], []).problems[0] == "cafe has been taken out, for good"


def test_a_preview_agrees_with_what_then_happens() -> None:
    world = Scene()
    expected = preview(world.state, [], ["attic"]).after

    agree(world, RemoveValidator("attic"))
    world.height += 1
    end_joint(world)

    assert preview(world.state, [], []).before == (expected,)
    world.height += 1
    leave_one_voter(world)
    assert preview(world.state, [], ["books"]).problems == ("nobody would be left to decide anything",)
