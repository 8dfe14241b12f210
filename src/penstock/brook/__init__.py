"""brook, the small language model that ships with Penstock: data files, no code."""
