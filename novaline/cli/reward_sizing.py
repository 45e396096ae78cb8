"""From a reinforcement stage to the sizing of its reward: recipe, measured speed, known prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Final

from novaline.cli.reward_named import Named, named, scorer_of
from novaline.cli.reward_own import its_words_aside
from novaline.cost.prices import Price, Rate, function_rates, token_rates, training_price
from novaline.findings import NovalineError, UsageProblem
from novaline.places import project_root
from novaline.rewards.judge_tokens import Question, judges_in, model_name, tokens_of
from novaline.rewards.laboratory.examine import measure
from novaline.rewards.laboratory.rows import Rows, read_rows
from novaline.rewards.laboratory.subject import LocalSubject
from novaline.rewards.sizing import LAMBDA_BATCH_SIZE, Load, Rates, Sizing, Tokens

if TYPE_CHECKING:
    from novaline.customization.checks import Checked
    from novaline.customization.model import Stage
    from novaline.customization.settings import JobSettings
    from novaline.environments import Environment

_GENERATIONS: Final = "training_config.rollout.advantage_strategy.number_generation"
_LIMIT: Final = "training_config.rollout.rewards.api_endpoint.lambda_concurrency_limit"
_ANSWER: Final = "training_config.rollout.generator.max_new_tokens"
_ROWS: Final = 128
CHARACTERS: Final = 2000
"""Of text before the answer, where speed is measured: a model that reasons writes some."""
WHOLE_CPU_MB: Final = 1769
"""The memory at which a function has one CPU; with less it has its share (Lambda developer guide, memory)."""
_CHARACTERS_PER_TOKEN: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the command line says in place of what is known."""

    latency_seconds: float | None = None
    data: Path | None = None
    batch: int | None = None
    concurrency: int | None = None
    step_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sized:
    """A sizing with what it is of, and where its numbers come from."""

    stage: str
    reward: str
    function: str
    machines: str
    sizing: Sizing
    reserved: int | None
    measured_seconds: float | None
    """Of one sample, on this computer; None where the command line said it."""
    measured_on: str | None
    prices: tuple[tuple[str, Price | Rate | None], ...]

    def as_json(self) -> dict[str, object]:
        """The sizing as `reward size --json` prints it."""
        return {
            "stage": self.stage,
            "reward": self.reward,
            "function": self.function,
            "machines": self.machines,
            "measured_sample_seconds": self.measured_seconds,
            "measured_on": self.measured_on,
            "reserved_concurrency": self.reserved,
            **self.sizing.as_json(),
            "prices": [
                {
                    "of": name,
                    "known": price is not None,
                    "confirmed": None if price is None else price.confirmed,
                    "source": None if price is None else price.source,
                    "date": None if price is None else price.date,
                }
                for name, price in self.prices
            ],
        }


def size_stage(checked: Checked, stage: Stage, environment: Environment, wanted: Wanted) -> Sized:
    """The sizing of a stage's reward.

    Raises NovalineError for a platform that calls the function by rules of its own, and UsageProblem for a judge
    whose latency nobody said.
    """
    settings = checked.stages[stage.name]
    reward = named(str(stage.reward), environment, project_root() or Path.cwd(), {})
    assert reward.settings is not None, "a reward of an environment has settings"
    data = wanted.data or _training_data(checked, stage)
    rows = read_rows(data, _ROWS)
    measured = None if wanted.latency_seconds is not None else _measured(reward, rows, wanted)
    memory = reward.settings.memory_mb
    slower = max(1.0, WHOLE_CPU_MB / memory)
    load = _load(stage, settings, wanted, (measured or 0.0) * slower if measured else (wanted.latency_seconds or 0.0))
    own_prices = checked.customization.budget.prices
    machine = training_price(environment.region, settings.instance_type, own_prices)
    tokens, judge_rates, judge_prices = _judge(reward, rows, environment.region)
    per_time, per_call = function_rates(environment.region)
    rates = Rates(
        machines_per_hour=None if machine is None else machine.usd_per_hour * settings.instance_count,
        gb_second=None if per_time is None else per_time.usd,
        call=None if per_call is None else per_call.usd / 1_000_000,
        token_read=judge_rates[0],
        token_written=judge_rates[1],
    )
    sizing = Sizing(
        load=load,
        rates=rates,
        memory_mb=memory,
        timeout_seconds=reward.settings.timeout_seconds,
        step_seconds=wanted.step_seconds,
        tokens=tokens,
        sample_bytes=_sample_bytes(settings, rows),
    )
    return Sized(
        stage=stage.name,
        reward=reward.spec.name,
        function=reward.spec.function,
        machines=f"{settings.instance_count} x {settings.instance_type}",
        sizing=sizing,
        reserved=reward.settings.concurrency,
        measured_seconds=measured,
        measured_on=None if measured is None else str(data),
        prices=((settings.instance_type, machine), ("Lambda", per_time), *judge_prices),
    )


