"""`python -m penstock.entrypoints...`: the paths by which guides start a server. Knows only what they stand for."""
