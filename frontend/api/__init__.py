"""The endpoints: what each takes and answers. Knows shapes of JSON; leaves sampling, text and tokens to others."""
