"""What the jobs of stages and evaluations share while a run is compiled: names, images, places, the training job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from novaline.customization.checks import Checked
from novaline.customization.model import Stage
from novaline.customization.recipe_values import Places
from novaline.customization.run_files import RunFiles, Upload, sha256
from novaline.customization.settings import JobSettings
from novaline.recipes.model import Platform, Recipe
from novaline.requests.resources import Resources
from novaline.requests.training_job import Job, ModelPackage, image_by_digest

if TYPE_CHECKING:
    from novaline.environments import Environment

CHECKPOINT_TOKEN = "__CHECKPOINT__"  # noqa: S105  # a placeholder in a recipe, no secret
"""Stands in a recipe for the checkpoint of a stage, which exists only after that has trained."""
HYPERPOD_NOTE = (
    "HyperPod runs rendered recipes by its own launcher, on a cluster that is there already; Novaline sends nothing"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedImage:
    """An image of Amazon's. `name` is `repository:tag`; where the environment pins its `digest`, `uri` names that."""

    name: str
    uri: str
    digest: str | None

    def as_json(self) -> dict[str, str | None]:
        """The image as the plan and the run's `requests.json` hold it."""
        return {"name": self.name, "uri": self.uri, "digest": self.digest}


def used_image(recipe: Recipe, environment: Environment, *, platform: Platform = "sagemaker") -> UsedImage | None:
    """The image that reads the recipe in the environment's region; None where Amazon publishes none."""
    image = recipe.images.get(platform)
    uri = recipe.image(platform, environment.region)
    if image is None or uri is None:
        return None
    digest = environment.images.get(image.name)
    return UsedImage(name=image.name, uri=uri if digest is None else image_by_digest(uri, digest), digest=digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobParts:
    """One run while it is compiled. `images` collects what its jobs pull, by job."""

    checked: Checked
    environment: Environment
    resources: Resources
    run: str
    files: RunFiles
    images: dict[str, UsedImage] = field(default_factory=dict)

    def tags(self, job: str) -> dict[str, str]:
        """What is written on the bill."""
        return {"novaline:run": self.run, "novaline:environment": self.environment.name, "novaline:job": job}

    def stage(self, name: str) -> Stage | None:
        """The stage of that name."""
        return next((stage for stage in self.checked.customization.stages if stage.name == name), None)

    def data(self, key: str, *, file: str, what: str) -> Upload:
        """The dataset of that key in the data bucket, as `file`; `what` says for what. Raises KeyError for no data."""
        known = self.checked.datasets.get(key)
        if known is None:
            return self.files.unseen(self.checked.remote[key], file=file, what=what)
        return self.files.upload(known, file=file, what=what)

    def places(self, *, train: Upload | None, validation: Upload | None, output: str) -> Places:
        """Where a job reads and writes; `output` is a folder of the run's."""
        return Places(
            train_uri=None if train is None else self.files.uri(train),
            validation_uri=None if validation is None else self.files.uri(validation),
            output_uri=f"{self.files.folder}/{output}",
            bucket=self.resources.artifact_bucket,
            key_arn=self.resources.key_arn,
        )

    def image(self, job: str, recipe: Recipe) -> UsedImage:
        """The image of a training job. Raises ValueError where Amazon publishes none, as `check_file` says earlier."""
        image = used_image(recipe, self.environment)
        if image is None:
            raise ValueError(f"no image of {recipe.id} in {self.environment.region}")
        self.images[job] = image
        return image

    def training_job(
        self, job: str, settings: JobSettings, *, role_arn: str, output: str, recipe_uri: str, source: str | None = None
    ) -> Job:
        """What a training job needs beside its data; `source` is the model package that it starts from."""
        return Job(
            image=self.image(job, settings.recipe).uri,
            instance_type=settings.instance_type,
            instance_count=settings.instance_count,
            role_arn=role_arn,
            key_arn=self.resources.key_arn,
            output_uri=f"{self.files.folder}/{output}",
            recipe_uri=recipe_uri,
            max_runtime_seconds=settings.timeout // timedelta(seconds=1),
            tags=self.tags(job),
            model_package=None if source is None else ModelPackage(group_arn=package_group(source), source_arn=source),
        )

    def base_name(self, job: str, settings: JobSettings, *, recipe: bytes, data: Sequence[Upload]) -> str:
        """The name of a training job: of its recipe, its data, its image and its machines."""
        content: Mapping[str, object] = {
            "recipe": sha256(recipe),
            "data": [upload.digest for upload in data],
            "image": self.image(job, settings.recipe).uri,
            "instances": [settings.instance_type, settings.instance_count],
        }
        return self.files.base_name(job, content)


def package_group(package_arn: str) -> str:
    """The ARN of a model package's group: `…:model-package/<group>/<version>` lies in `…:model-package-group/<group>`.

    Raises ValueError for another ARN.
    """
    head, mark, name = package_arn.partition(":model-package/")
    if not mark:
        raise ValueError(f"{package_arn} is no ARN of a model package")
    return f"{head}:model-package-group/{name.partition('/')[0]}"
