"""The errors that cross rooms. Knows no HTTP: the front end alone turns these into statuses.

PenstockError
|-- SettingsError     a flag, variable or file is wrong: print it and exit 2
|   `-- NotServedError     it is right, and asks for what this version has not
|-- WireError         bytes that are not a message: count, refuse, go on
|-- ModelError        a checkpoint that cannot be found, read or run
`-- EngineGoneError        no engine answered in time
"""


class PenstockError(Exception):
    """Base of all. `str(error)` is fit for the person who caused it."""


class SettingsError(PenstockError):
    """A setting is unknown, malformed or out of bounds."""


class NotServedError(SettingsError):
    """A setting asks for what this version does not serve; the message says what to do instead."""


class WireError(PenstockError):
    """A frame did not decode."""


class ModelError(PenstockError):
    """A model cannot be served as asked; the message says what to change."""


class EngineGoneError(PenstockError):
    """The engine did not answer and no successor came within the patience of the caller."""
