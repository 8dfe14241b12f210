"""Who may ask for what: keys, and what each opens. Knows headers and routes, not what is asked."""

from penstock.frontend.auth.guard import guard
from penstock.frontend.auth.keyring import Identity, Keyring
from penstock.frontend.auth.keys import Keys

__all__ = ["Identity", "Keyring", "Keys", "guard"]
