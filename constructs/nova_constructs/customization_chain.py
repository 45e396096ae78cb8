"""The customization workflow as a chain: admit, train each stage, evaluate, compare, import, deploy, register.

Input: ``{"run", "claim": {"uri", "version_id", "sha256"}}``. Output: ``{"run", "status", "verdict", "summary",
"deployment_arn"?}``, status one of ``deployed``, ``evaluated`` (no deployment asked for), ``rejected`` (the gate).
Errors: the execution fails with the error and cause of the state that failed, after it was recorded and notified.

Stages are trained one after the other, in a loop: Prepare stage, Try reward where the stage has one, Train, Collect
checkpoint. What is evaluated, imported and deployed is what the last one made.

Variables: `admitted` (what Admit returned); `stage` (the name of the one that is trained), `work` (its job), `trial`
(of its reward function), `training`, `checkpoint`, all of the newest stage; `checkpoints` (of every stage so far, by
name); `jobs`, `evaluated`, `gate`, `model_arn`, `deployment_arn`, `verification`, `outcome`; and `failure` on the way
to the end of a failed run.
"""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from nova_constructs.serving_states import ModelServing, Places
from nova_constructs.workflow_functions import WorkflowFunctions
from nova_constructs.workflow_states import (
    CLAIM,
    RUN,
    STORE_RETRIES,
    TRIAL_RETRIES,
    Json,
    States,
    bare,
)


