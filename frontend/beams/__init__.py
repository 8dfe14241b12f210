"""Beam search: several continuations at once, of which the likeliest whole ones are answered. Knows no HTTP."""
