"""Compiles a template so that it can be stopped and cannot grow unseen. Knows Jinja's nodes, not what bounds them."""

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame

_REPEATED = (nodes.For, nodes.Macro, nodes.CallBlock, nodes.Block)
"""Whose bodies may run again and again: by a loop, or by calling themselves."""
_TICK = "tick"


class BoundedCode(CodeGenerator):
    """Has every repeated body begin with a look at the clock, and `~` join by `environment.concat`.

    The look is written out, for a call of Python's would cost several times as much.
    """

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:  # noqa: N802
        for repeated in node.find_all(_REPEATED):
            assert isinstance(repeated, nodes.For | nodes.Macro | nodes.CallBlock | nodes.Block)
            tick = nodes.ExprStmt(nodes.EnvironmentAttribute(_TICK))
            repeated.body.insert(0, tick.set_lineno(repeated.lineno))
        super().visit_Template(node, frame)

    def visit_ExprStmt(self, node: nodes.ExprStmt, frame: Frame) -> None:  # noqa: N802
        match node.node:
            case nodes.EnvironmentAttribute(name=name) if name == _TICK:
                self.newline(node)
                self.write("if environment.now() > context.end_s: context.check()")
            case _:
                super().visit_ExprStmt(node, frame)

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802
        if frame.eval_ctx.volatile or frame.eval_ctx.autoescape:
            super().visit_Concat(node, frame)
            return
        self.write("concat([")
        for part in node.nodes:
            self.write("str(")
            self.visit(part, frame)
            self.write("), ")
        self.write("])")
