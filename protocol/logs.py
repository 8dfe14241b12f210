"""How a process writes its log: lines for people, or one JSON object a line. Knows no message and no setting."""

import logging
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal

import msgspec

FIELDS = "fields"
"""`extra={FIELDS: {...}}` gives a record's facts as keys of its JSON object; lines for people leave them out."""
REQUEST_ID = "request_id"

Format = Literal["text", "json"]


def fields(**facts: Any) -> dict[str, Any]:
    """`log.info("...", extra=fields(request_id=name))`."""
    return {FIELDS: facts}


class JsonFormatter(logging.Formatter):
    """`{"time", "level", "process", "pid", "logger", "message"}`, then the record's facts and its exception."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process
        self._encode = msgspec.json.Encoder(enc_hook=str).encode

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, Any] = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "process": self._process,
            "pid": record.process,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= getattr(record, FIELDS, {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return self._encode({key: _encodable(value) for key, value in line.items()}).decode()


def _encodable(value: Any) -> Any:
    """Half a surrogate pair is no UTF-8."""
    is_text = isinstance(value, str)
    return value.encode("utf-8", "backslashreplace").decode() if is_text else value


def set_up(level: str, form: Format, process: str) -> None:
    """Everything that this process says goes to stderr, in one form: crashes and warnings too."""
    handler = logging.StreamHandler(sys.stderr)
    text = logging.Formatter(f"%(asctime)s {process} %(name)s %(levelname)s %(message)s")
    handler.setFormatter(JsonFormatter(process) if form == "json" else text)
    logging.basicConfig(level=level.upper(), handlers=[handler])
    if form == "json":
        logging.captureWarnings(True)
        sys.excepthook = _log_crash
        threading.excepthook = _log_thread_crash


def _log_crash(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger("penstock").critical("ended by an error", exc_info=(kind, error, trace))


def _log_thread_crash(crash: threading.ExceptHookArgs) -> None:
    assert crash.exc_value is not None
    name = crash.thread.name if crash.thread else "?"
    trace = (crash.exc_type, crash.exc_value, crash.exc_traceback)
    logging.getLogger("penstock").critical("thread %s ended by an error", name, exc_info=trace)
