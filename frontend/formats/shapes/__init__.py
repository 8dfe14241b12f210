"""The ways of writing a call down. Each reads one call; none knows what lies around it."""
