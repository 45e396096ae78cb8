"""The page of the customization file says what the catalogue and the tables of managed jobs say."""

import re
from pathlib import Path

from novaline.customization.managed import SERVERLESS, bedrock_students, bedrock_techniques
from novaline.customization.model import ModelName, StageTechnique
from novaline.recipes.catalogue import catalogue

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "customization-file.md").read_text(encoding="utf-8")
MODELS = ModelName.__args__
TECHNIQUES = StageTechnique.__args__
NOTHING = "\N{EN DASH}"


def table(heading):
    """The rows of the first table under a heading, each as the list of its cells without code marks."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip().replace("`", "") for cell in row.strip("|").split("|")] for row in rows[1:]]


def recipes(technique):
    return [recipe for model in MODELS for recipe in catalogue().recipes(model=model, technique=technique)]


def listed(found):
    return ", ".join(name for name in ("lora", "full") if name in found) or NOTHING


def test_the_table_of_techniques_is_the_catalogues_and_that_of_managed_jobs():
    rows = {technique: cells for technique, *cells in table("Techniques and platforms")}
    assert tuple(rows) == TECHNIQUES
    for technique in TECHNIQUES[:-1]:
        models, *platforms = rows[technique]
        having = [model for model in MODELS if technique in catalogue().techniques(model)]
        assert models == ("all" if len(having) == len(MODELS) else ", ".join(having))
        for platform, cell in zip(("sagemaker", "hyperpod"), platforms[:2], strict=True):
            assert cell == listed({one.tuning for one in recipes(technique) if platform in one.platforms}), technique
        assert platforms[2] == listed(SERVERLESS.get(technique, ()))
        assert platforms[3] == ("lora" if any(technique in bedrock_techniques(model) for model in MODELS) else NOTHING)
    students = set(bedrock_students("nova-premier"))
    assert set(re.findall(r"nova[\w-]+", rows["distillation"][0])) == students


def test_the_table_of_tasks_has_every_task_with_its_subtasks():
    rows = table("Tasks")
    found = {}
    for names, _, gives, subtasks, *_ in rows:
        counts = iter(re.findall(r"\d+", subtasks))
        for name in re.findall(r"[a-z][a-z0-9_]+", names):
            found[name] = (gives, int(next(counts, 0)))
    assert set(found) == set(catalogue().tasks())
    for name, task in catalogue().tasks().items():
        assert found[name][1] == task.subtask_count, name
        assert task.metric == "all" or task.metric in found[name][0], name
