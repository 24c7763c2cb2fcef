"""What `tests` and `e2e` share: how many cases hypothesis tries."""

from hypothesis import settings

# The machine may be busy: how long an example takes is no property of ours.
settings.register_profile("pushlab", deadline=None, max_examples=50)
# `make test-all`, by pytest's option --hypothesis-profile: some 100,000 cases in tests/fuzz alone.
settings.register_profile("thorough", deadline=None, max_examples=4000)
settings.load_profile("pushlab")