def _training_data(checked: Checked, stage: Stage) -> Path:
    """The stage's rows on this computer. Raises UsageProblem where they lie in S3."""
    local = checked.datasets.get(f"{stage.name}/train")
    if local is None or local.path is None:
        message = f"the rows of stage {stage.name} lie in S3 ({stage.data.train}), and are not read from there"
        raise UsageProblem.of("data-needed", message, hint="say --data FILE: a few rows like those will do")
    return local.path


def _load(stage: Stage, settings: JobSettings, wanted: Wanted, sample_seconds: float) -> Load:
    prompts, generations = settings.number("global_batch_size"), settings.number(_GENERATIONS)
    limit = settings.number(_LIMIT)
    if prompts is None or generations is None or limit is None:
        message = f"the stage {stage.name} runs on {stage.platform}, which calls the reward function by its own rules"
        hint = "only recipes of SageMaker training jobs and HyperPod say how many calls run at once"
        raise NovalineError.of("nothing-to-size", message, hint=hint)
    steps = settings.number("max_steps")
    return Load(
        prompts=int(prompts),
        generations=int(generations),
        steps=None if steps is None else int(steps),
        batch=wanted.batch or LAMBDA_BATCH_SIZE,
        concurrency=wanted.concurrency or int(limit),
        sample_seconds=sample_seconds,
    )


def _measured(reward: Named, rows: Rows, wanted: Wanted) -> float:
    """Seconds of one sample in a full batch, on this computer."""
    if reward.calls_model:
        message = f"the reward {reward.spec.name} asks a model for every sample; that is not measured here"
        hint = "say --latency-ms: what `novaline reward test --deployed` shows for a sample in a batch"
        raise UsageProblem.of("latency-needed", message, hint=hint)
    subject = LocalSubject(scorer=scorer_of(reward), timeout_seconds=reward.timeout_seconds)
    with its_words_aside():
        return measure(subject, rows, batch=wanted.batch or LAMBDA_BATCH_SIZE, characters=CHARACTERS).sample_seconds


def _judge(
    reward: Named, rows: Rows, region: str
) -> tuple[Tokens | None, tuple[float | None, float | None], list[tuple[str, Rate | None]]]:
    """The tokens of all judges that the reward asks, what one costs, and the prices behind that."""
    judges = judges_in(reward.spec.function, reward.spec.options)
    if not judges:
        return None, (None, None), []
    questions = [Question(row.prompt, "x" * CHARACTERS, row.reference) for row in rows.taken]
    tokens = [tokens_of(options, questions) for options in judges]
    models = {model_name(options.model) for options in judges}
    total = Tokens(read=sum(each.read for each in tokens), written=sum(each.written for each in tokens))
    rates = {model: token_rates(region, model) for model in models}
    prices = [(f"{model}, tokens", read) for model, (read, _) in rates.items()]
    return total, _dearest(rates), prices


def _dearest(rates: Mapping[str, tuple[Rate | None, Rate | None]]) -> tuple[float | None, float | None]:
    """Dollars a token, of the dearest of several judges; None as soon as one price is not known."""
    found = []
    for place in (0, 1):
        known = [pair[place] for pair in rates.values()]
        usd = [rate.usd / 1000 for rate in known if rate is not None]
        found.append(max(usd) if len(usd) == len(known) else None)
    return found[0], found[1]


def _sample_bytes(settings: JobSettings, rows: Rows) -> int | None:
    """A sample with an answer of full length: four characters a token, one byte each."""
    tokens = settings.number(_ANSWER)
    if tokens is None:
        return None
    prompts = fmean(sum(len(str(message.get("content"))) for message in row.messages) for row in rows.taken)
    return int(prompts + tokens * _CHARACTERS_PER_TOKEN) + 300
