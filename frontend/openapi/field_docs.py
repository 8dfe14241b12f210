"""What is written below each field of a struct, as its docstring. Knows Python's source, no struct of ours."""

import ast
import functools
import inspect
import sys

import msgspec

Docs = dict[str, str]
"""By field."""


def field_docs(struct: type[msgspec.Struct]) -> Docs:
    """Of its own fields and those that it inherits."""
    found: Docs = {}
    for base in reversed(struct.__mro__):
        if issubclass(base, msgspec.Struct) and base is not msgspec.Struct:
            found |= _docs_of_module(base.__module__).get(base.__qualname__, {})
    return found


@functools.cache
def _docs_of_module(name: str) -> dict[str, Docs]:
    """By class."""
    tree = ast.parse(inspect.getsource(sys.modules[name]))
    return {node.name: _docs_of(node) for node in tree.body if isinstance(node, ast.ClassDef)}


def _docs_of(tree: ast.ClassDef) -> Docs:
    return {
        declared.target.id: inspect.cleandoc(below.value.value)
        for declared, below in zip(tree.body, tree.body[1:], strict=False)
        if isinstance(declared, ast.AnnAssign)
        and isinstance(declared.target, ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(below.value.value, str)
    }
