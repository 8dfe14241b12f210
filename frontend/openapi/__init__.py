"""The description of the API, made of what the endpoints declare. Knows no endpoint by name."""
