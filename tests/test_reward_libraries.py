"""Libraries of reward functions of one's own: installed from wheels on this disk, packed, found again, and refused."""

import base64
import hashlib
import importlib
import io
import sys
import zipfile
from pathlib import Path

import pytest

from novaline import reward_libraries
from novaline.environments import load_environments
from novaline.findings import NovalineError
from novaline.own_code import read_pins
from novaline.reward_libraries import (
    DEPLOYED,
    HERE,
    archive_of_this_computer,
    make,
    require_libraries,
)

ENVIRONMENT = """\
name: dev
account: "111111111111"
region: us-east-1
retain: false
termination_protection: false
log_retention_days: 30
noncurrent_days: 30
budget_usd_per_run: 2500
rewards:
  tone: {function: "rewards/tone.py:score", requirements: rewards/requirements.txt}
"""
OWN = """\
import politeness
from novaline.rewards import Rollout

def score(rollout: Rollout) -> float:
    return politeness.of(rollout.answer)
"""
LAMBDAS = "cp314-cp314-manylinux_2_28_aarch64"
ANYBODYS = "py3-none-any"


def write_wheel(folder: Path, name: str, tag: str, text: str, version: str = "1.0") -> str:
    """A wheel with one module; its digest."""
    files = {
        f"{name}.py": text,
        f"{name}-{version}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{name}-{version}.dist-info/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    record = "".join(
        f"{place},sha256={base64.urlsafe_b64encode(hashlib.sha256(body.encode()).digest()).decode().rstrip('=')},{len(body)}\n"
        for place, body in files.items()
    )
    files[f"{name}-{version}.dist-info/RECORD"] = record + f"{name}-{version}.dist-info/RECORD,,\n"
    path = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for place, body in files.items():
            wheel.writestr(place, body)
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def wheels(tmp_path, monkeypatch) -> Path:
    """An index on this disk, and nothing of the network's or of this computer's configuration."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for name, value in {"FIND_LINKS": folder, "NO_INDEX": "1", "OFFLINE": "1", "NO_CONFIG": "1"}.items():
        monkeypatch.setenv(f"UV_{name}", str(value))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    for place, text in {"environments/dev.yaml": ENVIRONMENT, "rewards/tone.py": OWN}.items():
        path = tmp_path / "project" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    monkeypatch.setattr(reward_libraries, "reward_libraries", lambda digest: tmp_path / "kept" / digest)
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def pin(project: Path, *lines: str) -> None:
    (project / "rewards" / "requirements.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def both_processors(wheels: Path) -> str:
    """The pin of a library that has one wheel for Lambda and one for any other computer."""
    digests = [
        write_wheel(wheels, "politeness", LAMBDAS, "WHERE = 'lambda'"),
        write_wheel(wheels, "politeness", ANYBODYS, "WHERE = 'here'\ndef of(answer):\n    return 0.75\n"),
    ]
    return "politeness==1.0 " + " ".join(f"--hash=sha256:{digest}" for digest in digests)


def test_one_archive_is_for_lambda_and_one_for_this_computer(project, wheels, tmp_path):
    pin(project, both_processors(wheels))
    assert make(read_pins(project / "rewards" / "requirements.txt"), tmp_path / "made") is None
    texts = [
        zipfile.ZipFile(tmp_path / "made" / name).read("python/politeness.py").decode() for name in (DEPLOYED, HERE)
    ]
    assert texts[0] == "WHERE = 'lambda'"
    assert texts[1].startswith("WHERE = 'here'")


def test_the_same_pins_make_the_same_archive_byte_by_byte(project, wheels, tmp_path):
    pin(project, both_processors(wheels))
    pins = read_pins(project / "rewards" / "requirements.txt")
    for name in ("first", "second"):
        make(pins, tmp_path / name)
    assert (tmp_path / "first" / DEPLOYED).read_bytes() == (tmp_path / "second" / DEPLOYED).read_bytes()


def test_a_rehearsal_gets_this_computers_libraries_in_place_of_the_deployed_ones(project, wheels, capsys):
    pin(project, both_processors(wheels))
    assert reward_libraries.main() == 0
    assert "Installing the libraries of reward tone of dev" in capsys.readouterr().out
    pins = read_pins(project / "rewards" / "requirements.txt")
    here = archive_of_this_computer(reward_libraries.deployed_archive(pins).read_bytes())
    assert b"here" in zipfile.ZipFile(io.BytesIO(here)).read("python/politeness.py")


def test_another_layer_is_left_out_of_a_rehearsal():
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("python/numpy/__init__.py", "")
    assert archive_of_this_computer(archive.getvalue()) is None
    assert archive_of_this_computer(b"no archive") is None


def test_a_function_runs_with_the_libraries_of_this_computer(project, wheels, tmp_path, monkeypatch):
    pin(project, both_processors(wheels))
    folder = tmp_path / "made"
    make(read_pins(project / "rewards" / "requirements.txt"), folder)
    zipfile.ZipFile(folder / HERE).extractall(tmp_path / "opt")
    monkeypatch.syspath_prepend(str(tmp_path / "opt" / "python"))
    try:
        assert importlib.import_module("politeness").of("please") == 0.75
    finally:
        sys.modules.pop("politeness", None)


def test_what_is_made_is_not_made_again(project, wheels, capsys):
    pin(project, both_processors(wheels))
    assert reward_libraries.main() == 0
    capsys.readouterr()
    assert reward_libraries.main() == 0
    assert capsys.readouterr().out == ""


def test_a_library_without_a_wheel_for_this_computer_can_be_deployed_and_not_rehearsed(project, wheels, capsys):
    pin(project, f"politeness==1.0 --hash=sha256:{write_wheel(wheels, 'politeness', LAMBDAS, '')}")
    assert reward_libraries.main() == 0
    said = capsys.readouterr().err
    assert "warning: the libraries could not be installed for this computer" in said
    assert "reward tone of dev can be deployed, and not be rehearsed here" in said
    require_libraries(load_environments(project / "environments"))
    pins = read_pins(project / "rewards" / "requirements.txt")
    with pytest.raises(NovalineError, match="not installed for this computer"):
        archive_of_this_computer(reward_libraries.deployed_archive(pins).read_bytes())


@pytest.mark.parametrize(
    ("tag", "digest"),
    [("cp314-cp314-manylinux_2_28_x86_64", None), (ANYBODYS, "0" * 64)],
    ids=["another processor's wheel", "another digest"],
)
def test_what_cannot_be_installed_for_lambda_is_an_error_and_leaves_nothing(project, wheels, capsys, tag, digest):
    real = write_wheel(wheels, "politeness", tag, "")
    pin(project, f"politeness==1.0 --hash=sha256:{digest or real}")
    assert reward_libraries.main() == 1
    said = capsys.readouterr().err
    assert "error: the libraries could not be installed for Lambda" in said
    assert "politeness" in said
    assert not [path for path in (project.parent / "kept").rglob("*") if path.is_file()]


def test_a_dependency_that_is_not_pinned_is_an_error(project, wheels, capsys, tmp_path):
    path = wheels / "needy-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("needy.py", "")
        needs = "Metadata-Version: 2.1\nName: needy\nVersion: 1.0\nRequires-Dist: politeness\n"
        wheel.writestr("needy-1.0.dist-info/METADATA", needs)
        wheel.writestr("needy-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("needy-1.0.dist-info/RECORD", "")
    write_wheel(wheels, "politeness", ANYBODYS, "")
    pin(project, f"needy==1.0 --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}")
    assert reward_libraries.main() == 1
    assert "politeness" in capsys.readouterr().err


def test_synthesis_refuses_with_the_command_while_nobody_has_made_them(project, wheels):
    pin(project, both_processors(wheels))
    environments = load_environments(project / "environments")
    with pytest.raises(
        NovalineError, match="the libraries of reward tone of dev are not installed for Lambda"
    ) as caught:
        require_libraries(environments)
    assert "-m novaline.reward_libraries" in caught.value.findings[0].hint


def test_an_import_that_no_requirement_brings_is_refused_with_its_place(project, wheels, capsys):
    digest = write_wheel(wheels, "manners", ANYBODYS, "")
    pin(project, f"manners==1.0 --hash=sha256:{digest}")
    assert reward_libraries.main() == 1
    said = capsys.readouterr().err
    assert (
        f"error: {Path('rewards/tone.py')}:1:1: politeness is neither beside tone.py nor part of Python"
        in said.replace(f"{project}/", "")
    )


def test_without_pins_there_is_nothing_to_make(project, capsys):
    (project / "rewards" / "tone.py").write_text(
        OWN.replace("import politeness\n", "").replace("politeness.of(rollout.answer)", "1.0"), encoding="utf-8"
    )
    path = project / "environments" / "dev.yaml"
    path.write_text(ENVIRONMENT.replace(", requirements: rewards/requirements.txt", ""), encoding="utf-8")
    assert reward_libraries.main() == 0
    assert capsys.readouterr().out == ""


def test_the_project_itself_needs_nothing_that_is_not_made():
    root = Path(__file__).resolve().parents[1]
    require_libraries(load_environments(root / "environments"))
