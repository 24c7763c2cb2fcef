"""What other projects install: the push service and its harness, and nothing else."""

import email
from configparser import ConfigParser
from email.message import Message
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def archive(wheel: Path) -> ZipFile:
    return ZipFile(wheel)


def read(archive: ZipFile, name: str) -> str:
    (path,) = (each for each in archive.namelist() if each.endswith(f".dist-info/{name}"))
    return archive.read(path).decode()


@pytest.fixture(scope="session")
def metadata(archive: ZipFile) -> Message:
    return email.message_from_string(read(archive, "METADATA"))


#
def test_wheel_holds_the_push_service_alone(archive: ZipFile) -> None:
    top = {name.partition("/")[0] for name in archive.namelist()}
    assert {name for name in top if not name.endswith(".dist-info")} == {"push_service"}


#
def test_wheel_holds_all_of_it(archive: ZipFile) -> None:
    sources = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "push_service").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert sources <= set(archive.namelist())
    assert "push_service/py.typed" in sources


#
def test_wheel_brings_the_command_and_the_plugin(archive: ZipFile) -> None:
    entry_points = ConfigParser()
    entry_points.read_string(read(archive, "entry_points.txt"))
    assert dict(entry_points["console_scripts"]) == {
        "pushlab-push-service": "push_service.cli:main"
    }
    assert dict(entry_points["pytest11"]) == {"pushlab": "push_service.testing.plugin"}


#
def test_browsers_are_an_extra(metadata: Message) -> None:
    requires = metadata.get_all("Requires-Dist", [])
    (playwright,) = (each for each in requires if each.startswith("playwright"))
    assert "extra == 'browsers'" in playwright
    assert not any(each.startswith(("flask", "pywebpush", "pytest")) for each in requires)


#
def test_metadata_is_whole(metadata: Message) -> None:
    assert metadata["Name"] == "pushlab"
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Requires-Python"] == ">=3.11"
    assert "Framework :: Pytest" in metadata.get_all("Classifier", [])
