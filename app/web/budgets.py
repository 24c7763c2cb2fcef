"""How often something may be done: so many times in so long, for each address, user or token. Who
has no more gets 429, and when to come again. Counted in this process's memory."""

import math
from dataclasses import dataclass
from typing import cast

from flask import Flask, current_app, request
from limits import parse_many
from limits.strategies import FixedWindowRateLimiter

from app import clock
from app.config import Settings
from app.errors import RateLimited
from app.web.rate_counters import RateCounters

EXTENSION = "pushlab-budgets"

#: Signing in, and whatever else compares passwords, is what a guesser repeats.
ATTEMPTS = "30 per minute; 300 per hour"
#: Tokens that nobody has, tried from one address.
WRONG_TOKENS = "60 per minute"
#: Events that the browsers of one user may report; a run has some twenty.
REPORTS = "3000 per minute"


class Budget:
    """`allowed` in the words of `limits`, as "30 per minute; 300 per hour": each window counts by
    itself. None: as often as one likes."""

    def __init__(self, allowed: str | None) -> None:
        self._limits = parse_many(allowed) if allowed else []
        self._limiter = FixedWindowRateLimiter(RateCounters())

    def spend(self, whose: str, amount: int = 1) -> None:
        """So much is done now. Raises RateLimited; what is refused does not count."""
        self.require(whose, amount)
        for limit in self._limits:
            self._limiter.hit(limit, whose, cost=amount)

    def require(self, whose: str, amount: int = 1) -> None:
        """Raises RateLimited unless so much is left in each window."""
        spent = [one for one in self._limits if not self._limiter.test(one, whose, cost=amount)]
        if spent:
            ends = max(self._limiter.get_window_stats(one, whose).reset_time for one in spent)
            raise RateLimited(max(1, math.ceil(ends - clock.now())))


@dataclass(frozen=True, slots=True)
class Budgets:
    """Each counts by itself."""

    #: Per address, and by itself for signing in, signing up, looking in and signing out.
    sign_in: Budget
    #: Per user: a stolen session may be anywhere.
    password: Budget
    #: Per token.
    token: Budget
    #: Per address.
    wrong_token: Budget
    #: Per user.
    report: Budget


def register(app: Flask, settings: Settings) -> None:
    """A laboratory has none but that of its journal."""
    lab = settings.lab
    app.extensions[EXTENSION] = Budgets(
        sign_in=Budget(None if lab else ATTEMPTS),
        password=Budget(None if lab else ATTEMPTS),
        token=Budget(None if lab else f"{settings.token_requests} per minute"),
        wrong_token=Budget(None if lab else WRONG_TOKENS),
        report=Budget(REPORTS),
    )


def current_budgets() -> Budgets:
    return cast(Budgets, current_app.extensions[EXTENSION])


def address() -> str:
    """Whence the request comes."""
    return request.remote_addr or ""
