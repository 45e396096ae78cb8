"""The JSON Schema of environment files, for editors. `python -m novaline.environments.schema` prints it."""

from __future__ import annotations

import json
import sys

from novaline.environments.model import Environment


def environment_schema() -> str:
    """The schema as text, exactly as `environments/environment.schema.json` holds it."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Environment.model_json_schema()}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(environment_schema())
