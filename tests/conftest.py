"""What every test shares: Hypothesis profiles, and the guard against a run that tested nothing."""

import os

import pytest
from hypothesis import HealthCheck, settings

# No deadline anywhere: a shared two-core builder makes the time of one example meaningless.
settings.register_profile("default", deadline=None, print_blob=True, max_examples=50)
# Derandomized: a submission fails for what it changed, never for a lucky draw; `nightly` does the exploring.
settings.register_profile(
    "ci",
    parent=settings.get_profile("default"),
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("nightly", parent=settings.get_profile("default"), max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "default"))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail a run in which tests were found but none was carried out: skipping everything is no success."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or session.config.option.collectonly or exitstatus != pytest.ExitCode.OK:
        return
    if not any(reporter.stats.get(outcome) for outcome in ("passed", "xfailed")):
        session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED
