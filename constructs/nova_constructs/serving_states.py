"""The end of the customization workflow as a chain: import the model, deploy or swap it, verify it.

Reads the variables `admitted` and `checkpoint`; leaves `model_arn`, `deployment_arn`, `verification`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from nova_constructs.workflow_states import RUN, Json, States, bare, named_deployment

POLL_SECONDS: Final = 60
MOST_POLLS: Final = 120
"""Two hours: an import and a deployment take minutes; beyond this something is wrong, and the run says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Names and ARNs that the chain's requests carry; CloudFormation tokens at synthesis."""

    table_name: str
    topic_arn: str
    key_arn: str
    import_role_arn: str
    environment_name: str


class ModelServing:
    """Builds the states below `scope`; `start` is the first. A model that is served goes on with `served`.

    What could not be imported or deployed becomes `$failure` and goes on with `failed`. `verify_arn` is the function
    that asks the deployed model.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        states: States,
        verify_arn: str,
        places: Places,
        served: sfn.IChainable,
        failed: sfn.IChainable,
    ) -> None:
        self._scope = scope
        self._states = states
        self._verify_arn = verify_arn
        self._places = places
        self._served = served
        self._failed = failed
        self.start = self._import_model().next(self._model_ready())

    def _import_model(self) -> sfn.Chain:
        start = self._states.bedrock(
            "Import model",
            action="createCustomModel",
            arguments={
                "ModelName": "{% $admitted.custom_model_name %}",
                # Both SDKs send the checkpoint as a folder, with a slash at its end.
                "ModelSourceConfig": {
                    "S3DataSource": {
                        "S3Uri": "{% $substring($checkpoint, -1) = '/' ? $checkpoint : $checkpoint & '/' %}"
                    },
                },
                "ModelKmsKeyArn": self._places.key_arn,
                "RoleArn": self._places.import_role_arn,
                "ModelTags": self._tags(),
                "ClientRequestToken": RUN,
            },
            assign={"model_arn": "{% $states.result.ModelArn %}", "polls": 0},
        )
        describe = self._states.bedrock(
            "Describe model",
            action="getCustomModel",
            arguments={"ModelIdentifier": "{% $model_arn %}"},
            assign={
                "polls": "{% $polls + 1 %}",
                "model_status": "{% $states.result.ModelStatus %}",
                "problem": "{% $exists($states.result.FailureMessage) ? $states.result.FailureMessage : '' %}",
            },
        )
        self._describe_model = describe
        return sfn.Chain.start(start).next(describe)

    def _model_ready(self) -> sfn.Choice:
        return (
            self._states.choice("Model ready?")
            .when(sfn.Condition.jsonata("{% $model_status = 'Active' %}"), self._deploy())
            .when(
                sfn.Condition.jsonata(f"{{% $model_status = 'Failed' or $polls >= {MOST_POLLS} %}}"),
                self._give_up("Model not imported", error="ImportFailed", what="import of the model"),
            )
            .otherwise(self._wait("Wait for model", self._describe_model))
        )

    def _deploy(self) -> sfn.IChainable:
        find = self._states.bedrock(
            "Find deployment",
            action="listCustomModelDeployments",
            arguments={"NameContains": "{% $admitted.deployment.name %}", "MaxResults": 1000},
            assign={
                "polls": 0,
                "deployment_arn": named_deployment("CustomModelDeploymentArn"),
                "deployment_status": named_deployment("Status"),
            },
        )
        create = self._states.bedrock(
            "Create deployment",
            action="createCustomModelDeployment",
            arguments={
                "ModelDeploymentName": "{% $admitted.deployment.name %}",
                "ModelArn": "{% $model_arn %}",
                "Description": f"{{% 'Novaline run ' & {bare(RUN)} %}}",
                "Tags": self._tags(),
                "ClientRequestToken": RUN,
            },
            assign={"deployment_arn": "{% $states.result.CustomModelDeploymentArn %}"},
        )
        update = self._states.bedrock(
            "Update deployment",
            action="updateCustomModelDeployment",
            arguments={
                "CustomModelDeploymentIdentifier": "{% $deployment_arn %}",
                "ModelArn": "{% $model_arn %}",
            },
            assign={"deployment_arn": "{% $states.result.CustomModelDeploymentArn %}"},
        )
        describe = self._describe_deployment()
        ready = self._deployment_ready(describe)
        describe.next(ready)
        choice = (
            self._states.choice("Deployed before?")
            .when(sfn.Condition.jsonata("{% $deployment_status = 'Failed' %}"), self._unusable())
            .when(sfn.Condition.jsonata("{% $deployment_arn != '' %}"), update.next(describe))
            .otherwise(create.next(describe))
        )
        return sfn.Chain.start(find).next(choice)

    def _describe_deployment(self) -> sfn.CustomState:
        return self._states.bedrock(
            "Describe deployment",
            action="getCustomModelDeployment",
            arguments={"CustomModelDeploymentIdentifier": "{% $deployment_arn %}"},
            assign={
                "polls": "{% $polls + 1 %}",
                "deployment_status": "{% $states.result.Status %}",
                "update_status": "{% $exists($states.result.UpdateDetails.UpdateStatus) ? "
                "$states.result.UpdateDetails.UpdateStatus : 'UpdateCompleted' %}",
                # While a deployment is updated, and maybe after, the new model stands in the details of the update.
                "deployed_model": "{% $states.result.UpdateDetails.ModelArn = $model_arn ? "
                "$model_arn : $states.result.ModelArn %}",
                "problem": "{% $exists($states.result.FailureMessage) ? $states.result.FailureMessage : '' %}",
            },
        )

    def _deployment_ready(self, describe: sfn.CustomState) -> sfn.Choice:
        ready = "$deployment_status = 'Active' and $update_status = 'UpdateCompleted' and $deployed_model = $model_arn"
        failed = f"$deployment_status = 'Failed' or $update_status = 'UpdateFailed' or $polls >= {MOST_POLLS}"
        verify = self._states.invoke(
            "Verify",
            function_arn=self._verify_arn,
            payload={
                "run": RUN,
                "deployment_arn": "{% $deployment_arn %}",
                "data_uri": "{% $admitted.evaluations[name = $admitted.gate.evaluation].data_uri %}",
                "rows": "{% $admitted.verify_rows %}",
            },
            assign={"verification": "{% $states.result.Payload %}"},
        )
        return (
            self._states.choice("Deployment ready?")
            .when(sfn.Condition.jsonata(f"{{% {ready} %}}"), verify.next(self._served))
            .when(
                sfn.Condition.jsonata(f"{{% {failed} %}}"),
                self._give_up("Model not deployed", error="DeploymentFailed", what="deployment of the model"),
            )
            .otherwise(self._wait("Wait for deployment", describe))
        )

    def _give_up(self, name: str, *, error: str, what: str) -> sfn.IChainable:
        cause = f"{{% 'The {what} did not succeed after ' & $string($polls) & ' looks: ' & $problem %}}"
        failure = {"error": error, "cause": cause, "state": name}
        return sfn.Pass.jsonata(self._scope, name, assign={"failure": failure}, outputs={}).next(self._failed)

    def _unusable(self) -> sfn.IChainable:
        """A deployment that failed takes no other model. It serves nothing, but to delete it is somebody's decision."""
        name = "Deployment unusable"
        cause = (
            "{% 'The deployment ' & $deployment_arn & ' has failed before and serves nothing: delete it, run again' %}"
        )
        failure = {"error": "DeploymentUnusable", "cause": cause, "state": name}
        return sfn.Pass.jsonata(self._scope, name, assign={"failure": failure}, outputs={}).next(self._failed)

    def _wait(self, name: str, then: sfn.CustomState) -> sfn.IChainable:
        pause = sfn.WaitTime.duration(Duration.seconds(POLL_SECONDS))
        return sfn.Wait.jsonata(self._scope, name, time=pause).next(then)

    def _tags(self) -> list[Json]:
        return [
            {"Key": "novaline:run", "Value": RUN},
            {"Key": "novaline:environment", "Value": self._places.environment_name},
        ]
