"""Text on one side, token ids on the other. Knows no HTTP, no engine and no clock but the templates' own."""