class CustomizationChain:
    """Builds the chain below `scope`; `start` is its first state."""

    def __init__(self, scope: Construct, *, functions: WorkflowFunctions, places: Places) -> None:
        self._scope = scope
        self._functions = functions
        self._places = places
        on_failure = self._failure_path()
        self._states = States(scope, on_failure=on_failure)
        self._of_stage = States(scope, on_failure=on_failure, of_stage=True)
        self.start = self._chain()

    def _chain(self) -> sfn.IChainable:
        admit = self._states.invoke(
            "Admit",
            function_arn=self._functions.admit.function.function_arn,
            payload={"run": RUN, "claim": CLAIM},
            assign={
                "admitted": "{% $states.result.Payload %}",
                "stage": "{% $states.result.Payload.stages[0] %}",
                "checkpoints": {},
            },
        )
        compare = self._states.invoke(
            "Compare",
            function_arn=self._functions.gate.function.function_arn,
            payload={"run": RUN, "gate": "{% $admitted.gate %}", "jobs": "{% $evaluated %}"},
            assign={"gate": "{% $states.result.Payload %}"},
        )
        evaluate = self._evaluate()
        evaluate.next(compare).next(self._good_enough())
        return sfn.Chain.start(admit).next(self._record_start()).next(self._each_stage(evaluate))

    def _each_stage(self, evaluate: sfn.Map) -> sfn.IChainable:
        """The loop over the stages. The claim holds their jobs; one of them at a time is in the state."""
        prepare = self._of_stage.invoke(
            "Prepare stage",
            function_arn=self._functions.prepare.function.function_arn,
            payload={"run": RUN, "claim": CLAIM, "stage": "{% $stage %}", "checkpoints": "{% $checkpoints %}"},
            assign={"work": "{% $states.result.Payload %}"},
        )
        train = self._of_stage.training_job(
            "Train",
            job="$work",
            assign={
                "training": {
                    "job_name": "{% $states.result.TrainingJobName %}",
                    "output_path": "{% $states.result.OutputDataConfig.S3OutputPath %}",
                }
            },
            output={},
        )
        another = (
            self._states.choice("Another stage?")
            .when(sfn.Condition.jsonata("{% $work.next != '' %}"), prepare, assign={"stage": "{% $work.next %}"})
            .otherwise(evaluate)
        )
        train.next(self._collect()).next(another)
        return prepare.next(self._reward_to_try(train))

    def _collect(self) -> sfn.CustomState:
        return self._of_stage.invoke(
            "Collect checkpoint",
            function_arn=self._functions.collect.function.function_arn,
            payload={
                "run": RUN,
                "stage": "{% $stage %}",
                "job_name": "{% $training.job_name %}",
                "output_path": "{% $training.output_path %}",
                "evaluations": "{% $work.next = '' ? $admitted.evaluations : [] %}",
            },
            assign={
                "checkpoint": "{% $states.result.Payload.checkpoint %}",
                "checkpoints": "{% $merge([$checkpoints, {$stage: $states.result.Payload.checkpoint}]) %}",
                "jobs": "{% $states.result.Payload.jobs %}",
            },
        )

    def _reward_to_try(self, train: sfn.CustomState) -> sfn.Choice:
        """A stage that learns from a reward function tries it first; every other one trains at once."""
        reward = "$work.request.HyperParameters.reward_lambda_arn"
        attempt = self._of_stage.invoke(
            "Try reward",
            function_arn=self._functions.trial.function.function_arn,
            payload={"run": RUN, "stage": "{% $stage %}", "reward_arn": f"{{% {reward} %}}"},
            assign={"trial": "{% $states.result.Payload %}"},
            retries=TRIAL_RETRIES,
        )
        return (
            self._states.choice("Reward to try?")
            .when(sfn.Condition.jsonata(f"{{% $exists({reward}) %}}"), attempt.next(train))
            .otherwise(train)
        )

    def _record_start(self) -> sfn.CustomState:
        item = {
            "run": {"S": RUN},
            "entry": {"S": "run"},
            "status": {"S": "running"},
            "name": {"S": "{% $admitted.name %}"},
            "model": {"S": "{% $admitted.model %}"},
            "started": {"S": "{% $states.context.Execution.StartTime %}"},
            "execution": {"S": "{% $states.context.Execution.Id %}"},
            "worst_case_usd": {"N": "{% $string($admitted.worst_case_usd) %}"},
        }
        return self._states.task(
            "Record start",
            resource="dynamodb:putItem",
            arguments={"TableName": self._places.table_name, "Item": item},
            timeout=60,
            retries=STORE_RETRIES,
            output={},
        )

    def _evaluate(self) -> sfn.Map:
        evaluate = sfn.Map.jsonata(
            self._scope,
            "Evaluate",
            comment="Base and candidate of every evaluation, at the same time",
            items=sfn.ProvideItems.jsonata("{% $jobs %}"),
            assign={"evaluated": "{% $states.result %}"},
            outputs={},
        )
        # Caught by the Map: a state inside it cannot reach the failure path outside.
        run_evaluation = States(self._scope).training_job(
            "Run evaluation",
            job="$states.input",
            output={
                "evaluation": "{% $states.input.evaluation %}",
                "subject": "{% $states.input.subject %}",
                "job_name": "{% $states.result.TrainingJobName %}",
                "output_path": "{% $states.result.OutputDataConfig.S3OutputPath %}",
            },
        )
        evaluate.item_processor(run_evaluation)
        self._states.catch(evaluate, "Evaluate")
        return evaluate

    def _good_enough(self) -> sfn.Choice:
        notify = self._notify()
        rejected = self._register("Register rejection", status="rejected").next(notify)
        evaluated = self._register("Register evaluation", status="evaluated").next(notify)
        return (
            self._states.choice("Good enough?")
            .when(sfn.Condition.jsonata("{% $not($gate.accepted) %}"), rejected)
            .when(sfn.Condition.jsonata("{% $admitted.deployment.target = 'none' %}"), evaluated)
            .otherwise(self._serve(notify))
        )

    def _serve(self, notify: sfn.IChainable) -> sfn.IChainable:
        register = self._register("Register deployment", status="deployed")
        register.next(notify)
        serving = ModelServing(
            self._scope,
            states=self._states,
            verify_arn=self._functions.verify.function.function_arn,
            places=self._places,
            served=register,
            failed=self._record_failure,
        )
        return serving.start

    def _register(self, name: str, *, status: str) -> sfn.CustomState:
        payload: dict[str, Any] = {
            "run": RUN,
            "name": "{% $admitted.name %}",
            "model": "{% $admitted.model %}",
            "status": status,
            "checkpoint": "{% $checkpoint %}",
            "gate": "{% $gate %}",
        }
        outcome: dict[str, Any] = {
            "run": RUN,
            "status": status,
            "verdict": "{% $gate.verdict %}",
            "reason": "{% $gate.reason %}",
            "summary": "{% $states.result.Payload.summary %}",
        }
        if status == "deployed":
            payload["deployment"] = {
                "arn": "{% $deployment_arn %}",
                "name": "{% $admitted.deployment.name %}",
                "model_arn": "{% $model_arn %}",
                "time_to_live_hours": "{% $exists($admitted.deployment.time_to_live_hours) ? "
                "$admitted.deployment.time_to_live_hours : null %}",
            }
            payload["verification"] = "{% $verification %}"
            outcome |= {"deployment_arn": "{% $deployment_arn %}", "custom_model_arn": "{% $model_arn %}"}
        return self._states.invoke(
            name,
            function_arn=self._functions.register.function.function_arn,
            payload=payload,
            assign={"outcome": outcome},
        )

    def _notify(self) -> sfn.Chain:
        message = f"{{% 'Run ' & {bare(RUN)} & ' is ' & $outcome.status & '. ' & $outcome.reason %}}"
        notify = self._publish("Notify", subject="Novaline: run finished", message=message)
        self._states.catch(notify, "Notify")
        done = sfn.Succeed.jsonata(self._scope, "Done", outputs="{% $outcome %}")
        return sfn.Chain.start(notify).next(done)

    def _failure_path(self) -> sfn.IChainable:
        """Recorded, notified, failed. When recording or notifying fails too, the run ends with its first failure."""
        record = States(self._scope).task(
            "Record failure",
            resource="dynamodb:updateItem",
            arguments={
                "TableName": self._places.table_name,
                "Key": {"run": {"S": RUN}, "entry": {"S": "run"}},
                "UpdateExpression": "SET #status = :status, finished = :finished, failure = :failure",
                "ExpressionAttributeNames": {"#status": "status"},
                "ExpressionAttributeValues": {
                    ":status": {"S": "failed"},
                    ":finished": {"S": "{% $now() %}"},
                    ":failure": {"S": "{% $failure.state & ': ' & $failure.error & ': ' & $failure.cause %}"},
                },
            },
            timeout=60,
            retries=STORE_RETRIES,
            output={},
        )
        story = "$failure.state & ': ' & $failure.error & ': ' & $failure.cause"
        message = f"{{% 'Run ' & {bare(RUN)} & ' failed in ' & {story} %}}"
        notify = self._publish("Notify failure", subject="Novaline: run failed", message=message)
        failed = sfn.Fail.jsonata(
            self._scope, "Failed", error="{% $failure.error %}", cause="{% $failure.state & ': ' & $failure.cause %}"
        )
        record.add_catch(notify, errors=["States.ALL"])
        notify.add_catch(failed, errors=["States.ALL"])
        record.next(notify)
        notify.next(failed)
        self._record_failure = record
        return record

    def _publish(self, name: str, *, subject: str, message: str) -> sfn.CustomState:
        arguments: Json = {"TopicArn": self._places.topic_arn, "Subject": subject, "Message": message}
        return States(self._scope).task(
            name,
            resource="sns:publish",
            arguments=arguments,
            timeout=60,
            retries=STORE_RETRIES,
            output={},
        )
