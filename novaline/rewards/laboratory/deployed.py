"""A deployed reward function, called as a trainer calls it: by boto3, synchronously, with the shell's credentials."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from novaline.findings import NovalineError
from novaline.rewards.laboratory.subject import Reply
from novaline.runs.problems import error_code, explained

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedSubject:
    """The function of that name or ARN. A call that AWS refuses ends the examination; one that fails is a finding."""

    client: LambdaClient
    function: str
    name: str
    calls_model: bool = False

    @property
    def where(self) -> str:
        """The function's name."""
        return f"the function {self.function}"

    def score(self, event: Sequence[object]) -> Reply:
        """Calls the function once. Raises NovalineError when AWS refuses the call."""
        payload = json.dumps(list(event), ensure_ascii=False).encode("utf-8", "surrogatepass")
        began = time.perf_counter()
        try:
            with explained(f"calling {self.function}"):
                answered = self.client.invoke(FunctionName=self.function, Payload=payload)
                body = answered["Payload"].read()
        except NovalineError as problem:
            if error_code(problem.__cause__ or problem) == "ResourceNotFoundException":  # type: ignore[arg-type]  # __cause__ is botocore's
                raise self._absent() from None
            raise
        seconds = time.perf_counter() - began
        if answered.get("FunctionError"):
            return Reply(answers=None, seconds=seconds, failure=_reason(body))
        try:
            return Reply(answers=json.loads(body), seconds=seconds)
        except ValueError:
            return Reply(answers=None, seconds=seconds, failure="the function returned no JSON")

    def _absent(self) -> NovalineError:
        message = f"there is no function {self.function} in this account and region"
        return NovalineError.of(
            "not-deployed", message, hint="deploy the environment, or test local code: no --deployed"
        )


def _reason(body: bytes) -> str:
    """What Lambda says of an exception: `{"errorMessage", "errorType", …}`."""
    try:
        found = json.loads(body)
    except ValueError:
        return "the function failed"
    text = f"{found.get('errorType', 'it failed')}: {found.get('errorMessage', '')}" if isinstance(found, dict) else ""
    return " ".join(text.split())[:_LONGEST_REASON] or "the function failed"
