#!/usr/bin/env python3
"""Writes apps/flare/api/calls.cpp, the calls that `flare api` knows, from docs/openapi.yaml.

    api_calls.py --write | --check
"""
import pathlib
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCE = ROOT / "docs" / "openapi.yaml"
TARGET = ROOT / "apps" / "flare" / "api" / "calls.cpp"
METHODS = ("get", "post", "patch", "put", "delete")
# Options of the command itself, apps/flare/api/options.cpp.
TAKEN = {"api", "api-key-file", "ca-file", "client-cert", "client-key", "timeout", "json", "all", "body", "help"}
WIDTH = 120
HEAD = """\
// The calls of the server API. Written by scripts/api_calls.py --write from docs/openapi.yaml: change that, not this.
// clang-format off
#include "api/calls.hpp"

#include <array>

namespace flare::cli::api {
namespace written {

using enum Place;
using enum Kind;

"""


def fail(text):
    sys.exit(f"api_calls: {text}")


def resolved(part, document):
    """The part that a reference names, with what is said beside the reference."""
    while "$ref" in part:
        found = document
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        part = {**found, **{key: value for key, value in part.items() if key != "$ref"}}
    return part


def kind_of(schema, document):
    """How a value is typed on a command line, and how it is put into JSON."""
    schema = resolved(schema, document)
    if schema.get("type") == "array":
        return "json" if resolved(schema["items"], document).get("type") == "object" else "texts"
    kinds = {resolved(each, document).get("type") for each in schema.get("oneOf", [schema])}
    if kinds == {"string", "array"}:
        return "text_or_texts"
    if "integer" in kinds or schema.get("pattern") == "^[0-9]{1,20}$":
        return "number"
    return {"boolean": "flag", "object": "json"}.get(schema.get("type"), "text")


class Parameter:
    def __init__(self, call, name, place, schema, says, required, document):
        schema = resolved(schema, document)
        self.name, self.place, self.required = name, place, required
        # As the command line calls it, where the path has a parameter of that name already.
        self.own_name = schema.get("x-option", name)
        self.kind = kind_of(schema, document)
        self.choices = ",".join(schema.get("enum", []))
        self.says = (says or schema.get("description") or "").replace("`", "'")
        if not self.says:
            fail(f"{call}: {name} has no description")
        if self.option() in TAKEN:
            fail(f"{call}: --{self.option()} is an option of `flare api` itself")

    def option(self):
        return self.own_name.lower() if self.place == "header" else self.own_name

    def row(self):
        return wrapped([text(self.option()), text(self.name), self.place, self.kind, str(self.required).lower(),
                        text(self.choices)], text(self.says))


def text(value):
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def parameters_of(name, operation, document):
    found = []
    for part in operation.get("parameters", []):
        part = resolved(part, document)
        found.append(Parameter(name, part["name"], part["in"], part["schema"], part.get("description"),
                               part.get("required", False), document))
    if "requestBody" in operation:
        body = resolved(operation["requestBody"]["content"]["application/json"]["schema"], document)
        required = body.get("required", [])
        found += [Parameter(name, field, "body", schema, None, field in required, document)
                  for field, schema in body.get("properties", {}).items()]
    order = ["path", "body", "query", "header"]
    found.sort(key=lambda each: (order.index(each.place), not each.required))
    names = [each.option() for each in found]
    if len(names) != len(set(names)):
        fail(f"{name}: two parameters have one name")
    return found


def items_of(operation, document):
    """The field of the answer that is a list of what was asked for."""
    for status, answer in operation["responses"].items():
        content = resolved(answer, document).get("content", {})
        if not status.startswith("2") or "application/json" not in content:
            continue
        schema = resolved(content["application/json"]["schema"], document)
        for one in schema.get("oneOf", [schema]):
            one = resolved(one, document)
            for field, value in one.get("properties", {}).items():
                if field in one.get("required", []) and resolved(value, document).get("type") == "array":
                    return field
    return ""


def wrapped(fields, last):
    """A row of the table, in as many lines as it needs."""
    lines = ["    {"]
    for field in [each + ", " for each in fields] + [last + "},"]:
        if len((lines[-1] + field).rstrip()) > WIDTH:
            lines.append("     ")
        lines[-1] += field
    return "".join(line.rstrip() + "\n" for line in lines)


def source_of(document):
    parts, rows = [], []
    shared = {}  # rows of the parameters: name of their array
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method not in METHODS:
                continue
            name = operation["operationId"]
            parameters = parameters_of(name, operation, document)
            lines = "".join(each.row() for each in parameters)
            array = "{}"
            if parameters:
                array = shared.get(lines)
                if array is None:
                    array = shared[lines] = "k" + name.title().replace("_", "")
                    parts.append(f"constexpr auto {array} = std::to_array<Parameter>({{\n{lines}}});\n")
            fields = [name, method.upper(), path, items_of(operation, document)]
            rows.append(wrapped([*map(text, fields), array], text(operation["summary"])))
    table = "constexpr auto kCalls = std::to_array<Call>({\n" + "".join(rows) + "});\n"
    return (HEAD + "".join(parts) + table + "\n}  // namespace written\n\n" +
            "std::span<const Call> calls() { return written::kCalls; }\n\n}  // namespace flare::cli::api\n")


def main():
    wanted = source_of(yaml.safe_load(SOURCE.read_text()))
    if sys.argv[1:] == ["--write"]:
        TARGET.write_text(wanted)
    elif sys.argv[1:] == ["--check"]:
        if TARGET.read_text() != wanted:
            fail("apps/flare/api/calls.cpp is not what docs/openapi.yaml says: run scripts/api_calls.py --write")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
