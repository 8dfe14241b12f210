"""Weights on their way from files into a model. Know no maths."""
