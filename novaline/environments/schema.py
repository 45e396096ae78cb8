"""The JSON Schema of environment files, for editors. `python -m novaline.environments.schema` prints it."""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

from pydantic import TypeAdapter

from novaline.environments.functions import OWN_FORM
from novaline.environments.model import Environment
from novaline.rewards.kinds import KINDS, options_of


def environment_schema() -> str:
    """The schema as text, exactly as `environments/environment.schema.json` holds it."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Environment.model_json_schema()}
    definitions = schema["$defs"]
    for kind in KINDS:
        definitions |= _options(kind)
    for model in ("RewardSettings", "MetricSettings"):
        function = definitions[model]["properties"]["function"]
        function["anyOf"] = [{"enum": list(KINDS)}, {"pattern": OWN_FORM}]
        definitions[model]["allOf"] = [_of_kind(kind) for kind in KINDS]
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _options(kind: str) -> dict[str, Any]:
    """The definitions of what can be set on a reward of that kind, under the kind's name."""
    options = importlib.import_module(f"novaline.rewards.library.{KINDS[kind].module}").Options
    schema = TypeAdapter(options).json_schema(ref_template=f"#/$defs/{kind}.{{model}}")
    inner = {f"{kind}.{name}": found for name, found in schema.pop("$defs", {}).items()}
    for each in (schema, *inner.values()):
        each["additionalProperties"] = False
    for option in options_of(kind):
        schema["properties"][option.name]["description"] = option.doc
    return {f"{kind}.Options": schema, **inner}


def _of_kind(kind: str) -> dict[str, Any]:
    """A function of that kind takes that kind's options."""
    named = {"properties": {"function": {"const": kind}}, "required": ["function"]}
    return {"if": named, "then": {"properties": {"options": {"$ref": f"#/$defs/{kind}.Options"}}}}


if __name__ == "__main__":
    sys.stdout.write(environment_schema())
