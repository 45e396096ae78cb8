"""The exception that a function raised gives its error the name that state machines catch it by."""

import pytest

from novaline.rehearsal.function_errors import name_exception

TRACE = """2026-05-17 a line of its own: with a colon
Traceback (most recent call last):
  File "bootstrap.py", line 9, in <module>
    handler(event)
  File "index.py", line 3, in handler
    raise nova_gate.errors.TooBig("9 is\\ntoo big: really")
nova_gate.errors.TooBig: 9 is
too big: really
"""


def outcome(log, kind="Runtime.HandlerError"):
    return {"error": True, "body": {"errorMessage": "9", "errorType": kind}, "log": log}


def test_the_class_without_its_module_is_the_error_type():
    body = name_exception(outcome(TRACE))["body"]
    assert body["errorType"] == "TooBig"
    assert len(body["stackTrace"]) == 4


def test_of_chained_exceptions_the_last_counts():
    chained = TRACE + "\nDuring handling of the above exception, another exception occurred:\n\n"
    chained += 'Traceback (most recent call last):\n  File "index.py", line 5\n    raise\nKeyError\n'
    assert name_exception(outcome(chained))["body"]["errorType"] == "KeyError"


@pytest.mark.parametrize(
    "untouched",
    [
        {"body": {"errorType": "Runtime.HandlerError"}, "log": TRACE},
        outcome(TRACE, "Sandbox.Timedout"),
        outcome("no traceback here"),
        {"error": True, "body": "text", "log": TRACE},
    ],
)
def test_what_is_no_exception_of_the_handler_stays_as_it_is(untouched):
    assert name_exception(untouched) == untouched
