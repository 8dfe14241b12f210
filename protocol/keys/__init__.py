"""The file of API keys, as every program that needs it reads it. Knows no request and no route."""

from penstock.protocol.keys.holders import Holder, KeyFile, Quotas, Scope
from penstock.protocol.keys.reading import read_key_file
from penstock.protocol.keys.watched import WatchedKeyFile

__all__ = ["Holder", "KeyFile", "Quotas", "Scope", "WatchedKeyFile", "read_key_file"]
