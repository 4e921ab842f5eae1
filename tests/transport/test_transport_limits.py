"""The record of limits refuses combinations under which links could not live."""

import pytest

from jifen.transport import TransportLimits


@pytest.mark.parametrize(
    "change",
    [
        {"send_seconds": 15.0},
        {"pong_seconds": 30.0},
        {"keep_alive_seconds": 30.0},
        {"retry_seconds_min": 0.0},
        {"retry_seconds_min": 6.0},
        {"frame_bytes_max": 0},
        {"unauthenticated_connections_max": 0},
    ],
)
def test_limits_that_contradict_each_other_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"hold|below one"):
        TransportLimits(**change)  # type: ignore[arg-type]  # the table mixes integers and seconds


def test_the_default_limits_agree_with_each_other() -> None:
    assert TransportLimits() == TransportLimits()
