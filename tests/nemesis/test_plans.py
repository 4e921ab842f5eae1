"""Plans: a function of seed and length, and text that can be read back."""

import pytest

from jifen.testing.nemesis.__main__ import main
from jifen.testing.nemesis.run import gaps_of
from jifen.testing.nemesis.schedule import KINDS, TRACKS, PlanUnreadable, drawn, from_text, to_text
from jifen.testing.nemesis.summary import distribution

SEEDS = range(40)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_plan_is_a_function_of_seed_and_length_and_its_text_says_all_of_it(seed: int) -> None:
    plan = drawn(seed, 180)

    assert plan == drawn(seed, 180)
    assert plan != drawn(seed + 1, 180)
    assert from_text(to_text(plan)) == plan


@pytest.mark.parametrize("seed", SEEDS)
def test_three_minutes_hold_every_kind_of_fault(seed: int) -> None:
    assert {fault.kind for fault in drawn(seed, 180).faults} == set(KINDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_faults_of_one_track_follow_one_another_and_end_in_time(seed: int) -> None:
    plan = drawn(seed, 120)
    for track in TRACKS:
        faults = [fault for fault in plan.faults if KINDS[fault.kind].track == track]
        ends = [fault.at + fault.seconds for fault in faults]
        assert all(end < later.at for end, later in zip(ends, faults[1:], strict=False))
        assert ends[-1] < 120


def test_only_the_kinds_that_are_asked_for_are_drawn_and_haste_makes_them_short() -> None:
    plan = drawn(1, 60, ["kill", "slow"], haste=4)

    assert {fault.kind for fault in plan.faults} == {"kill", "slow"}
    assert max(fault.seconds for fault in plan.faults) <= 2


@pytest.mark.parametrize(
    "text", ["", "# seed x, 60 s", "# seed 1, 60 s\n1 +2 levitate mall", "# seed 1, 60 s\n1 2 kill mall", "kill mall"]
)
def test_text_that_is_no_plan_is_refused_with_what_one_looks_like(text: str) -> None:
    with pytest.raises(PlanUnreadable, match="a plan begins with"):
        from_text(text)


def test_a_plan_is_shown_before_anything_is_broken(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seed", "7", "--minutes", "1", "--show"]) == 0
    assert from_text(capsys.readouterr().out) == drawn(7, 60)


def test_times_without_a_commit_are_counted_from_the_first_moment_to_the_last() -> None:
    assert gaps_of([1.0, 12.0, 12.5, 15.0, 15.2], 10.0, 20.0) == [2.0, 2.5, pytest.approx(4.8)]


def test_a_distribution_names_least_middle_ninth_and_most() -> None:
    assert distribution([3.0, 1.0, 2.0]) == "min 1.00, median 2.00, p90 2.80, max 3.00 s"
    assert distribution([1.5]) == "1.50 s"
