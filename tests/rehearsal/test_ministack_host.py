"""MiniStack's internals are used in one module, and are still what that module takes them for.

On an upgrade of MiniStack: change the pin in pyproject.toml and `VERSION`, run this file, read the new source of each
touch point that it names, adapt `ministack_host.py` and `state_machines.py`, then run the rest of tests/rehearsal.
"""

import re
from importlib.metadata import version
from pathlib import Path

import pytest

import novaline.rehearsal
from novaline.rehearsal import ministack_host

ROOM = Path(novaline.rehearsal.__path__[0])


def test_the_installed_version_is_the_one_whose_internals_were_read():
    assert version("ministack") == ministack_host.VERSION


def test_every_touch_point_is_there_with_the_parameters_it_is_used_by():
    assert ministack_host.broken_touch_points() == ()


def test_a_touch_point_that_is_gone_or_changed_is_named(monkeypatch):
    gone = (ministack_host.sts, "no_such_function", ())
    changed = (ministack_host.sts, "register_session", ("session",))
    monkeypatch.setattr(ministack_host, "TOUCH_POINTS", (gone, changed))
    first, second = ministack_host.broken_touch_points()
    assert first == "ministack.services.sts.no_such_function is gone"
    assert "register_session('access_key', 'session') was ('session',)" in second


def test_no_other_module_imports_ministack():
    importing = [
        path.name
        for path in ROOM.rglob("*.py")
        if re.search(r"^\s*(from|import) ministack\b", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert importing == ["ministack_host.py"]


@pytest.mark.parametrize(
    "module",
    [
        *("app", "eventbridge", "iam", "iam_actions", "iam_evaluator", "kms", "lambda_svc", "router", "s3"),
        *("scheduler", "sns", "sts"),
    ],
)
def test_every_internal_that_the_host_uses_is_a_touch_point(module):
    source = (ROOM / "ministack_host.py").read_text(encoding="utf-8")
    used = set(re.findall(rf"(?<![\w.]){module}\.([A-Za-z_]+)", source.partition("def broken_touch_points")[2]))
    declared = {name for owner, name, _ in ministack_host.TOUCH_POINTS if owner is getattr(ministack_host, module)}
    assert used, "the module is not used any more"
    assert used <= declared


def test_every_internal_that_the_interpreter_uses_is_a_touch_point():
    source = (ROOM / "state_machines.py").read_text(encoding="utf-8")
    used = set(re.findall(r"(?:_engine|(?<!_)engine)\.(_[A-Za-z_]+)", source))
    declared = {name for owner, name, _ in ministack_host.TOUCH_POINTS if owner is ministack_host.stepfunctions}
    assert used, "the interpreter's attributes are written otherwise now"
    assert used <= declared
