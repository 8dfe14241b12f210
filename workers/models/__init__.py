"""Models and their configs. Know no files of weights, no requests, no sampling and no text."""
