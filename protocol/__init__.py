"""The wire: every message, setting and error that two Penstock programs share. Knows no torch and no HTTP."""
