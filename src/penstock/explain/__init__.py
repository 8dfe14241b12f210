"""`penstock serve --explain`: tells what would be started, and why so, without starting it. Needs no torch."""
