"""Logits to tokens. Knows token ids and sampling parameters, not models, blocks or requests.

One step, in order: bias and penalties and bans change the logits in place; greedy rows take the
argmax; random rows draw by inverse CDF, over the whole vocabulary or over the head that their
filters leave; log probabilities come from the logits as the model made them.
"""
