"""However a data command is ended from outside, it leaves nothing half written behind and shows no traceback."""

import signal
import subprocess
import sys

import pytest

ROWS = "text,label\n" + "".join(f"question {number},answer\n" for number in range(10))
PREPARE = """
import os, signal, sys
from novaline.datasets.prepare import writing

number = int(sys.argv.pop())
# Whoever runs the tests may ignore signals, as `nohup` does.
signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
write = writing.SplitFile.write
def ended(self, lines, *, rows):
    write(self, lines, rows=rows)
    os.kill(os.getpid(), number)
    signal.pause()  # the signal comes at once, or never
writing.SplitFile.write = ended
from novaline.cli.main import main
main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_ended_preparation_leaves_nothing_behind(tmp_path, number):
    (tmp_path / "rows.csv").write_text(ROWS)
    arguments = ["data", "prepare", "rows.csv", "--to", "sft", "--output", "out", str(int(number))]
    command = [sys.executable, "-c", PREPARE, *arguments]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "interrupted\n")
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]


WORKERS = """
import os, signal, sys
from novaline.datasets import validate
from novaline.datasets.engine import files, work
from novaline.datasets.engine.tally import Tally

decode = Tally.from_bytes
def ended(data):
    os.kill(os.getpid(), signal.SIGTERM)
    return decode(data)
Tally.from_bytes = ended
work.PART_BYTES = files.PART_BYTES = 1000
validate._LARGE = 0
signal.signal(signal.SIGTERM, signal.SIG_DFL)
from novaline.cli.main import main
main()
"""


def test_an_ended_validation_ends_its_processes_without_a_word_from_them(tmp_path):
    (tmp_path / "rows.jsonl").write_text("".join(f'{{"text": "text number {number}"}}\n' for number in range(1000)))
    command = [sys.executable, "-c", WORKERS, "data", "validate", "rows.jsonl", "--format", "cpt", "--processes", "2"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "interrupted\n")
