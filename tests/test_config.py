"""Settings: read once, refused with a sentence."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.config import ConfigError, load, read_or_make


def test_settings_defaults_fit_one_laptop(tmp_path: Path) -> None:
    settings = load({}, instance_dir=tmp_path)
    assert settings.public_url == "http://127.0.0.1:8000"
    assert settings.push_service == "vendors"
    assert settings.database_url == f"sqlite:///{tmp_path}/pushlab.db"


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        load({}).port = 1


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"PUSHLAB_PROT": "1"}, "PUSHLAB_PROT is not a setting"),
        ({"PUSHLAB_PORT": "many"}, "PUSHLAB_PORT: "),
        ({"PUSHLAB_LAB": "perhaps"}, "PUSHLAB_LAB: "),
        ({"PUSHLAB_PUBLIC_URL": "push.example/x"}, "PUSHLAB_PUBLIC_URL: must be an origin"),
        ({"PUSHLAB_PUSH_ROUTES": "https://a"}, "PUSHLAB_PUSH_ROUTES: must be PREFIX=URL"),
        ({"PUSHLAB_VAPID_SUBJECT": "me"}, "PUSHLAB_VAPID_SUBJECT: "),
        ({"PUSHLAB_PUSH_SERVICE": "local"}, "needs PUSHLAB_PUSH_SERVICE_URL"),
        ({"PUSHLAB_ROLES": "app"}, "PUSHLAB_BUS_URL=memory:// reaches one process only"),
        ({"PUSHLAB_ROLES": "node"}, "PUSHLAB_PUBLIC_URL: say where the app is"),
    ],
)
def test_settings_refuse_bad_values_by_name(environment: dict[str, str], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        load(environment)


# W-8 (failure no. 7)
@pytest.mark.parametrize(
    "subject",
    [
        "mailto:me@localhost",
        "mailto:me@LOCALHOST.",
        "https://localhost:8000/x",
        "https://a.localhost",
    ],
)
def test_subject_at_localhost_is_for_our_own_push_service(subject: str) -> None:
    given = {"PUSHLAB_VAPID_SUBJECT": subject}
    with pytest.raises(ConfigError, match="PUSHLAB_VAPID_SUBJECT: Apple refuses"):
        load(given)
    ours = {"PUSHLAB_PUSH_SERVICE": "local", "PUSHLAB_PUSH_SERVICE_URL": "http://127.0.0.1:1"}
    assert load(given | ours).vapid_subject == subject


@pytest.mark.parametrize(
    "subject", ["mailto:me@localhost.example", "https://push.example/localhost"]
)
def test_subject_that_only_names_localhost_is_taken(subject: str) -> None:
    assert load({"PUSHLAB_VAPID_SUBJECT": subject}).vapid_subject == subject


def test_settings_never_show_a_secret() -> None:  # W-1
    with pytest.raises(ConfigError) as refused:
        load({"PUSHLAB_SECRET_KEY": "hush-hush", "PUSHLAB_PORT": "hush-hush"})
    assert "hush-hush" not in str(refused.value)
    assert "hush-hush" not in repr(load({"PUSHLAB_SECRET_KEY": "hush-hush"}))


def test_secret_file_is_made_once_and_private(tmp_path: Path) -> None:  # W-1
    path = tmp_path / "instance" / "key"
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: read_or_make(path, lambda: b"%d" % n), range(8)))
    assert len(set(made)) == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["key"]
