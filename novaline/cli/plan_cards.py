"""One job of a plan as a person reads it: a card of labels and values, which folds on a narrow terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from novaline.cost.alternatives import Alternative
from novaline.cost.estimate import epochs_text
from novaline.customization.model import Evaluation, Stage, StagePlatform, duration_text
from novaline.customization.planned_jobs import Pace, PlannedJob, roles_of
from novaline.recipes.overrides import shown

_TECHNIQUES = {
    "sft": "supervised fine-tuning",
    "dpo": "preference optimization",
    "rft": "reinforcement fine-tuning",
    "cpt": "continued pre-training",
    "ppo": "proximal policy optimization",
    "distillation": "distillation",
}
_PLATFORMS: dict[StagePlatform, str] = {
    "sagemaker": "SageMaker training job",
    "hyperpod": "HyperPod",
    "serverless": "SageMaker without instances",
    "bedrock": "Bedrock",
}
_TUNINGS = {"lora": " with LoRA", "full": " of every weight", None: ""}


def heading(job: PlannedJob) -> str:
    """What the card is of."""
    return f"{'Stage' if isinstance(job.part, Stage) else 'Evaluation'} {job.name}"


def service_of(job: PlannedJob) -> str:
    """Where the job runs, in a word or two."""
    return _PLATFORMS[job.settings.platform]


def card(job: PlannedJob, *, environment: str) -> Table:
    """The card: what it does, recipe, image, data, machines, steps, settings, and another way if there is one."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", min_width=8)
    table.add_column(overflow="fold")
    for label, value in _rows(job, environment):
        table.add_row(label, value)
    return table


def _rows(job: PlannedJob, environment: str) -> Iterator[tuple[str, str | Text]]:
    settings, part = job.settings, job.part
    yield "What", _stage(job, part) if isinstance(part, Stage) else _evaluation(job, part)
    if settings.platform in ("sagemaker", "hyperpod"):
        yield "Recipe", f"{settings.recipe.id}, version {settings.recipe.version}"
    if job.image is not None:
        yield "Image", _image(job, environment)
    yield "Data", _data(job)
    if settings.instance_type:
        yield "Machines", _machines(job)
    else:
        yield "Limit", f"stopped after {duration_text(settings.timeout)}"
    if job.pace is not None:
        yield "Steps", _pace(job.pace)
    yield "Settings", _settings(job)
    if job.alternative is not None:
        yield "Instead" if job.alternative.saves_usd is None else "Cheaper", _alternative(job.alternative)


def _stage(job: PlannedJob, stage: Stage) -> str:
    text = f"{_TECHNIQUES[stage.technique]}{_TUNINGS[job.settings.recipe.tuning]}, {service_of(job)}"
    if stage.teacher is not None:
        text += f", answers of {stage.teacher}"
    else:
        text += ", from the base model" if stage.start == "base" else f", from {stage.start}"
    return text if stage.reward is None else f"{text}, rewarded by {stage.reward}"


def _evaluation(job: PlannedJob, evaluation: Evaluation) -> str:
    text = f"{evaluation.task}, {_subjects(job)}"
    if evaluation.subtask is not None:
        text += f"; subtask {evaluation.subtask}"
    if evaluation.reward is not None:
        text += f"; scored by {evaluation.reward}"
    if evaluation.processor is not None:
        text += f"; metrics by {evaluation.processor.shown}"
    return text


def _subjects(job: PlannedJob) -> str:
    if "candidate" not in job.subjects:
        return "of the base model only: no job can read the candidate"
    if job.settings.platform == "hyperpod":
        return "of the base model and of the candidate: two recipes, and Novaline sends nothing"
    return "of the base model and of the candidate, at the same time"


def _image(job: PlannedJob, environment: str) -> str:
    image = job.image
    assert image is not None  # the caller asks for it only then
    if image.digest is not None:
        return f"{image.name}, pinned to {image.digest[:19]}…"
    return f"{image.name}, whatever it names that day; `images` of the environment {environment} can pin it"


def _data(job: PlannedJob) -> str:
    if job.data is None or job.tokens is None:
        return "none: the task brings its own"
    text = f"{job.data.rows:,} rows, about {_rounded(job.tokens)} tokens (four bytes each)"
    return text if job.validation is None else f"{text}; {job.validation.rows:,} rows of validation"


def _rounded(number: int) -> str:
    """Two digits of a rough number: more would promise too much."""
    digits = len(str(number))
    return f"{round(number, 2 - digits):,}" if digits > 2 else str(number)


def _machines(job: PlannedJob) -> str:
    settings = job.settings
    text = f"{settings.instance_count} of {settings.instance_type}"
    roles = roles_of(settings)
    if roles:
        text += f", and {', '.join(f'{role} {count}' for role, count in roles.items())}"
        text += f": {settings.instance_count + sum(roles.values())} in all"
    hours = "" if job.hours is None else f"about {job.hours:.1f} h, "
    return f"{text}; {hours}stopped after {duration_text(settings.timeout)}"


def _pace(pace: Pace) -> str:
    batch = "" if pace.batch is None else f", {pace.batch:,} rows a step"
    epochs = f"{epochs_text(pace.epochs)} {'epoch' if pace.epochs == 1 else 'epochs'}"
    if pace.steps is None:
        return f"{epochs}{batch}"
    if pace.counted == "epochs":
        return f"{epochs}{batch}: {pace.steps:,} steps follow"
    return f"{pace.steps:,} steps{batch}: the data is read {epochs_text(pace.epochs)} times"


def _settings(job: PlannedJob) -> Text:
    text = Text()
    if job.told:
        for name, value in job.told.items():
            text.append(f"{name} = ").append(str(value), style="bold").append("\n")
        return text.append("what is not here is left to the service", style="dim")
    if job.settings.platform == "bedrock":
        return Text("none: everything is left to Bedrock")
    if not job.differences:
        return Text("nothing differs from the published recipe")
    for position, item in enumerate(job.differences):
        text.append("\n" if position else "").append(f"{item.path}: {shown(item.default)} → ")
        text.append(shown(item.value), style="bold yellow")
    return text


def _alternative(alternative: Alternative) -> Text:
    text = Text(alternative.headline, style="bold green")
    for mark, lines in (("+", alternative.can), ("-", alternative.cannot), ("?", alternative.unproven)):
        for line in lines:
            text.append(f"\n{mark} {line}", style="not bold default")
    return text
