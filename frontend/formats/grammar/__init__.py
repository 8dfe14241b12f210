"""Writes grammars that force calls in a model's own format, in llguidance's dialect of Lark. Parses nothing."""
