"""Single fields of a request, each held to its bounds. Knows no prompt and no other field's meaning."""

from penstock.frontend.access import is_name
from penstock.frontend.api.fields import SharedFields
from penstock.frontend.deadline import checked_timeout
from penstock.frontend.errors import bad_request

_INT64 = 1 << 63
MAX_SALT_CHARS = 128
_NOT_IN_SALT = frozenset("@/\\\0")


def body_name(asked: SharedFields) -> str | None:
    """The body's `request_id`, fit for logs and headers."""
    name = asked.request_id
    if name is not None and not is_name(name):
        raise bad_request(
            "request_id must be 1 to 128 visible ASCII characters without quotes, \\, < and >.",
            "request_id",
        )
    return name


def is_streamed(asked: SharedFields) -> bool:
    if asked.stream_options is not None and not asked.stream:
        raise bad_request(
            "Stream options can only be defined when `stream=True`. (parameter=stream_options)",
            "stream_options",
        )
    if asked.prompt_logprobs is not None and asked.stream:
        raise bad_request(
            "`prompt_logprobs` are not available when `stream=True`.", "prompt_logprobs"
        )
    return bool(asked.stream)


def interval(asked: SharedFields) -> int:
    wish = asked.stream_interval
    if wish is not None and wish < 1:
        raise bad_request(
            f"stream_interval must be at least 1, got {wish}.", "stream_interval", wish
        )
    return wish or 1


def priority(asked: SharedFields, in_header: int | None) -> int:
    wish = asked.priority or 0 if in_header is None else in_header
    if not -_INT64 <= wish < _INT64:
        raise bad_request("priority must be a 64-bit integer.", "priority", wish)
    return wish


def cache_salt(salt: str | None) -> str:
    if salt is None:
        return ""
    if not salt or len(salt) > MAX_SALT_CHARS or _NOT_IN_SALT & set(salt):
        raise bad_request(
            f"Parameter 'cache_salt' must be 1 to {MAX_SALT_CHARS} characters, none of them @ / \\ NUL.",
            "cache_salt",
        )
    return salt


def timeout_s(asked: SharedFields) -> float | None:
    return None if asked.timeout is None else checked_timeout(asked.timeout, "timeout")
