"""The whole rehearsal through the command, once; and what is left when it is interrupted or refused."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("session")  # one rehearsal for the whole file

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "support-intents" / "customization.yaml"
COMMAND = [sys.executable, "-c", "from novaline.cli.main import main; main()", "rehearse"]

# What a person's shell may hold. A rehearsal that used any of it would fail, or worse.
SHELL = {
    "AWS_PROFILE": "production",
    "AWS_ACCESS_KEY_ID": "AKIA0000000000000000",
    "AWS_SECRET_ACCESS_KEY": "x" * 40,
    "AWS_SESSION_TOKEN": "x" * 40,
    "AWS_ENDPOINT_URL_S3": "https://192.0.2.1",
    "AWS_CA_BUNDLE": "/nowhere/bundle.pem",
    "HTTPS_PROXY": "http://192.0.2.1:3128",
    "HTTP_PROXY": "http://192.0.2.1:3128",
    "CDK_DEFAULT_ACCOUNT": "999999999999",
}


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str
    temporary: Path
    output: Path


@contextmanager
def rehearsing(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen, Path]]:
    temporary = folder / "tmp"
    temporary.mkdir()
    environment = {**os.environ, **SHELL, "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            yield process, temporary
        finally:
            process.kill()


def rehearse(folder: Path, *arguments: str) -> Done:
    with rehearsing(folder, *arguments, "--output", str(folder / "out")) as (process, temporary):
        out, err = process.communicate(timeout=240)
    return Done(process.returncode, out, err, temporary, folder / "out")


def processes_of(temporary: Path) -> list[str]:
    """The processes, our own apart, whose environment or command names the temporary folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            known = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
        except OSError:
            continue
        if str(temporary).encode() in known and int(process.name) != os.getpid():
            found.append(known[-200:].decode(errors="replace"))
    return found


def nothing_is_left(folder: Path, temporary: Path) -> None:
    deadline = time.monotonic() + 5
    while (left := processes_of(temporary)) and time.monotonic() < deadline:
        time.sleep(0.05)  # the kernel needs a moment to reap what was killed
    assert left == []
    assert [path.name for path in temporary.iterdir()] == []
    assert {path.name for path in folder.iterdir()} <= {"tmp", "out"}


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory) -> Done:
    done = rehearse(tmp_path_factory.mktemp("rehearsal"), str(EXAMPLE), "--json")
    assert done.code == 0, done.out[-3000:] + done.err[-3000:]
    return done


@pytest.fixture(scope="module")
def document(rehearsal) -> dict:
    return json.loads(rehearsal.out)


def test_a_rehearsal_prints_one_document_and_says_that_the_learner_is_a_stand_in(rehearsal, document):
    assert "stand-in" in document["note"]
    assert "stand-in" in rehearsal.err
    assert document["status"] == "deployed"
    assert document["findings"] == []


def test_the_candidate_beats_the_base_because_it_learned(document):
    gate = document["gate"]
    assert gate["candidate"]["exact_match"] > gate["base"]["exact_match"] + 0.2
    assert gate["difference"]["low"] > 0.02


def test_the_deployed_model_answers_a_question_that_it_was_not_trained_on(document):
    answer = document["answer"]
    trained = (EXAMPLE.parent / "train.jsonl").read_text(encoding="utf-8")
    assert answer["query"] not in trained
    assert answer["answer"]
    assert document["deployment"]["arn"].startswith("arn:aws:bedrock:us-east-1:111111111111:custom-model-deployment/")


def test_every_step_is_timed_and_well(document):
    steps = [step["step"] for step in document["timings"]]
    assert {"Start the embedded AWS", "Bootstrap the account", "Deploy the stacks", "Train sft", "Gate"} <= set(steps)
    assert steps[-1] == "See what remains"
    assert {step["outcome"] for step in document["timings"]} == {"done"}


def test_the_runs_folder_is_complete_and_holds_the_logs(rehearsal, document):
    assert document["folder"] == str(rehearsal.output)
    names = {path.relative_to(rehearsal.output).as_posix() for path in rehearsal.output.rglob("*")}
    assert {"claim.json", "customization.yaml", "gate.json", "samples.jsonl", "summary.json"} <= names
    assert "stand-in: step" in (rehearsal.output / "logs" / "jobs" / "sft.log").read_text(encoding="utf-8")
    assert {"recipes/sft/recipe.yaml", "logs/cdk-deploy.log", "logs/cdk-destroy.log", "logs/embedded-aws.log"} <= names
    assert any(name.endswith("inference_output.jsonl") for name in names)
    summary = json.loads((rehearsal.output / "summary.json").read_text(encoding="utf-8"))
    assert summary["run"] == document["run"]


def test_after_the_teardown_nothing_is_left_behind_in_the_account(document):
    assert document["left_behind"] == 0
    assert {item["why"] for item in document["leftovers"]} == {"CDK bootstrap", "belongs to AWS"}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_after_a_rehearsal_no_process_and_no_temporary_file_is_left(rehearsal):
    nothing_is_left(rehearsal.output.parent, rehearsal.temporary)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    ("moment", "number"),
    [
        ("· Start the embedded AWS", signal.SIGINT),
        ("· Deploy the stacks", signal.SIGTERM),
        ("· Train", signal.SIGINT),
    ],
)
def test_an_interrupt_leaves_no_process_no_file_and_one_line(tmp_path, moment, number):
    target = tmp_path / "out"
    with rehearsing(tmp_path, str(EXAMPLE), "--json", "--output", str(target)) as (process, temporary):
        lines = []
        for line in process.stderr:
            lines.append(line)
            if line.startswith(moment):
                break
        assert lines[-1].startswith(moment), "".join(lines)
        time.sleep(0.3)
        assert processes_of(temporary)
        process.send_signal(number)
        out, err = process.communicate(timeout=15)
    assert process.returncode == 130
    assert [finding["code"] for finding in json.loads(out)["findings"]] == ["interrupted"]
    assert err.splitlines()[-1].startswith("interrupted: ")
    assert "Traceback" not in err
    assert not target.exists()
    nothing_is_left(tmp_path, temporary)


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def test_a_busy_port_is_one_message(tmp_path, busy_port):
    done = rehearse(tmp_path, str(EXAMPLE), "--port", str(busy_port))
    assert done.code == 1
    assert f"port {busy_port}" in done.err
    assert "Traceback" not in done.err


def test_mistakes_are_told_before_anything_starts(tmp_path):
    broken = tmp_path / "broken.yaml"
    broken.write_text(EXAMPLE.read_text(encoding="utf-8").replace("technique: sft", "technik: sft"), encoding="utf-8")
    cases = {
        "missing": ((str(tmp_path / "none.yaml"),), 2, "none.yaml"),
        "broken": ((str(broken),), 1, "technik"),
        "environment": ((str(EXAMPLE), "--env", "de"), 2, "did you mean dev?"),
        "option": ((str(EXAMPLE), "--port", "99999"), 2, "--port"),
    }
    for name, (arguments, code, words) in cases.items():
        (tmp_path / name).mkdir()
        done = rehearse(tmp_path / name, *arguments)
        assert done.code == code, done.err
        assert words in done.err
        assert "Start the embedded AWS" not in done.out + done.err
        assert "Traceback" not in done.err
        nothing_is_left(tmp_path / name, done.temporary)


def test_a_folder_that_is_taken_is_refused_before_anything_starts(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine", encoding="utf-8")
    done = rehearse(tmp_path, str(EXAMPLE))
    assert done.code == 2
    assert "is not empty" in done.err
