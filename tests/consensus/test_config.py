"""Settings: senseless limits are refused by name."""

from typing import Any

import pytest

from jifen.consensus.types import RaftConfig
from jifen.testing.consensus_host import make_config


@pytest.mark.parametrize(
    ("limits", "named"),
    [
        ({"heartbeat_ticks": 0}, "heartbeat_ticks"),
        ({"heartbeat_ticks": 10}, "heartbeat_ticks"),
        ({"election_ticks_max": 10}, "election_ticks_max"),
        ({"certificates_per_message_max": 0}, "certificates_per_message_max"),
        ({"certificates_per_message_max": 5000}, "certificates_per_message_max"),
        ({"uncommitted_heights_max": 0}, "uncommitted_heights_max"),
        ({"uncommitted_heights_max": 8000}, "uncommitted_heights_max"),
        ({"append_bytes_max": 0}, "limits"),
        ({"inflight_messages_max": 0}, "limits"),
        ({"inflight_bytes_max": -1}, "limits"),
        ({"uncommitted_bytes_max": 0}, "limits"),
        ({"cache_bytes_max": 0}, "limits"),
        ({"certificates_cached_max": 0}, "limits"),
    ],
)
def test_a_senseless_limit_is_refused_by_name(limits: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        make_config(**limits)


def test_sensible_limits_are_accepted() -> None:
    config: RaftConfig = make_config("mall")
    assert config.uncommitted_heights_max > config.certificates_per_message_max
