"""`propertyNames` by the keywords that name properties. Knows no other keyword's meaning."""

from typing import Any

from penstock.workers.grammar.references import Document, meaningful


def without_property_names(schema: dict[str, Any], document: Document) -> dict[str, Any]:
    """`schema` without the keyword, or as it is where no other can say the same."""
    if "propertyNames" not in schema:
        return schema
    rest = {key: value for key, value in schema.items() if key != "propertyNames"}
    asked = _asked(document.resolved(schema["propertyNames"]))
    if asked == {}:
        return rest
    if asked is None or "patternProperties" in schema:
        return schema
    listed = _listed(asked)
    if listed is not None:
        return _of_listed(listed, rest)
    pattern = _pattern(asked)
    if pattern is None or "properties" in schema:
        return schema
    others = rest.get("additionalProperties", True)
    return {**rest, "patternProperties": {pattern: others}, "additionalProperties": False}


def _asked(names: Any) -> dict[str, Any] | None:
    """What is asked of names beyond that they are strings, which they are. None where that is not known."""
    if names is True:
        return {}
    if not isinstance(names, dict):
        return None
    asked = meaningful(names)
    kinds = asked.pop("type", "string")
    is_any_string = kinds == "string" or (isinstance(kinds, list) and "string" in kinds)
    return asked if is_any_string else None


def _listed(asked: dict[str, Any]) -> list[str] | None:
    match asked:
        case {"const": name} if len(asked) == 1:
            names = [name]
        case {"enum": list(names)} if len(asked) == 1:
            pass
        case _:
            return None
    return [name for name in names if isinstance(name, str)]


def _of_listed(names: list[str], rest: dict[str, Any]) -> dict[str, Any]:
    own, others = rest.get("properties", {}), rest.get("additionalProperties", True)
    properties = {name: part if name in names else False for name, part in own.items()}
    properties |= {name: others for name in names if name not in own}
    return {**rest, "properties": properties, "additionalProperties": False}


def _pattern(asked: dict[str, Any]) -> str | None:
    if asked.keys() == {"pattern"} and isinstance(asked["pattern"], str):
        return asked["pattern"]
    if asked.keys() <= {"minLength", "maxLength"}:
        return rf"^[\s\S]{{{asked.get('minLength', 0)},{asked.get('maxLength', '')}}}$"
    return None
