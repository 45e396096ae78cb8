"""An evaluation's own metrics: the processor function that `gen_qa` calls before and after the model answers.

`custom_metrics`: one call for each row, `{"process_type": "preprocess" | "postprocess", "data"}`, answered by
`{"statusCode": 200, "body"}` (AWS's page on metrics of one's own). `rft`: the contract of reward functions; AWS does
not say what the sample of a row without messages looks like, so it is made of its system text, query and answer. The
metrics of all rows become one by the recipe's aggregation. A call that fails, or is answered otherwise, fails the job.
"""

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from novaline.rehearsal.sagemaker.failures import FunctionFailure, JobFailure
from novaline.rehearsal.sagemaker.gen_qa import Question
from novaline.rehearsal.sagemaker.recipe import LAMBDA_BATCH_SIZE, ProcessorSettings, RewardSettings
from novaline.rehearsal.sagemaker.rewards import Invoke, RewardFunction, measures, sample

_MOST_AT_ONCE = 4  # two processors serve all functions of a rehearsal
_AGGREGATIONS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "min": min,
    "max": max,
    "sum": sum,
    "average": statistics.fmean,
}


class MetricsFunction:
    """The processor of one job. Its methods raise JobFailure."""

    def __init__(self, settings: ProcessorSettings, invoke: Invoke, *, log: Callable[[str], None]) -> None:
        self._settings = settings
        self._invoke = invoke
        self._log = log

    def before(self, asked: Sequence[Question]) -> Sequence[Question]:
        """What the model is to be asked instead, where preprocessing is enabled; rewards know none."""
        if not self._settings.preprocessing or self._settings.kind == "rft":
            return asked
        data = [{"system": one.system, "prompt": one.prompt, "gold": one.gold} for one in asked]
        return [self._question(body) for body in self._processed("preprocess", data)]

    def after(self, asked: Sequence[Question], answers: Sequence[str]) -> dict[str, float]:
        """The metrics over all answers, where postprocessing is enabled."""
        if not self._settings.postprocessing:
            return {}
        said = self._rewarded(asked, answers) if self._settings.kind == "rft" else self._measured(asked, answers)
        values: dict[str, list[float]] = {}
        for one in said:
            for name, value in one.items():
                values.setdefault(name, []).append(value)
        self._log(f"stand-in: metrics of {self._settings.function_arn}: {', '.join(values)}")
        return {name: float(_AGGREGATIONS[self._settings.aggregation](found)) for name, found in values.items()}

    def _measured(self, asked: Sequence[Question], answers: Sequence[str]) -> list[dict[str, float]]:
        data = [
            {"prompt": one.prompt, "inference_output": answer, "gold": one.gold}
            for one, answer in zip(asked, answers, strict=True)
        ]
        return [self._metrics(body) for body in self._processed("postprocess", data)]

    def _rewarded(self, asked: Sequence[Question], answers: Sequence[str]) -> list[dict[str, float]]:
        settings = RewardSettings(
            function_arn=self._settings.function_arn, batch_size=LAMBDA_BATCH_SIZE, concurrency=_MOST_AT_ONCE
        )
        samples = [
            sample({"messages": _turns(one), "reference_answer": one.gold}, answer, identifier=str(number))
            for number, (one, answer) in enumerate(zip(asked, answers, strict=True))
        ]
        found = RewardFunction(settings=settings, invoke=self._invoke, log=self._log).score(samples)
        return [
            {"lambda_reward_score": float(one["aggregate_reward_score"])}
            | {f"lambda_{name}": value for name, value in measures(one).items()}
            for one in found
            if one is not None
        ]

    def _processed(self, process: str, data: Sequence[Mapping[str, Any]]) -> list[Any]:
        with ThreadPoolExecutor(_MOST_AT_ONCE) as pool:
            return list(pool.map(lambda one: self._body({"process_type": process, "data": one}), data))

    def _body(self, event: Mapping[str, Any]) -> Any:  # noqa: ANN401 - what the function answered, not yet checked
        arn = self._settings.function_arn
        try:
            answer = json.loads(self._invoke(arn, json.dumps(event, ensure_ascii=False).encode()))
        except (FunctionFailure, ValueError) as problem:
            raise JobFailure.algorithm(f"the processor {arn} did not {event['process_type']}: {problem}") from problem
        if not isinstance(answer, dict) or answer.get("statusCode") != 200:
            raise JobFailure.algorithm(
                f"the processor {arn} answered {json.dumps(answer)[:300]}, expected statusCode 200"
            )
        return answer.get("body")

    def _question(self, body: object) -> Question:
        system = body.get("system") if isinstance(body, dict) else None
        prompt, gold = (body.get("prompt"), body.get("gold")) if isinstance(body, dict) else (None, None)
        if not isinstance(prompt, str) or not isinstance(gold, str) or not (system is None or isinstance(system, str)):
            raise self._wrong(body, "system, prompt and gold")
        return Question(system=system, prompt=prompt, gold=gold)

    def _metrics(self, body: object) -> dict[str, float]:
        found = {}
        for metric in body if isinstance(body, list) else [None]:
            name, value = (metric.get("metric"), metric.get("value")) if isinstance(metric, dict) else (None, None)
            if not isinstance(name, str) or isinstance(value, bool) or not isinstance(value, int | float):
                raise self._wrong(body, "a list of metric and value")
            found[name] = float(value)
        return found

    def _wrong(self, body: object, expected: str) -> JobFailure:
        return JobFailure.algorithm(
            f"the processor {self._settings.function_arn} answered {json.dumps(body)[:300]}, expected {expected}"
        )


def _turns(question: Question) -> list[dict[str, str]]:
    turns = [{"role": "system", "content": question.system}] if question.system else []
    return [*turns, {"role": "user", "content": question.prompt}]
