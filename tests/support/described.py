"""Holds answers to what /openapi.json says of them. Knows OpenAPI's words, no endpoint."""

import json
import re
from typing import Any

from jsonschema import Draft202012Validator

from support.front import Answer


class Description:
    """One server's."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    @property
    def operations(self) -> dict[tuple[str, str], dict[str, Any]]:
        return {
            (method.upper(), path): operation
            for path, methods in self.document["paths"].items()
            for method, operation in methods.items()
        }

    def errors(self, schema: Any, value: Any) -> list[str]:
        """Where the value is not what the schema says."""
        whole = {**schema, "components": self.document["components"]}
        found = Draft202012Validator(whole).iter_errors(value)
        return [f"{error.json_path}: {error.message[:200]}" for error in found]

    def check(self, method: str, path: str, answer: Answer) -> None:
        """The status is described, and so is the body; of a stream every event."""
        described = self._answer(self.operations[method, path], answer.status)
        media = answer.headers["content-type"].partition(";")[0]
        assert media in described["content"], (method, path, answer)
        schema = described["content"][media]["schema"]
        if media == "text/event-stream":
            schema = _of_data(schema["properties"]["data"])
        for value in _values(media, answer.data):
            assert not self.errors(schema, value), (method, path, value)

    def _answer(self, operation: dict[str, Any], status: int) -> Any:
        found = operation["responses"][str(status)]
        return self.referred(found["$ref"]) if "$ref" in found else found

    def referred(self, reference: str) -> Any:
        found = self.document
        for name in reference.removeprefix("#/").split("/"):
            found = found[name]
        return found

    @property
    def references(self) -> set[str]:
        return set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(self.document)))


def _of_data(data: Any) -> Any:
    """What an event's JSON may be."""
    kinds = data.get("anyOf", [data])
    return {"anyOf": [kind["contentSchema"] for kind in kinds if "contentSchema" in kind]}


def _values(media: str, data: bytes) -> list[Any]:
    if media == "application/json":
        return [json.loads(data)]
    if media != "text/event-stream":
        return [data.decode()]
    lines = [line.removeprefix("data: ") for line in data.decode().splitlines()]
    return [json.loads(line) for line in lines if line.startswith("{")]
