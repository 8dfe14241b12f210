"""The workers: run the model over a step plan and sample. Know no requests, no queues and no text."""
