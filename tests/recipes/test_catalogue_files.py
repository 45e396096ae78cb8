"""The catalogue's files: what each says at its top, that nothing is said twice, and how they are read."""

import json
import re
import textwrap
from pathlib import Path

import pytest

from novaline.customization.yaml_source import load_yaml
from novaline.findings import NovalineError
from novaline.places import recipes_root
from novaline.recipes import catalogue as module
from novaline.recipes.catalogue import Catalogue, catalogue
from novaline.recipes.layers import merged

RECIPES = {recipe.id: recipe for recipe in catalogue().all()}
FILES = sorted(recipes_root().glob("*/*/*/*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(path.parts[-4:]))
def test_a_recipe_file_says_at_its_top_what_it_is_where_it_runs_and_with_which_image(path):
    recipe = catalogue().load(path)
    text = path.read_text(encoding="utf-8")
    header = " ".join(re.findall(r"^# (.*)$", text.partition("\nid: ")[0], flags=re.MULTILINE))
    assert header.startswith(recipe.model.title.removeprefix("Amazon "))
    assert "Assumes" in header
    where = {("sagemaker",): "SageMaker training jobs only", ("hyperpod",): "HyperPod only"}
    place = where.get(tuple(recipe.platforms), "SageMaker training jobs and HyperPod")
    assert (f"Runs on {place}" if recipe.instances.types else "CreateJob") in header
    facts = [fact for image in recipe.images.values() for fact in (*image.accounts, *image.accounts.values())]
    tags = [part for image in recipe.images.values() for part in image.name.split(":")]
    for fact in (*recipe.instances.types, *facts, *tags):
        assert re.search(rf"(?<![\w.-]){re.escape(fact)}(?![\w-])", header), fact
    if recipe.technique != "evaluation" and recipe.instances.types:
        numbers = {
            int(number) for number in re.findall(r"(?<![\w.,-])\d+(?![\w-]|[.,]\d)", header.partition("Runs on")[2])
        }
        assert {*recipe.instances.counts} - {sum(recipe.instances.roles.values())} <= numbers


def repeated(own: dict, given: dict) -> list[str]:
    """The entries that say again what is given."""
    return [name for name, value in own.items() if name in given and json.dumps(given[name]) == json.dumps(value)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(path.parts[-4:]))
def test_a_recipe_file_states_nothing_that_it_shares(path):
    """A property that the shared files give anyway would be a copy, which later says something else."""
    root, technique = recipes_root(), f"{path.parent.name}.yaml"
    layers = [load_yaml(file).data for file in (root / technique, path.parents[2] / technique) if file.is_file()]
    files = [file for file in (root / "groups.yaml", path.parents[2] / "groups.yaml") if file.is_file()]
    groups = {name: group for file in files for name, group in load_yaml(file).data.items()}
    own = load_yaml(path).data
    shared = merged(layers, {name: own[name] for name in ("uses", "variant") if name in own}, groups=groups)
    for key, spec in own.get("keys", {}).items():
        given = shared["keys"].get(key, {})
        assert not repeated(spec or {}, given), key
    assert not repeated(own.get("instances", {}), shared.get("instances", {}))


def test_every_group_and_variant_of_the_shared_files_is_used():
    root = recipes_root()
    shared = {path: load_yaml(path).data for path in (*root.glob("*.yaml"), *root.glob("*/*.yaml"))}
    parts = [part for data in shared.values() for part in (data, *data.get("variants", {}).values())]
    groups = {name for path, data in shared.items() if path.name == "groups.yaml" for name in data}
    assert groups == {name for part in parts for name in part.get("groups", ())}
    for path, data in shared.items():
        named = {
            name
            for file in FILES
            if file.parent.name == path.stem and path.parent in file.parents
            for name in (*load_yaml(file).data.get("uses", ()), load_yaml(file).data["variant"])
        }
        assert set(data.get("variants", ())) <= named, path


def test_exactly_one_recipe_of_a_model_technique_variant_and_platform_is_preferred_and_it_runs_on_p5():
    preferred: dict[tuple[str, ...], list[str]] = {}
    for recipe in RECIPES.values():
        for platform in recipe.platforms:
            case = preferred.setdefault((recipe.model.name, recipe.technique, recipe.variant, platform), [])
            case.extend([recipe.id] if recipe.preferred else [])
    assert all(len(names) == 1 for names in preferred.values()), preferred
    types = {name: RECIPES[name].instances.types for names in preferred.values() for name in names}
    assert all("ml.p5.48xlarge" in found for found in types.values() if found not in ([], ["ml.r5.24xlarge"]))


def test_a_recipe_is_chosen_by_instance_type_and_platform_and_the_preferred_one_without():
    find = catalogue().find
    assert find(model="nova-micro", technique="sft", variant="lora").id == "nova_micro_1_0_p5_p4d_gpu_lora_sft"
    small = find(model="nova-micro", technique="sft", variant="lora", instance_type="ml.g6.12xlarge")
    assert small.keys["training_config.max_length"].text.maximum == 8192
    assert find(model="nova-micro", technique="sft", variant="lora", instance_type="ml.t3.medium") is None
    assert find(model="nova-micro", technique="ppo", variant="lora") is None
    rft = [
        find(model="nova-2-lite", technique="rft", variant="lora", platform=name).id
        for name in ("sagemaker", "hyperpod")
    ]
    assert rft == ["nova_lite_v2_smtj_p5_p5en_gpu_lora_rft", "nova_lite_2_0_p5_gpu_lora_rft"]
    assert (
        find(model="nova-micro", technique="dpo", variant="lora", platform="hyperpod", instance_type="ml.g5.48xlarge")
        is None
    )
    pro = find(model="nova-pro", technique="dpo", variant="full", instance_type="ml.p4d.24xlarge")
    assert (pro.id, pro.instances.default_count) == ("nova_pro_1_0_p4d_gpu_dpo", 12)


def test_a_recipe_is_found_by_its_id_and_models_and_techniques_by_what_there_is():
    assert catalogue().recipe("nova_pro_1_0_r5_cpu_distill").technique == "distillation"
    assert catalogue().models() == ("nova-2-lite", "nova-lite", "nova-micro", "nova-premier", "nova-pro")
    assert catalogue().techniques("nova-premier") == ("distillation",)
    assert "dpo" not in catalogue().techniques("nova-2-lite")
    for question in (catalogue().recipe, catalogue().model, catalogue().techniques):
        with pytest.raises(KeyError):
            question("nova_mega")


def test_recipes_are_listed_by_generation_model_technique_and_id():
    listed = [(one.generation, one.model.name, one.technique, one.id) for one in catalogue().all()]
    assert listed == sorted(listed)
    ids = [one.id for one in catalogue().recipes(model="nova-pro", technique="dpo", variant="full")]
    assert ids == ["nova_pro_1_0_p5_gpu_dpo", "nova_pro_1_0_p4d_gpu_dpo"]


def test_finding_one_recipe_reads_only_the_files_that_it_stands_on(monkeypatch):
    read = []
    real = module.load_yaml
    monkeypatch.setattr(
        module, "load_yaml", lambda path: (read.append(path.relative_to(recipes_root()).as_posix()), real(path))[1]
    )
    Catalogue(recipes_root()).find(model="nova-2-lite", technique="sft", variant="full")
    assert sorted(read) == [
        "groups.yaml", "images.yaml", "nova-2/nova-2-lite/model.yaml", "nova-2/nova-2-lite/sft/full.yaml",
        "nova-2/nova-2-lite/sft/lora.yaml", "nova-2/sft.yaml", "sft.yaml",
    ]  # fmt: skip


FILES_OF_ONE_RECIPE = {
    "images.yaml": 'accounts: {us-east-1: "1"}\n',
    "groups.yaml": "run: {run.name: {about: its name, type: string, default: a}}\n",
    "sft.yaml": """
        groups: [run]
        platforms: [sagemaker]
        variants: {lora: {keys: {b: {about: b, type: integer, default: 1}}}, small: {tuning: lora}}
        """,
    "nova-1/m/model.yaml": """
        {name: m, title: M, generation: nova-1, model_type: a, model_name_or_path: b, hub_content: h,
         inference_profile: c, media: [], reasoning: false}
        """,
    "nova-1/m/sft/r.yaml": """
        id: r
        version: "1"
        title: R
        reference: f
        uses: [small]
        variant: lora
        images: {sagemaker: "i:t"}
        instances: {types: [ml.x.large], default_count: 1}
        keys: {c: {about: c, type: string, default: "${model.name}"}}
        """,
}


def written(folder: Path, **changed: str) -> Path:
    """A catalogue of one recipe, with some files changed (by their stem); returns the recipe's file."""
    for name, text in FILES_OF_ONE_RECIPE.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(changed.get(path.stem, text)))
    return path


def test_a_recipe_stands_on_groups_its_technique_and_its_variant_and_null_takes_a_key_away(tmp_path):
    path = written(tmp_path)
    whole = Catalogue(tmp_path).load(path)
    assert {key: spec.default for key, spec in whole.keys.items()} == {"run.name": "a", "b": 1, "c": "m"}
    assert whole.tuning == "lora"
    path.write_text(path.read_text().replace("keys: {", "keys: {b: null, run.name: {default: z}, "))
    less = Catalogue(tmp_path).load(path)
    assert {key: spec.default for key, spec in less.keys.items()} == {"run.name": "z", "c": "m"}
    assert less.keys["run.name"].about == "its name"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"r": "id: r\nversion: 1\n"}, r"r\.yaml: .*valid string"),
        ({"r": "variant: lora\nuses: [tiny]\n"}, r"r\.yaml: a name leads nowhere: tiny"),
        ({"sft": "{groups: [walk], variants: {small: {}}}\n"}, r"r\.yaml: a name leads nowhere: walk"),
        ({"groups": "run: {n: {type: string, default: '${model.age}'}}\n"}, r"r\.yaml: a name leads nowhere: .*age"),
        ({"images": "[]\n"}, r"images\.yaml:1: a catalogue file is a mapping"),
        ({"model": "name: m\n"}, r"model\.yaml: "),
    ],
)
def test_a_mistake_in_a_catalogue_file_is_named_with_its_file(tmp_path, changed, message):
    path = written(tmp_path, **changed)
    with pytest.raises(NovalineError, match=message):
        Catalogue(tmp_path).load(path)
