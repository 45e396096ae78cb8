"""Holds MiniStack's state machines to AWS's rules: their role, their timeouts, aborts, and JSONata in every state.

Replaces the functions of its interpreter that are named in `install`; which of its attributes are used is listed, and
held against the installed version, by `ministack_host.TOUCH_POINTS`.
"""

import contextvars
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from types import ModuleType
from typing import Any

from novaline.rehearsal.aws_call import AwsError
from novaline.rehearsal.cloud import HostCloud
from novaline.rehearsal.distributed_map import DistributedMap
from novaline.rehearsal.execution_scope import SLICE_SECONDS, Json, Scope
from novaline.rehearsal.integrations import Stopped, TaskError, run

STATES = "states.amazonaws.com"


_scope: contextvars.ContextVar[Scope | None] = contextvars.ContextVar("novaline_scope", default=None)


def install(engine: ModuleType, cloud: HostCloud) -> None:
    """Replace what MiniStack's interpreter does otherwise than AWS. To be called once."""
    Interpreter(engine, cloud).install()


class Interpreter:
    """MiniStack's interpreter with some of its functions replaced; `_original` are the ones it came with."""

    def __init__(self, engine: ModuleType, cloud: HostCloud) -> None:
        self._engine = engine
        self._cloud = cloud
        self._events = threading.Lock()
        self._add_event = engine._add_event
        self._run_execution = engine._run_execution
        self._fail_execution = engine._fail_execution
        self._execute_task = engine._execute_task
        self._run_parallel = engine._run_parallel_branches
        self._run_distributed = engine._run_distributed_map
        self._invoke = engine._invoke_resource
        self._output_path = engine._apply_output_path
        self._sleep = engine._scaled_sleep

    def install(self) -> None:
        """Put the replacements in."""
        engine: Any = self._engine
        engine._add_event = self.add_event
        engine._run_execution = self.run_execution
        engine._fail_execution = self.fail_execution
        engine._execute_task = self.execute_task
        engine._run_parallel_branches = self.run_parallel
        engine._run_distributed_map = self.run_distributed_map
        engine._run_sub_machine = self.run_sub_machine
        engine._invoke_resource = self.invoke
        engine._invoke_resource_with_timeout = self.invoke_with_timeout
        engine._invoke_with_callback = self.invoke_with_callback
        engine._apply_output_path = self.apply_output_path
        engine._apply_state_assign = self.assign
        engine._scaled_sleep = self.sleep

    # ---- executions --------------------------------------------------------------------------------------------

    def add_event(self, execution: Json, kind: str, details: Json | None = None) -> Json:
        """Append to the history; events of parallel branches get different ids."""
        with self._events:
            event: Json = self._add_event(execution, kind, details)
            return event

    def run_execution(self, arn: str) -> None:
        """Run an execution under its machine's role, from the trust policy's consent to its end."""
        execution = self._engine._executions.get(arn)
        machine = self._engine._state_machines.get(execution["stateMachineArn"]) if execution else None
        if machine is None:
            self._run_execution(arn)
            return
        try:
            scope = self._open(execution, machine)
        except AwsError as error:
            self._engine._fail_execution(execution, "States.Runtime", error.message)
            return
        limit = self._limit(execution, machine, scope)
        token = _scope.set(scope)
        try:
            self._run_execution(arn)
        except Stopped:
            return  # the status already says why
        finally:
            limit.cancel()
            _scope.reset(token)

    def _open(self, execution: Json, machine: Json) -> Scope:
        role, arn = machine["roleArn"], execution["stateMachineArn"]
        try:
            self._cloud.check_trust(role, STATES, arn)
        except AwsError as error:
            text = f"Neither the global service principal {STATES}, nor the regional one is authorized to assume "
            raise AwsError("AccessDeniedException", f"{text}the provided role. {error.message}") from error
        credentials = self._cloud.session(role, STATES)
        key = (execution.get("encryptionConfiguration") or {}).get("kmsKeyId")
        if key:
            context = {"kms:EncryptionContext:aws:states:stateMachineArn": arn}
            for action in ("kms:GenerateDataKey", "kms:Decrypt"):
                self._cloud.require_key_use(credentials.access_key_id, action, key, service="states", context=context)
        return Scope(execution=execution, cloud=self._cloud, credentials=credentials, add_event=self.add_event)

    def _limit(self, execution: Json, machine: Json, scope: Scope) -> threading.Timer:
        """End the execution when its machine's own TimeoutSeconds are over."""

        def time_out() -> None:
            if scope.stopped:
                return
            execution["status"] = "TIMED_OUT"
            execution["stopDate"] = self._now()
            self.add_event(execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": {}})
            self._engine._emit_execution_status_event(execution)

        try:
            seconds = float(json.loads(machine["definition"]).get("TimeoutSeconds", threading.TIMEOUT_MAX))
        except (ValueError, TypeError, AttributeError):
            seconds = threading.TIMEOUT_MAX
        context = contextvars.copy_context()
        timer = threading.Timer(min(seconds, threading.TIMEOUT_MAX), context.run, args=(time_out,))
        timer.daemon = True
        timer.start()
        return timer

    def _now(self) -> str:
        moment = self._cloud.now()
        return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"

    def fail_execution(self, execution: Json, error: str, cause: str) -> None:
        """Fail an execution, unless it has ended already: an aborted one stays aborted."""
        if execution["status"] == "RUNNING":
            self._fail_execution(execution, error, cause)

    def sleep(self, seconds: float) -> None:
        """Wait on the fast clock, and no longer than somebody wants the result."""
        scope = _scope.get()
        if scope is None:
            self._sleep(seconds)
        else:
            scope.wait(seconds * self._engine._SFN_WAIT_SCALE)

    # ---- tasks -------------------------------------------------------------------------------------------------

    def execute_task(self, state: Json, raw_input: Any, execution: Json, ctx: Json) -> tuple[Any, str | None]:  # noqa: ANN401 - JSON
        """Run a Task; a TimeoutSeconds that is a JSONata expression is evaluated first."""
        if isinstance(state.get("TimeoutSeconds"), str):
            seconds = self._engine._jsonata_state_field(state, "TimeoutSeconds", "number", raw_input, ctx)
            state = {**state, "TimeoutSeconds": seconds}
        found: tuple[Any, str | None] = self._execute_task(state, raw_input, execution, ctx)
        return found

    def invoke(self, resource: str, arguments: Any) -> Any:  # noqa: ANN401 - JSON
        """Make a task's request under the state machine's role."""
        scope = _scope.get()
        if scope is None or ":activity:" in resource:
            return self._invoke(resource, arguments)
        if scope.stopped:
            raise Stopped
        try:
            return run(resource, arguments, scope)
        except TaskError as error:
            raise self._engine._ExecutionError(error.error, error.cause) from error

    def invoke_with_timeout(self, resource: str, arguments: Any, seconds: float) -> Any:  # noqa: ANN401 - JSON
        """The same for so many real seconds; then States.Timeout, and what was started is stopped."""
        scope = _scope.get()
        attempt = scope.inner() if scope is not None else None
        context = contextvars.copy_context()
        context.run(_scope.set, attempt)
        pool = ThreadPoolExecutor(max_workers=1)
        future = pool.submit(context.run, self.invoke, resource, arguments)
        pool.shutdown(wait=False)
        try:
            return future.result(timeout=seconds)
        except FutureTimeoutError:
            if attempt is not None:
                attempt.given_up.set()
            text = f"Task timed out after {seconds:g} seconds"
            raise self._engine._ExecutionError("States.Timeout", text) from None

    def invoke_with_callback(self, resource: str, arguments: Any, token: str, state: Json) -> Any:  # noqa: ANN401 - JSON
        """Hand out a task token by the role's own request, then wait for whoever sends it back."""
        answered = threading.Event()
        tokens = self._engine._task_tokens
        tokens[token] = {"event": answered, "result": None, "error": None, "heartbeat": None}
        scope = _scope.get()
        deadline = time.monotonic() + float(state.get("TimeoutSeconds", threading.TIMEOUT_MAX))
        try:
            self.invoke(resource.replace(".waitForTaskToken", ""), arguments)
            while not answered.wait(SLICE_SECONDS):
                if scope is not None and scope.stopped:
                    raise Stopped
                if time.monotonic() > deadline:
                    raise self._engine._ExecutionError("States.Timeout", "The task token was not sent back in time")
            answer = tokens[token]
        finally:
            tokens.pop(token, None)
        if answer["error"]:
            problem = answer["error"]
            raise self._engine._ExecutionError(problem.get("Error", "States.TaskFailed"), problem.get("Cause", ""))
        result = answer["result"]
        return json.loads(result) if isinstance(result, str) else result

    # ---- states ------------------------------------------------------------------------------------------------

    def apply_output_path(self, state: Json, data: Any, ctx: Json | None = None) -> Any:  # noqa: ANN401 - JSON
        """A state's output; a Succeed state under JSONata has an Output, which MiniStack leaves out."""
        if state.get("Type") == "Succeed" and self._engine._state_query_language(state, ctx) == "JSONata":
            return self._engine._apply_jsonata_output(state, data, ctx, default=data)
        return self._output_path(state, data, ctx)

    def assign(
        self,
        state: Json,
        raw_input: Any,  # noqa: ANN401 - JSON
        ctx: Json | None,
        result: Any = None,  # noqa: ANN401 - JSON
        error_output: Any = None,  # noqa: ANN401 - JSON
    ) -> None:
        """Set a state's variables all at once: each expression sees the values from before the state."""
        names = state.get("Assign")
        if ctx is None or not isinstance(names, dict) or self._engine._state_query_language(state, ctx) != "JSONata":
            return
        values = self._engine._apply_jsonata_template(names, raw_input, ctx, result=result, error_output=error_output)
        ctx.setdefault("variables", {}).update(values)

    def run_parallel(self, state: Json, raw_input: Any, execution: Json, ctx: Json) -> tuple[Any, str | None]:  # noqa: ANN401 - JSON
        """Run branches beside each other: variables of their own, and the first failure stops the others."""
        engine = self._engine
        if engine._state_query_language(state, ctx) != "JSONata":
            original: tuple[Any, str | None] = self._run_parallel(state, raw_input, execution, ctx)
            return original
        given = engine._apply_jsonata_arguments(state, raw_input, ctx)
        branches = [
            _Branch(self, branch, given, execution, {**ctx, "variables": dict(ctx.get("variables", {}))})
            for branch in state["Branches"]
        ]
        results = _run_together(branches)
        output = engine._apply_jsonata_output(state, raw_input, ctx, result=results, default=results)
        engine._apply_state_assign(state, raw_input, ctx, result=results)
        return output, engine._next_or_end(state)

    def run_distributed_map(  # noqa: PLR0917 - MiniStack's own signature
        self,
        state: Json,
        raw_input: Any,  # noqa: ANN401 - JSON
        effective: Any,  # noqa: ANN401 - JSON
        iterator: Json,
        execution: Json,
        ctx: Json,
    ) -> tuple[Any, str | None]:
        """Run a Distributed Map under the state machine's role."""
        scope = _scope.get()
        if scope is None or self._engine._state_query_language(state, ctx) != "JSONata":
            original: tuple[Any, str | None] = self._run_distributed(
                state, raw_input, effective, iterator, execution, ctx
            )
            return original
        found = DistributedMap(
            self._engine, state=state, raw_input=raw_input, execution=execution, ctx=ctx, scope=scope, now=self._now
        )
        return found.perform(self.run_sub_machine, _scope)

    def run_sub_machine(
        self,
        states: Json,
        start_at: str,
        input_data: Any,  # noqa: ANN401 - JSON
        execution: Json,
        ctx: Json,
    ) -> Any:  # noqa: ANN401 - JSON
        """Walk a branch's states from the first to an end, with events of each in the history."""
        engine = self._engine
        scope = _scope.get()
        current: str | None = start_at
        data = input_data
        while current:
            if scope is not None and scope.stopped:
                raise Stopped
            state = states[current]
            kind = state["Type"]
            ctx["State"] = {"Name": current, "EnteredTime": self._now(), "RetryCount": 0}
            entered = {"name": current, "input": json.dumps(data)}
            self.add_event(execution, f"{kind}StateEntered", {"stateEnteredEventDetails": entered})
            if kind == "Fail":
                raise engine._ExecutionError(*engine._fail_state_error(state, data, ctx))
            if kind == "Succeed":
                data, following = (
                    engine._apply_output_path(state, engine._apply_input_path(state, data, ctx), ctx),
                    None,
                )
            elif kind in {"Task", "Parallel", "Map"}:
                data, following = getattr(engine, f"_execute_{kind.lower()}")(state, data, execution, ctx)
            else:
                data, following = getattr(engine, f"_execute_{kind.lower()}")(state, data, ctx)
            left = {"name": current, "output": json.dumps(data)}
            self.add_event(execution, f"{kind}StateExited", {"stateExitedEventDetails": left})
            current = following
        return data


class _Branch:
    """One branch of a Parallel state, to be run in a thread of its own."""

    def __init__(self, interpreter: Interpreter, branch: Json, given: Any, execution: Json, ctx: Json) -> None:  # noqa: ANN401 - JSON
        self._interpreter = interpreter
        self._branch = branch
        self._given = given
        self._execution = execution
        self._ctx = ctx
        outer = _scope.get()
        self.scope = outer.inner() if outer is not None else None
        self.context = contextvars.copy_context()
        self.context.run(_scope.set, self.scope)
        self.result: Any = None
        self.error: BaseException | None = None

    def run(self) -> None:
        """Walk the branch; what it raises is kept."""
        try:
            self.result = self._interpreter.run_sub_machine(
                self._branch["States"],
                self._branch["StartAt"],
                json.loads(json.dumps(self._given)),
                self._execution,
                self._ctx,
            )
        except BaseException as error:
            self.error = error


def _run_together(branches: list[_Branch]) -> list[Any]:
    """The branches' results. Raises what failed first, after the others have stopped."""
    first: list[BaseException] = []

    def run_one(branch: _Branch) -> None:
        branch.run()
        if branch.error is not None:
            first.append(branch.error)
            for other in branches:
                if other is not branch and other.scope is not None:
                    other.scope.given_up.set()

    threads = [threading.Thread(target=branch.context.run, args=(run_one, branch), daemon=True) for branch in branches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if first:
        raise first[0]
    return [branch.result for branch in branches]
