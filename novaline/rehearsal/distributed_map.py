"""A Distributed Map in JSONata, as AWS runs it: items from S3 under the role, one execution an item, a Map Run.

MiniStack's own knows JSONPath alone, reads S3 without asking IAM, and asks nobody whether executions may be started.
Source: https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
"""

import contextvars
import json
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import ModuleType
from typing import Any

from novaline.rehearsal.aws_call import AwsError
from novaline.rehearsal.execution_scope import Json, Scope
from novaline.rehearsal.integrations import Integration, Stopped, TaskError, call

MOST_AT_A_TIME = 4
"""Executions beside each other, whatever MaxConcurrency allows: each holds a process of this computer."""

LARGEST_OUTPUT = 256 * 1024
_UNMADE = ("ItemBatcher", "ResultWriter", "ToleratedFailureCount", "ToleratedFailurePercentage")
_COUNTS = ("pending", "running", "succeeded", "failed", "timedOut", "aborted", "total", "resultsWritten")
_S3 = Integration(service="s3", action="getObject", prefix="S3", sdk=True, sync=False)

Run = Callable[[Json, str, Any, Json, Json], Any]
"""The interpreter's way through the states of an item processor."""


class DistributedMap:
    """One Map Run: its items, its executions, its end."""

    def __init__(
        self,
        engine: ModuleType,
        *,
        state: Json,
        raw_input: Any,  # noqa: ANN401 - JSON
        execution: Json,
        ctx: Json,
        scope: Scope,
        now: Callable[[], str],
    ) -> None:
        self._engine = engine
        self._state = state
        self._input = raw_input
        self._execution = execution
        self._ctx = ctx
        self._scope = scope.inner()
        self._now = now
        self._lock = threading.Lock()
        arn = execution["stateMachineArn"].split(":")
        self._machine, self._label = arn[6], state.get("Label") or str(uuid.uuid4())
        self._place = ":".join(arn[3:5])
        self._arn = f"arn:aws:states:{self._place}:mapRun:{self._machine}/{self._label}:{uuid.uuid4()}"

    def perform(self, run_states: Run, scope_of_thread: contextvars.ContextVar[Scope | None]) -> tuple[Any, str | None]:
        """The state's output and the next state. Raises the interpreter's error, or Stopped."""
        unmade = [name for name in _UNMADE if name in self._state]
        if unmade:
            raise self._error("States.Runtime", f"{unmade[0]} of a Distributed Map is not made by the rehearsal")
        items = self._items()
        record = self._begin(len(items))
        failures: list[Exception] = []

        def run_one(index: int, item: Any) -> Any:  # noqa: ANN401 - JSON
            try:
                child = self._child(index, item)
                scope_of_thread.set(replace(self._scope.inner(), execution=child))
                return self._run_child(child, record, run_states)
            except Stopped:
                return None
            except Exception as error:
                failures.append(error)
                self._scope.given_up.set()  # no failure is tolerated: the others are stopped
                return None

        workers = min(int(self._state.get("MaxConcurrency") or MOST_AT_A_TIME), MOST_AT_A_TIME)
        with ThreadPoolExecutor(max_workers=workers) as pool:
            futures = [
                pool.submit(contextvars.copy_context().run, run_one, index, item) for index, item in enumerate(items)
            ]
            results = [future.result() for future in futures]
        self._end(record, "FAILED" if failures else "ABORTED" if self._scope.stopped else "SUCCEEDED")
        if failures:
            raise self._error(
                "States.ExceedToleratedFailureThreshold", "The specified tolerated failure threshold was exceeded"
            )
        if self._scope.stopped:
            raise Stopped
        return self._output(results)

    # ---- items -------------------------------------------------------------------------------------------------

    def _items(self) -> list[Any]:
        reader = self._state.get("ItemReader")
        if reader is None:
            found = self._engine._jsonata_state_field(self._state, "Items", "array", self._input, self._ctx)
        elif reader["Resource"] == "arn:aws:states:::s3:getObject":
            found = self._engine._parse_reader_items(self._read(reader), reader.get("ReaderConfig") or {})
        else:
            raise self._error("States.Runtime", f"{reader['Resource']} is no reader that the rehearsal makes")
        if not isinstance(found, list):
            raise self._error("States.ItemReaderFailed", "The items are not a list")
        return found

    def _read(self, reader: Json) -> str:
        """The object that holds the items, read under the state machine's role."""
        named = self._engine._apply_jsonata_template(reader.get("Arguments") or {}, self._input, self._ctx)
        client = self._scope.client("s3")
        try:
            operation = client.meta.service_model.operation_model("GetObject")
            return str(call(_S3, client, operation, named)["Body"].read().decode("utf-8"))
        except (TaskError, UnicodeDecodeError) as error:
            cause = error.cause if isinstance(error, TaskError) else str(error)
            raise self._error("States.ItemReaderFailed", cause) from error

    def _selected(self, index: int, item: Any) -> Any:  # noqa: ANN401 - JSON
        selector = self._state.get("ItemSelector")
        if selector is None:
            return item
        ctx = {**self._ctx, "Map": {"Item": {"Index": index, "Value": item}}}
        return self._engine._apply_jsonata_template(selector, self._input, ctx)

    # ---- executions --------------------------------------------------------------------------------------------

    def _child(self, index: int, item: Any) -> Json:  # noqa: ANN401 - JSON
        """The record of an item's execution."""
        name = str(uuid.uuid4())
        return {
            "executionArn": f"arn:aws:states:{self._place}:execution:{self._machine}/{self._label}:{name}",
            "stateMachineArn": f"arn:aws:states:{self._place}:stateMachine:{self._machine}/{self._label}",
            "name": name,
            "status": "RUNNING",
            "startDate": self._now(),
            "stopDate": None,
            "input": json.dumps(self._selected(index, item)),
            "inputDetails": {"included": True},
            "output": None,
            "outputDetails": {"included": True},
            "mapRunArn": self._arn,
            "events": [],
        }

    def _run_child(self, child: Json, record: Json, run_states: Run) -> Any:  # noqa: ANN401 - JSON
        if self._scope.stopped:
            raise Stopped
        processor = self._state["ItemProcessor"]
        self._engine._executions[child["executionArn"]] = child
        self._count(record, pending=-1, running=1)
        outcome = "aborted"
        given = json.loads(child["input"])
        ctx = {
            "QueryLanguage": self._ctx.get("QueryLanguage", "JSONata"),
            "Execution": {
                "Id": child["executionArn"],
                "Input": given,
                "Name": child["name"],
                "StartTime": child["startDate"],
            },
            "StateMachine": {"Id": child["stateMachineArn"], "Name": f"{self._machine}/{self._label}"},
            "variables": {},  # those of the state machine stay outside
        }
        try:
            result = run_states(processor["States"], processor["StartAt"], given, child, ctx)
            outcome = "succeeded"
            child.update(status="SUCCEEDED", output=json.dumps(result))
        except Stopped:
            child.update(status="ABORTED")
            raise
        except Exception as error:
            outcome = "failed"
            kind, cause = getattr(error, "error", "States.Runtime"), getattr(error, "cause", str(error))
            child.update(status="FAILED", error=kind, cause=cause)
            raise
        finally:
            child["stopDate"] = self._now()
            self._count(record, running=-1, **{outcome: 1})
        return result

    # ---- the run -----------------------------------------------------------------------------------------------

    def _begin(self, items: int) -> Json:
        """The Map Run, in what ListMapRuns and DescribeMapRun tell. Raises where the role may not run it."""
        executions = f"arn:aws:states:{self._place}:execution:{self._machine}:{uuid.uuid4()}"
        try:
            self._scope.require("states:StartExecution", self._execution["stateMachineArn"])
            self._scope.require("states:DescribeExecution", executions)
        except AwsError as error:
            raise self._error("States.Permissions", error.message) from error
        counts = dict.fromkeys(_COUNTS, 0) | {"total": items, "pending": items}
        record = {
            "mapRunArn": self._arn,
            "executionArn": self._execution["executionArn"],
            "status": "RUNNING",
            "startDate": self._now(),
            "maxConcurrency": int(self._state.get("MaxConcurrency") or 0),
            "toleratedFailurePercentage": 0.0,
            "toleratedFailureCount": 0,
            "itemCounts": dict(counts),
            "executionCounts": dict(counts),
            "redriveCount": 0,
            "_stateMachineArn": f"arn:aws:states:{self._place}:stateMachine:{self._machine}/{self._label}",
        }
        self._engine._map_runs[self._arn] = record
        details = {"mapRunStartedEventDetails": {"mapRunArn": self._arn}}
        self._engine._add_event(self._execution, "MapRunStarted", details)
        return record

    def _end(self, record: Json, status: str) -> None:
        record.update(status=status, stopDate=self._now())
        self._engine._add_event(self._execution, f"MapRun{status.capitalize()}")

    def _count(self, record: Json, **changes: int) -> None:
        with self._lock:
            for counts in (record["itemCounts"], record["executionCounts"]):
                for name, change in changes.items():
                    counts[name] += change

    def _output(self, results: list[Any]) -> tuple[Any, str | None]:
        if len(json.dumps(results)) > LARGEST_OUTPUT:
            text = "The results of the Map Run exceed the maximum number of bytes service limit (256 KiB)."
            raise self._error("States.DataLimitExceeded", text)
        engine = self._engine
        output = engine._apply_jsonata_output(self._state, self._input, self._ctx, result=results, default=results)
        engine._apply_state_assign(self._state, self._input, self._ctx, result=results)
        return output, engine._next_or_end(self._state)

    def _error(self, error: str, cause: str) -> Exception:
        found: Exception = self._engine._ExecutionError(error, cause)
        return found
