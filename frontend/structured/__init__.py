"""What a request says its output must look like, as a Constraint. Knows JSON bodies, no grammar engine."""

from penstock.frontend.structured.asked import constraint_of
from penstock.frontend.structured.fields import StructuredFields

__all__ = ["StructuredFields", "constraint_of"]
