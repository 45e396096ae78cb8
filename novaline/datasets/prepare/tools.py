"""Declarations of tools as people have them, in OpenAI's form and in Converse's."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from novaline.datasets.prepare.problems import BadRow

Tool = dict[str, Any]

_TYPES = {"dict": "object", "float": "number", "tuple": "array"}
"""Python's names of types, which several function-calling datasets write into their schemas."""


def parse_tools(value: object) -> list[Tool]:
    """The tools of a row in OpenAI's form: a list of them in any form, each perhaps as JSON text. Raises BadRow."""
    value = _unpacked(value)
    if isinstance(value, dict):  # Converse's toolConfig
        value = value.get("tools")
    if value is None or value == "":
        return []
    if not isinstance(value, list):
        raise BadRow("tool-form", "the tools are a list", detail=f"found a {type(value).__name__}")
    return [_tool(_unpacked(tool)) for tool in value]


def converse_tools(tools: Sequence[Tool]) -> dict[str, Any]:
    """The `toolConfig` of a Converse row."""
    specs = []
    for tool in tools:
        function = tool["function"]
        about = {"description": function["description"]} if function.get("description") else {}
        specs.append({"toolSpec": {"name": function["name"], **about, "inputSchema": {"json": function["parameters"]}}})
    return {"tools": specs}


def _tool(tool: object) -> Tool:
    if not isinstance(tool, dict):
        raise BadRow("tool-form", "a tool is an object with a name, a description and parameters")
    if isinstance(tool.get("toolSpec"), dict):
        spec = tool["toolSpec"]
        schema = spec.get("inputSchema")
        tool = {**spec, "parameters": schema.get("json") if isinstance(schema, dict) else schema}
    function = tool.get("function", tool)
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(function, dict) or not isinstance(name, str) or not name.strip():
        raise BadRow("tool-form", "a tool is an object with a name, a description and parameters")
    parameters = _unpacked(function.get("parameters") or function.get("input_schema"))
    if parameters is not None and not isinstance(parameters, dict):
        raise BadRow("tool-form", "a tool's parameters are a JSON Schema", detail=f"in {name}")
    made: dict[str, Any] = {"name": name}
    if isinstance(function.get("description"), str) and function["description"].strip():
        made["description"] = function["description"]
    schema = _schema(parameters or {})
    made["parameters"] = {"type": "object", "properties": {}, **schema}
    return {"type": "function", "function": made}


def _schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON Schema without nulls, which tables put where a key is missing, and with JSON's names of types."""
    made = {key: value for key, value in schema.items() if value is not None}
    kind = made.get("type")
    if isinstance(kind, str):
        made["type"] = _TYPES.get(kind, kind)
    properties = made.get("properties")
    if isinstance(properties, dict):
        made["properties"] = {
            name: _schema(each) if isinstance(each, dict) else each
            for name, each in properties.items()
            if each is not None
        }
    if isinstance(made.get("items"), dict):
        made["items"] = _schema(made["items"])
    return made


def _unpacked(value: object) -> object:
    if not isinstance(value, str) or not value.strip():
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise BadRow("no-json", "the tools cannot be read as JSON", detail=f"found {value[:60]!r}") from None
