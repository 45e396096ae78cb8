"""Names a Python function's exception as Lambda does, from the traceback that MiniStack keeps in the log."""

import re
from typing import Any

_TRACEBACK = "Traceback (most recent call last):\n"
_RAISED = re.compile(r"^(?P<name>[A-Za-z_][\w.<>]*)(?::|$)")


def name_exception(outcome: dict[str, Any]) -> dict[str, Any]:
    """The outcome of an invocation with `errorType` and `stackTrace` of the exception that the handler raised.

    MiniStack calls every exception `Runtime.HandlerError`; state machines retry and catch by the class.
    """
    body = outcome.get("body")
    if not outcome.get("error") or not isinstance(body, dict) or body.get("errorType") != "Runtime.HandlerError":
        return outcome
    trace = str(outcome.get("log", "")).rpartition(_TRACEBACK)[2].splitlines()
    frames = [line for line in trace if line.startswith("  ")]
    raised = [found for line in trace if (found := _RAISED.match(line))]
    if not frames or not raised:
        return outcome
    name = raised[0]["name"].rpartition(".")[2]
    return {**outcome, "body": {**body, "errorType": name, "stackTrace": frames}}
