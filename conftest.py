"""What `tests` and `e2e` share: how many cases hypothesis tries, and what runs in one process."""

import gc

import pytest
from hypothesis import settings

# The machine may be busy: how long an example takes is no property of ours.
settings.register_profile("pushlab", deadline=None, max_examples=50)
# `make test-all`, by pytest's option --hypothesis-profile: some 100,000 cases in tests/fuzz alone.
settings.register_profile("thorough", deadline=None, max_examples=4000)
settings.load_profile("pushlab")


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    has_processes = config.pluginmanager.hasplugin("xdist")
    for item in items:
        if has_processes:
            _keep_module_together(item)
        _spare_other_browsers(item)


def _keep_module_together(item: pytest.Item) -> None:
    """The tests of a module stay in one process: the servers that it starts are started once."""
    if item.get_closest_marker("xdist_group") is None:
        item.add_marker(pytest.mark.xdist_group(item.path.stem))


def _spare_other_browsers(item: pytest.Item) -> None:
    """`mainly("firefox")`: `make test` runs it there only, `make test-all` in both. For what is
    the page's or a server's doing, and costs much."""
    mainly, parameters = item.get_closest_marker("mainly"), getattr(item, "callspec", None)
    if mainly and parameters and not set(mainly.args) & set(parameters.params.values()):
        item.add_marker(pytest.mark.slow)


def pytest_collection_finish() -> None:
    """Code and tests stay to the end: the garbage collector need not walk through them again and
    again, which is a twelfth of what tests without a browser cost."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000)
