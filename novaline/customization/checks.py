"""Checks a customization file: its form, the recipes' rules, its datasets, its cost. Everything at once, offline."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from novaline.cost.estimate import Cost
from novaline.customization import chain, limits, relations
from novaline.customization.availability import PlacedProblem, recipe_platform
from novaline.customization.costing import estimate
from novaline.customization.data import DataReader
from novaline.customization.model import Customization
from novaline.customization.settings import Found, JobSettings, evaluation_settings, stage_settings
from novaline.customization.situations import evaluation_problems, stage_problems
from novaline.customization.spelling import corrected
from novaline.customization.stored_data import StoredData
from novaline.customization.structure import Parts, read_parts
from novaline.customization.yaml_source import DataPath, SourceDocument, load_yaml
from novaline.datasets.dataset import Dataset
from novaline.findings import Finding, NovalineError, errors_in
from novaline.recipes.catalogue import Catalogue, catalogue
from novaline.recipes.model import Platform

if TYPE_CHECKING:
    from novaline.environments import Environment

_TAKES_ALL_MEDIA = "nova-2-lite"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A customization that passed. `datasets` are by `<stage>/train`, `<stage>/validation` and `<evaluation>/data`.

    `media`, by the same keys, are the kinds that rows hold besides text: `image`, `video`, `document`. `remote`, by the
    same keys, are URIs of data in S3 of which nothing is known, because nobody was asked.
    `findings` are warnings, and errors that `check_file` was told to tolerate: every other error raises.
    """

    document: SourceDocument
    customization: Customization
    stages: Mapping[str, JobSettings]
    evaluations: Mapping[str, JobSettings]
    datasets: Mapping[str, Dataset]
    media: Mapping[str, frozenset[str]]
    remote: Mapping[str, str]
    cost: Cost
    findings: tuple[Finding, ...]


def check_file(
    path: Path,
    *,
    environment: Environment | None = None,
    tolerated: Collection[str] = frozenset(),
    stored: StoredData | None = None,
) -> Checked:
    """The customization in the file at `path`, checked; with `environment` also against its region, rewards and budget.

    Raises NovalineError with every finding (warnings among them) when one is an error whose code is not `tolerated`,
    UsageProblem when there is no such file. Data files are looked for relative to the customization file; `stored` is
    asked about data in S3. Without it the check is offline.
    """
    document, misspelled = corrected(load_yaml(path, strict=False))
    parts, findings = read_parts(document)
    reader = DataReader(document, parts, stored)
    return _Checker(document, parts, environment, catalogue(), reader).check([*misspelled, *findings], tolerated)


