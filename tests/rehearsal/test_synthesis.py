import os
import sys
from pathlib import Path

import pytest

from novaline.findings import NovalineError
from novaline.rehearsal.synthesis import Synthesis, sources_digest

ROOT = Path(__file__).resolve().parents[2]
APP = """
import json, os, pathlib
out = pathlib.Path(os.environ["CDK_OUTDIR"])
assert json.loads(os.environ["CDK_CONTEXT_JSON"])["flag"] is True
assert not [name for name in ("AWS_PROFILE", "AWS_REGION", "AWS_ENDPOINT_URL") if name in os.environ]
nested = out / "assembly-dev"
nested.mkdir()
stack = {"type": "aws:cloudformation:stack", "properties": {"stackName": "dev-Foundation", "templateFile": "f.json"}}
(nested / "manifest.json").write_text(json.dumps({"artifacts": {"devFoundation": stack, "x": {"type": "cdk:tree"}}}))
(out / "manifest.json").write_text("{}")
"""


@pytest.fixture
def checkout(tmp_path) -> Path:
    root = tmp_path / "checkout"
    (root / "stacks").mkdir(parents=True)
    (root / "stacks" / "foundation.py").write_text("# a stack", encoding="utf-8")
    (root / "app.py").write_text(APP, encoding="utf-8")
    (root / "cdk.json").write_text('{"app": "python app.py", "context": {"flag": true}}', encoding="utf-8")
    return root


def synthesize(synthesis: Synthesis, tmp_path: Path) -> int:
    own = {**os.environ, "AWS_PROFILE": "production"}
    child = synthesis.start(home=tmp_path, log=tmp_path / "synth.log", node=Path(sys.executable), own=own)
    return child.wait(seconds=20)


def test_an_assembly_is_made_once_and_found_again_while_its_sources_stay(checkout, tmp_path):
    first = Synthesis(checkout, cache=tmp_path / "cache")
    assert not first.ready
    assert synthesize(first, tmp_path) == 0, (tmp_path / "synth.log").read_text(encoding="utf-8")
    first.keep()
    assert Synthesis(checkout, cache=tmp_path / "cache").ready
    assert first.stacks("dev") == {"dev-Foundation": first.folder / "assembly-dev" / "f.json"}


@pytest.mark.parametrize("name", ["app.py", "cdk.json", "stacks/foundation.py", "environments/new.yaml"])
def test_a_change_of_any_source_makes_another_assembly(checkout, name):
    before = sources_digest(checkout)
    (checkout / name).parent.mkdir(exist_ok=True)
    with (checkout / name).open("a", encoding="utf-8") as source:
        source.write(" ")
    assert sources_digest(checkout) != before


def test_a_change_of_a_function_of_ones_own_makes_another_assembly_wherever_it_lies(checkout):
    own, pins = checkout / "mine" / "tone.py", checkout / "mine" / "requirements.txt"
    declared = "{function: 'mine/tone.py:score', requirements: mine/requirements.txt}"
    dev = (ROOT / "environments" / "dev.yaml").read_text(encoding="utf-8")
    seen = set()
    for body, version in (("1.0", "1"), ("2.0", "1"), ("2.0", "2")):
        for path, text in (
            (own, f"from novaline.rewards import Rollout\ndef score(rollout: Rollout) -> float:\n    return {body}\n"),
            (pins, f"words=={version} --hash=sha256:{'a' * 64}\n"),
            (checkout / "environments" / "dev.yaml", dev.replace("rewards:\n", f"rewards:\n  tone: {declared}\n")),
        ):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        seen.add(sources_digest(checkout))
    assert len(seen) == 3


def test_byte_code_and_other_folders_change_nothing(checkout):
    before = sources_digest(checkout)
    (checkout / "stacks" / "__pycache__").mkdir()
    (checkout / "stacks" / "__pycache__" / "foundation.pyc").write_bytes(b"x")
    (checkout / "README.md").write_text("x", encoding="utf-8")
    assert sources_digest(checkout) == before


def test_a_synthesis_that_was_given_up_leaves_nothing(checkout, tmp_path):
    synthesis = Synthesis(checkout, cache=tmp_path / "cache")
    synthesize(synthesis, tmp_path)
    synthesis.discard()
    assert list((tmp_path / "cache").iterdir()) == []
    assert not synthesis.ready


def test_an_app_that_writes_no_assembly_is_told(checkout, tmp_path):
    (checkout / "app.py").write_text("", encoding="utf-8")
    synthesis = Synthesis(checkout, cache=tmp_path / "cache")
    assert synthesize(synthesis, tmp_path) == 0
    with pytest.raises(NovalineError, match="wrote no cloud assembly"):
        synthesis.keep()


def test_only_the_newest_assemblies_are_kept(checkout, tmp_path):
    for number in range(5):
        (checkout / "uv.lock").write_text(str(number), encoding="utf-8")
        synthesis = Synthesis(checkout, cache=tmp_path / "cache")
        synthesize(synthesis, tmp_path)
        synthesis.keep()
    assert synthesis.ready
    assert len(list((tmp_path / "cache").glob("assembly-*"))) == 3


def test_an_environment_that_the_app_lacks_is_answered_with_those_it_has(checkout, tmp_path):
    synthesis = Synthesis(checkout, cache=tmp_path / "cache")
    synthesize(synthesis, tmp_path)
    synthesis.keep()
    with pytest.raises(NovalineError, match="no environment qa; it has dev"):
        synthesis.stacks("qa")


def test_a_broken_cdk_json_is_named(checkout, tmp_path):
    (checkout / "cdk.json").write_text("{", encoding="utf-8")
    with pytest.raises(NovalineError, match=r"cannot read .*cdk\.json"):
        synthesize(Synthesis(checkout, cache=tmp_path / "cache"), tmp_path)
