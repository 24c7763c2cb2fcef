"""How many cases a test of this folder runs: as the profile says, or a share of it where one case
is a whole story. `make test-all` chooses the profile "thorough"."""

from hypothesis import HealthCheck, settings


def stories(share: int, steps: int = 40) -> settings:
    """One story for `share` cases of the profile, at most `steps` steps long."""
    return settings(
        max_examples=max(5, settings().max_examples // share),
        stateful_step_count=steps,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
