"""Converse: the customized stand-in behind a deployment's ARN, the untrained one behind a foundation model.

A foundation model that is asked to judge, as `novaline.rewards.judging` asks, is stood in for by a judge of its own;
see `judge`. Models of other makers answer as Nova's do, because they may judge too.

The action behind Converse is bedrock:InvokeModel (Bedrock API reference, Converse), on the deployment, the foundation
model, or the inference profile; a profile needs the model too, in each region that it may route to (user guide,
"Prerequisites for inference profiles"). Invoking a model under a customer key needs kms:Decrypt of the caller, through
Bedrock (user guide, "Encryption of custom models"). Streams, tools, media and guardrails are not answered to.
"""

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from novaline.rehearsal.aws_call import AwsError, Call, Cloud
from novaline.rehearsal.bedrock.judge import judge_question, stand_in_verdict
from novaline.rehearsal.bedrock.state import CustomModel, account_of
from novaline.rehearsal.learner.base import BaseStandIn
from novaline.rehearsal.learner.rows import Prompt, count_tokens, cut_to_tokens
from novaline.requests.conformance import check_request
from novaline.rewards.judging.models import UnknownModel, model_arns, routes

_BASE = re.compile(r"amazon\.nova-(micro|lite|pro|premier|2-lite)-v1:0")
_OTHER_MAKERS = re.compile(r"(anthropic|cohere|deepseek|meta|mistral|openai|qwen|writer)\.[a-z0-9.:-]+")
_SLOW_SECONDS = 300.0  # of the fast clock
_DEFAULT_TOKENS = 5_000
# Errors of Converse and their status (Bedrock API reference, Converse).
_STATUS = {
    "AccessDeniedException": 403, "InternalServerException": 500, "ModelErrorException": 424,
    "ModelNotReadyException": 429, "ModelTimeoutException": 408, "ResourceNotFoundException": 404,
    "ServiceUnavailableException": 503, "ThrottlingException": 429, "ValidationException": 400,
}  # fmt: skip


class BedrockRuntime:
    """Answers for one account and region. Safe between threads."""

    OPERATIONS = ("Converse",)

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._account = account_of(cloud)
        self._base = BaseStandIn()

    def iam(self, call: Call) -> tuple[str, str, Mapping[str, str]]:
        """See `aws_call.Service`."""
        wanted = call.parameters["modelId"]
        try:
            resource = model_arns(wanted, region=call.region, account=call.account)[0]
        except UnknownModel:  # a deployment, or what `handle` refuses
            resource = wanted if wanted.startswith("arn:") else _foundation_arn(call.region, wanted)
        return "bedrock:InvokeModel", resource, {}

    def handle(self, call: Call) -> dict[str, Any]:
        """See `aws_call.Service`."""
        began = time.perf_counter()
        problems = check_request("bedrock-runtime", call.operation, call.parameters)
        if problems:
            raise AwsError("ValidationException", f"{len(problems)} validation errors: {'; '.join(problems)}")
        wanted, asked = call.parameters["modelId"], call.parameters
        fault = self._cloud.take_fault("bedrock-runtime", "Converse", wanted)
        if fault is not None and fault.kind == "slow":
            self._cloud.sleep(_SLOW_SECONDS)
        elif fault is not None:
            code = fault.code or "ModelErrorException"
            raise AwsError(code, fault.message or "A fault of the rehearsal.", _STATUS.get(code, 400))
        prompt = _prompt(asked)
        (text,) = self._answerer(call, wanted)([prompt])
        text, reason = _within(text, asked.get("inferenceConfig", {}))
        read = count_tokens(prompt.system) + sum(count_tokens(part) for _, part in _texts(asked["messages"]))
        written = count_tokens(text)
        return {
            "output": {"message": {"role": "assistant", "content": [{"text": text}]}},
            "stopReason": reason,
            "usage": {"inputTokens": read, "outputTokens": written, "totalTokens": read + written},
            "metrics": {"latencyMs": max(1, round((time.perf_counter() - began) * 1000))},
        }

    def _answerer(self, call: Call, wanted: str) -> Any:  # noqa: ANN401 - the `answer` of either stand-in
        if ":custom-model-deployment/" in wanted:
            return self._deployed(call, wanted)
        try:
            foundation, area = routes(wanted)
            needed = model_arns(wanted, region=call.region, account=call.account)
        except UnknownModel as problem:
            raise AwsError("ValidationException", f"The rehearsal cannot invoke {wanted}: {problem}") from None
        if not _BASE.fullmatch(foundation) and not _OTHER_MAKERS.fullmatch(foundation):
            raise AwsError("ValidationException", f"The rehearsal cannot invoke the model identifier {wanted}.")
        if area is not None:
            context = {"bedrock:InferenceProfileArn": needed[0]}
            for resource in needed[1:]:
                self._cloud.require(call, "bedrock:InvokeModel", resource, context)
        return self._foundation

    def _foundation(self, prompts: Sequence[Prompt]) -> list[str]:
        """What a foundation model says: a verdict where it is asked to judge, and else what the untrained one says."""
        questions = [judge_question(prompt.text) for prompt in prompts]
        return [
            self._base.answer([prompt])[0] if question is None else stand_in_verdict(question)
            for prompt, question in zip(prompts, questions, strict=True)
        ]

    def _deployed(self, call: Call, arn: str) -> Any:  # noqa: ANN401 - as above
        with self._account.lock:
            deployment = self._account.deployments.get(arn)
            if deployment is None:
                raise AwsError("ResourceNotFoundException", f"There is no custom model deployment {arn}.", 404)
            if deployment.status != "Active":
                raise AwsError("ModelNotReadyException", f"The deployment {arn} is {deployment.status}.", 429)
            model: CustomModel = self._account.model(deployment.model_arn)
        if model.key_arn:
            via = {"kms:ViaService": f"bedrock.{call.region}.amazonaws.com"}
            self._cloud.require(call, "kms:Decrypt", model.key_arn, via)
        assert model.stand_in is not None  # only Active models, which have one, are deployed
        return model.stand_in.answer


def _prompt(asked: Mapping[str, Any]) -> Prompt:
    """The conversation as the stand-ins were taught to read one: system text, and the user's turns."""
    messages: Sequence[Mapping[str, Any]] = asked.get("messages", ())
    if not messages or messages[0]["role"] != "user":
        raise AwsError("ValidationException", "A conversation must begin with a turn of the user.")
    if messages[-1]["role"] != "user":
        raise AwsError("ValidationException", "The last turn must be the user's.")
    system = "\n".join(part["text"] for part in asked.get("system", ()) if "text" in part)
    return Prompt(text="\n".join(text for role, text in _texts(messages) if role == "user"), system=system)


def _texts(messages: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return [(message["role"], part["text"]) for message in messages for part in message["content"] if "text" in part]


def _within(text: str, settings: Mapping[str, Any]) -> tuple[str, str]:
    """The answer up to a stop sequence or the token limit, and why it ended."""
    places = [text.find(stop) for stop in settings.get("stopSequences", ()) if stop in text]
    reason = "stop_sequence" if places else "end_turn"
    text = text[: min(places)] if places else text
    short = cut_to_tokens(text, settings.get("maxTokens", _DEFAULT_TOKENS))
    return (short, "max_tokens") if short != text else (text, reason)


def _foundation_arn(region: str, model: str) -> str:
    return f"arn:aws:bedrock:{region}::foundation-model/{model}"
