"""The api-frontend: HTTP and text on one side, token ids on the other. Knows nothing of scheduling or tensors."""
