"""Host memory beside the device's: what lies there, and how it comes and goes while steps run. Knows no requests."""
