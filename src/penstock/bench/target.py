"""Which server to ask, where and as whom: settings made definite. Knows no samples."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from penstock.bench.command_line import pairs
from penstock.bench.samples import Endpoint
from penstock.bench.settings import TargetSettings
from penstock.protocol.errors import SettingsError

PATHS: dict[Endpoint, str] = {"completions": "/v1/completions", "chat": "/v1/chat/completions"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where requests go."""

    base_url: str
    path: str
    endpoint: Endpoint
    model: str | None = None
    """None: the first that the server lists."""
    headers: tuple[tuple[str, str], ...] = ()
    checks_certificate: bool = True
    timeout_s: float = 21600.0
    ready_timeout_s: float = 0.0

    @property
    def url(self) -> str:
        return self.base_url + self.path


def make_target(settings: TargetSettings) -> Target:
    """Raises SettingsError when the settings contradict each other."""
    endpoint = _endpoint(settings)
    key = {"Authorization": f"Bearer {settings.api_key}"} if settings.api_key else {}
    return Target(
        base_url=_base_url(settings),
        path=settings.endpoint or PATHS[endpoint],
        endpoint=endpoint,
        model=settings.served_model_name or settings.model,
        headers=tuple({**key, **pairs("--header", settings.header, "=")}.items()),
        checks_certificate=not settings.insecure,
        timeout_s=settings.request_timeout_s,
        ready_timeout_s=settings.ready_check_timeout_sec,
    )


def _base_url(settings: TargetSettings) -> str:
    if settings.base_url is None:
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        return f"http://{host}:{settings.port}"
    url = settings.base_url.rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise SettingsError(
            f"--base-url {settings.base_url}: expected http://host:port or https://"
        )
    # Clients of the OpenAI API write the version into the base, load generators into the path.
    return url.removesuffix("/v1")


def _endpoint(settings: TargetSettings) -> Endpoint:
    path = settings.endpoint
    said: Endpoint | None = None
    if path is not None:
        if not path.startswith("/") or not path.endswith("/completions"):
            raise SettingsError(f"--endpoint {path}: expected {' or '.join(PATHS.values())}")
        said = "chat" if path.endswith("/chat/completions") else "completions"
    if settings.backend is None:
        return said or "completions"
    meant: Endpoint = "chat" if settings.backend == "openai-chat" else "completions"
    if said and said != meant:
        raise SettingsError(f"--backend {settings.backend} does not speak to --endpoint {path}")
    return meant