class _Checker:
    """One check of one file."""

    def __init__(
        self,
        document: SourceDocument,
        parts: Parts,
        environment: Environment | None,
        recipes: Catalogue,
        reader: DataReader,
    ) -> None:
        self.document = document
        self.parts = parts
        self.environment = environment
        self.recipes = recipes
        self.reader = reader
        self.found: dict[DataPath, Found] = {}

    def check(self, of_form: list[Finding], tolerated: Collection[str]) -> Checked:
        """The whole check; `of_form` is what the file's form broke."""
        parts, document = self.parts, self.document
        findings = [*of_form, *self._once(of_form, self._of_content())]
        stages, evaluations = self._settings("stages"), self._settings("evaluations")
        cost = estimate(
            stages=stages,
            evaluations=evaluations,
            datasets=self.reader.datasets,
            media=frozenset(key.removesuffix("/train") for key, media in self.reader.media.items() if media),
            environment=self.environment,
            parts=parts,
        )
        if limits.is_settled(document, findings):
            findings += limits.of_cost(document, parts, cost, self.environment)
        if self.environment is not None:
            jobs = {
                where: found.settings
                for where, found in self.found.items()
                if found.settings is not None and found.available
            }
            findings += limits.of_region(document, parts, jobs, self.environment)
            findings += limits.of_images(self.recipes, self.environment)
        findings.sort(key=self._order)
        if any(error.code not in tolerated for error in errors_in(findings)):
            raise NovalineError(findings)
        return Checked(
            document=document,
            customization=Customization.model_validate(document.data),
            stages=stages,
            evaluations=evaluations,
            datasets=self.reader.datasets,
            media=self.reader.media,
            remote=self.reader.remote,
            cost=cost,
            findings=tuple(findings),
        )

    def _of_content(self) -> Iterator[Finding]:
        parts, document = self.parts, self.document
        tasks = self.recipes.tasks()
        yield from relations.of_names(document, parts)
        yield from relations.of_tasks(document, parts, tasks)
        yield from relations.of_gate(document, parts, tasks)
        yield from relations.of_deployment(document, parts)
        yield from relations.of_timeouts(document, parts)
        yield from chain.of_starts(document, parts)
        yield from chain.of_techniques(document, parts, self.environment)
        if parts.model is None:
            yield from self._rows_alone()
        else:
            yield from self._evaluations(parts.model)
            yield from self._stages(parts.model)
            yield from chain.of_tunings(document, parts, self._settings("stages"))

    def _evaluations(self, model: str) -> Iterator[Finding]:
        """Before the stages: training data is held against what evaluations ask."""
        tasks, platform = self.recipes.tasks(), self._evaluation_platform()
        for index, evaluation in enumerate(self.parts.evaluations):
            if evaluation is None:
                continue
            where: DataPath = ("evaluations", index)
            task = tasks[evaluation.task] if self.parts.known(*where, "task") else None
            yield from self.reader.evaluation(where, evaluation, self.recipes.model(model), task=task)
            if task is None:
                continue
            found = evaluation_settings(self.recipes, model=model, evaluation=evaluation, task=task, platform=platform)
            self.found[where] = found
            yield from self._placed(where, found.problems)
            if found.settings is not None and found.resolution is not None:
                media = self.reader.media.get(f"{evaluation.name}/data", frozenset())
                problems = evaluation_problems(
                    evaluation, found.settings, found.resolution, media=media, environment=self.environment
                )
                yield from self._placed(where, problems)

    def _stages(self, model: str) -> Iterator[Finding]:
        for index, stage in enumerate(self.parts.stages):
            if stage is None:
                continue
            where: DataPath = ("stages", index)
            known = self.parts.known(*where, "technique")
            chosen = known and all(self.parts.known(*where, key) for key in ("tuning", "platform", "teacher"))
            found = stage_settings(self.recipes, model=model, stage=stage) if chosen else None
            settings = found.settings if found is not None else None
            yield from self.reader.stage(where, stage, settings, self.recipes.model(model), known=known)
            if found is None:
                continue
            self.found[where] = found
            yield from self._placed(where, found.problems)
            if stage is self.parts.stages[-1] and found.available:
                yield from chain.of_candidate(self.document, where, stage)
            if settings is not None and found.resolution is not None:
                media = self.reader.media.get(f"{stage.name}/train", frozenset())
                problems = stage_problems(
                    stage,
                    settings,
                    found.resolution,
                    media=media,
                    longest_prompt=self.reader.longest_prompt(stage),
                    environment=self.environment,
                )
                yield from self._placed(where, problems)

    def _rows_alone(self) -> Iterator[Finding]:
        """The datasets where nobody knows the model: what is wrong with them for every model."""
        tasks, model = self.recipes.tasks(), self.recipes.model(_TAKES_ALL_MEDIA)
        for index, evaluation in enumerate(self.parts.evaluations):
            if evaluation is not None:
                where: DataPath = ("evaluations", index)
                task = tasks[evaluation.task] if self.parts.known(*where, "task") else None
                yield from self.reader.evaluation(where, evaluation, model, task=task)
        for index, stage in enumerate(self.parts.stages):
            if stage is not None:
                where = ("stages", index)
                known = self.parts.known(*where, "technique")
                yield from self.reader.stage(where, stage, None, model, known=known)

    def _evaluation_platform(self) -> Platform:
        """Evaluations run where the last stage trained: no other platform reads its checkpoint."""
        last = self.parts.stages[-1] if self.parts.stages else None
        return "sagemaker" if last is None else recipe_platform(last.platform)

    def _settings(self, key: str) -> dict[str, JobSettings]:
        """The settings of stages or evaluations by name, in the order of the file."""
        items = self.parts.stages if key == "stages" else self.parts.evaluations
        found = {}
        for index, item in enumerate(items):
            job = self.found.get((key, index))
            if item is not None and job is not None and job.settings is not None and job.available:
                found[item.name] = job.settings
        return found

    def _placed(self, base: DataPath, problems: Iterable[PlacedProblem]) -> Iterator[Finding]:
        for path, problem in problems:
            place = (*base, *path)
            if self.parts.known(*place):
                yield self.document.finding(
                    problem.code,
                    problem.message,
                    place,
                    severity=problem.severity,
                    key=problem.on_key,
                    hint=problem.hint,
                )

    def _once(self, of_form: Iterable[Finding], of_content: Iterable[Finding]) -> Iterator[Finding]:
        """What the content breaks, but for what is said of a mended value: it was a mistake already."""
        mended = {self.document.locate(path)[:2] for path in self.parts.mended}
        told = {(finding.line, finding.column) for finding in of_form} & mended
        for finding in of_content:
            if finding.file != self.document.file or (finding.line, finding.column) not in told:
                yield finding

    def _order(self, finding: Finding) -> tuple[bool, str, int, int]:
        """The customization file before its datasets, each from top to bottom."""
        file = finding.file or ""
        return file != self.document.file, file, finding.line or 0, finding.column or 0
