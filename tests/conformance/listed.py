"""Where Novaline's requests and those of Amazon's SDKs differ on purpose; docs/conformance.md prints this list."""

from __future__ import annotations

from compare import Difference

JOB = {2: "training job, version 2", 3: "training job, version 3"}
SERVERLESS_TRAINING = "serverless training, version 3"
SERVERLESS_EVALUATION = "serverless evaluation, version 3"
EVALUATOR = "evaluator, version 3"

_JOB_NAME = "each attempt gets a name of its own, so a request is kept without one"
_RECIPE_PLACE = "the recipe lies in the run's folder of the artifact bucket, not in a bucket that the SDK makes"
_SAID_ALOUD = "the service's default said aloud, as version 3 does when told; version 2 sends it only when true"

LISTED = (
    Difference(asked=JOB[3], path="TrainingJobName", ours=None, theirs=r"'conformance-\d+'", reason=_JOB_NAME),
    Difference(
        asked=JOB[3],
        path="InputDataConfig[recipe].DataSource.S3DataSource.S3Uri",
        ours=r"'s3://bucket/recipes/recipe\.yaml'",
        theirs=r"'s3://sagemaker-us-east-1-\d+/conformance/conformance-\d+/input/recipe/recipe\.yaml'",
        reason=_RECIPE_PLACE,
    ),
    Difference(
        asked=JOB[3],
        path="HyperParameters.model_type",
        ours=r"'amazon\.nova-.+'",
        theirs=None,
        reason="version 2 sends it; whether a container reads it is unproven",
    ),
    Difference(asked=JOB[2], path="TrainingJobName", ours=None, theirs=r"'conformance-[\d-]+'", reason=_JOB_NAME),
    Difference(
        asked=JOB[2],
        path="InputDataConfig[recipe].DataSource.S3DataSource.S3Uri",
        ours=r"'s3://bucket/recipes/recipe\.yaml'",
        theirs=r"'s3://sagemaker-us-east-1-\d+/recipes/[\d-]+_recipe_\w+'",
        reason=_RECIPE_PLACE + "; an exact object, as version 3 gives it, where version 2 gives a prefix",
    ),
    Difference(
        asked=JOB[2],
        path="HyperParameters.sagemaker_recipe_local_path",
        ours=r"'/opt/ml/input/data/recipe/recipe\.yaml'",
        theirs=r"'/opt/ml/input/data/recipe/recipe_\w+\.yaml'",
        reason="the recipe's name is that of version 3; version 2 draws one at random",
    ),
    Difference(
        asked=JOB[2],
        path="OutputDataConfig.CompressionType",
        ours="'GZIP'",
        theirs=None,
        reason="the service's default said aloud, as version 3 does: where the manifest lies depends on it",
    ),
    Difference(
        asked=JOB[2],
        path="EnableNetworkIsolation",
        ours="False",
        theirs=None,
        unless=("sft-isolated",),
        reason=_SAID_ALOUD,
    ),
    Difference(
        asked=JOB[2],
        path="EnableInterContainerTrafficEncryption",
        ours="False",
        theirs=None,
        only=("sft-not-encrypted-between-instances",),
        reason=_SAID_ALOUD,
    ),
    Difference(
        asked=JOB[2],
        path="ProfilerConfig.DisableProfiler",
        ours=None,
        theirs="True",
        reason="version 3 leaves the profiler alone as well",
    ),
    Difference(
        asked=JOB[2],
        path="RemoteDebugConfig.EnableRemoteDebug",
        ours=None,
        theirs="False",
        reason="version 3 leaves remote debugging alone as well",
    ),
    Difference(
        asked=SERVERLESS_TRAINING, path="TrainingJobName", ours=None, theirs=r"'conformance-\d+'", reason=_JOB_NAME
    ),
    *(
        Difference(
            asked=SERVERLESS_TRAINING,
            path=f"Tags[sagemaker-sdk:jumpstart-{name}].{part}",
            ours=None,
            theirs=r"'[\w:-]+'",
            reason="tags of the SDK's own, which name the hub and the model that it looked up",
        )
        for name in ("hub-name", "model-id")
        for part in ("Key", "Value")
    ),
    *(
        Difference(
            asked=SERVERLESS_EVALUATION,
            path=f"Tags[novaline:run].{part}",
            ours=r"'[\w:]+'",
            theirs=None,
            reason="the SDK writes a step of a pipeline, and tags the pipeline",
        )
        for part in ("Key", "Value")
    ),
    Difference(
        asked=SERVERLESS_EVALUATION,
        path="HyperParameters.aggregation",
        ours=None,
        theirs="'mean'",
        only=("own-data",),
        reason="sent only when it is said; the SDK fills in a word that AWS's page does not list",
    ),
    Difference(
        asked=SERVERLESS_EVALUATION,
        path="InputDataConfig[train].DataSource.S3DataSource.S3DataDistributionType",
        ours="'FullyReplicated'",
        theirs=None,
        only=("own-data",),
        reason="as the SDK's trainers send it; its pipeline leaves it out",
    ),
    Difference(
        asked=EVALUATOR,
        path="HubContentVersion",
        ours=r"'0\.0\.1'",
        theirs=r"'1\.0\.0'",
        reason="a version is its owner's to choose; the SDK counts from 1.0.0",
    ),
)
