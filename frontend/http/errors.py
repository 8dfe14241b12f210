"""What goes wrong between a connection and its request. Knows no status."""


class LateBodyError(TimeoutError):
    """The body did not come in time. A TimeoutError, since aiohttp goes on reading what an answer left unread
    and takes no other for the end of that.
    """
