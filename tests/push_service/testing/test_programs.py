"""Which browser is driven: a pure choice, from what there is."""

from pathlib import Path

import pytest

from push_service.testing.programs import CHROMIUM, FIREFOX, BrowserMissingError, Kind, choose

NOWHERE = Path("/nowhere/chrome")
HERE = Path(__file__)


def which(*programs: str) -> dict[str, str]:
    return {program: f"/usr/bin/{program}" for program in programs}


#
def test_system_browser_comes_first() -> None:
    system = which("chromium", "google-chrome").get
    assert choose(CHROMIUM, {}, system, HERE) == {"executable_path": "/usr/bin/chromium"}


#
def test_firefox_of_the_system_is_driven_by_its_own_protocol() -> None:
    options = choose(FIREFOX, {}, which("firefox").get, NOWHERE)
    assert options == {"executable_path": "/usr/bin/firefox", "channel": "moz-firefox"}


#
def test_without_a_system_browser_playwrights_own_is_taken() -> None:
    assert choose(CHROMIUM, {}, which().get, HERE) == {"channel": "chromium"}
    assert choose(FIREFOX, {}, which().get, HERE) == {}


#
def test_variable_names_another_program() -> None:
    system = which("chromium", "brave").get
    options = choose(CHROMIUM, {"PUSHLAB_CHROMIUM": "brave"}, system, HERE)
    assert options == {"executable_path": "/usr/bin/brave"}


#
def test_variable_can_ask_for_playwrights_own() -> None:
    system = which("chromium").get
    assert choose(CHROMIUM, {"PUSHLAB_CHROMIUM": "playwright"}, system, HERE) == {
        "channel": "chromium"
    }


#
@pytest.mark.parametrize("kind", [CHROMIUM, FIREFOX])
def test_missing_browser_says_what_to_type(kind: Kind) -> None:
    name = kind.title.lower()
    typed = f"apt-get install {kind.package}  or:  playwright install {name}"
    with pytest.raises(BrowserMissingError, match=typed):
        choose(kind, {}, which().get, NOWHERE)


#
def test_wrong_variable_is_not_passed_over() -> None:
    environment = {"PUSHLAB_FIREFOX": "/opt/firefox"}
    with pytest.raises(BrowserMissingError, match="PUSHLAB_FIREFOX is '/opt/firefox'"):
        choose(FIREFOX, environment, which("firefox").get, HERE)
