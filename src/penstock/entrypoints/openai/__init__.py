"""`python -m penstock.entrypoints.openai.api_server`. Knows only what it stands for."""
