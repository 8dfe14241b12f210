"""The Responses API's inside: items, events, what is kept of them, and who goes on with them. Knows no HTTP."""
