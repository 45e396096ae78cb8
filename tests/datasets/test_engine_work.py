"""Processes that read parts of files beside each other."""

import subprocess
import sys

_AT_ONCE = """
import multiprocessing, signal, time
from novaline.datasets.engine import work
begin = work._begin
def late(*given):
    if multiprocessing.current_process().name.endswith("2"):
        time.sleep(1)  # the other one waits for work by now, and holds the lock that both need
    begin(*given)
work._begin, work.tools_for = late, lambda *_, **__: None
signal.signal(signal.SIGTERM, lambda *_: None)
with work._pool(2, (), None):
    time.sleep(0.5)
print("ended")
"""


def test_processes_that_have_hardly_begun_are_ended_whatever_this_one_does_with_sigterm():
    done = subprocess.run([sys.executable, "-c", _AT_ONCE], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "ended\n", done.stderr
