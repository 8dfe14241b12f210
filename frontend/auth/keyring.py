"""From a key to who holds it. Knows digests, not where a key was found or what it is for."""

import hmac
from collections.abc import Iterable

import msgspec

from penstock.protocol.keys import Holder, Scope
from penstock.protocol.keys.holders import digest_of

ALL_SCOPES = frozenset(Scope)


class Identity(msgspec.Struct, frozen=True):
    """Who asks."""

    tenant: str
    """Stands for the holder towards the engine and the store, without giving a key away."""
    scopes: frozenset[Scope] = ALL_SCOPES


class Keyring:
    """Compares a key with every known one, so that the time it takes tells nothing of any."""

    def __init__(self, keys: Iterable[str] = (), holders: Iterable[Holder] = ()) -> None:
        """Bare keys open everything; what a holder's keys open, he says."""
        self._known = [(digest, _nameless(digest)) for digest in map(digest_of, keys)]
        for holder in holders:
            identity = Identity(holder.name, frozenset(holder.scopes))
            self._known += [(digest, identity) for digest in holder.digests]

    def __len__(self) -> int:
        return len(self._known)

    def identify(self, key: str) -> Identity | None:
        """None when nobody holds it."""
        digest, found = digest_of(key), None
        for known, identity in self._known:
            if hmac.compare_digest(digest, known):
                found = identity
        return found


def _nameless(digest: bytes) -> Identity:
    return Identity(digest.hex()[:12])
