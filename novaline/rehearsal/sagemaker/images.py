"""The container images of Nova training jobs: where they lie, and which one trains or evaluates what.

Accounts and tags: recipes repository of SageMaker HyperPod (`nova_regional_parameters.json`, 2026-06).
"""

import re
from dataclasses import dataclass

from novaline.rehearsal.sagemaker.failures import JobFailure

ACCOUNTS = {"us-east-1": "708977205387", "us-west-2": "176779409107", "ap-northeast-1": "878185805882"}
TRAINING = "nova-fine-tune-repo"
EVALUATION = "nova-evaluation-repo"
SFT_TAGS = {1: "SM-TJ-SFT-latest", 2: "SM-TJ-SFT-V2-latest"}  # by generation of the model
DPO_TAG = "SM-TJ-DPO-latest"
RFT_TAG = "SM-TJ-RFT-V2-latest"
EVALUATION_TAG = "SM-TJ-Eval-V2-latest"
PULL_ACTIONS = ("ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage")

_URI = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/(?P<repository>[^:@]+)"
    r"(:(?P<tag>[^@]+)|@(?P<digest>sha256:[0-9a-f]{64}))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image in ECR, by tag or by digest: the other one is None."""

    account: str
    region: str
    repository: str
    tag: str | None
    digest: str | None = None

    @property
    def repository_arn(self) -> str:
        """What the execution role must be allowed to pull from."""
        return f"arn:aws:ecr:{self.region}:{self.account}:repository/{self.repository}"


def find_image(uri: str, *, region: str) -> Image:
    """The published Nova image that `uri` names. Raises JobFailure for one that is not published in that region.

    What lies behind a digest cannot be known here, so it may be any image of a published repository.
    """
    match = _URI.fullmatch(uri)
    image = Image(**match.groupdict()) if match else None
    tags = {TRAINING: {*SFT_TAGS.values(), DPO_TAG, RFT_TAG}, EVALUATION: {EVALUATION_TAG}}
    expected = ACCOUNTS.get(region)
    if (
        image is None
        or image.region != region
        or image.account != expected
        or image.repository not in tags
        or (image.digest is None and image.tag not in tags[image.repository])
    ):
        known = ", ".join(f"{name}:{tag}" for name, of_name in tags.items() for tag in sorted(of_name))
        place = (
            f"{expected}.dkr.ecr.{region}.amazonaws.com" if expected else f"a registry (none is published in {region})"
        )
        raise JobFailure.client(f"cannot pull the image {uri}: the rehearsal knows {known} in {place}")
    return image
