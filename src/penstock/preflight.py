"""What the programs would refuse after their start, asked before it. Knows whom to ask, not what they accept.

Each check imports what it asks only when there is something to ask: most starts set nothing of it.
"""

from penstock.protocol.model_path import find_model
from penstock.protocol.settings import EngineSettings, FrontendSettings


def check_engine(settings: EngineSettings) -> None:
    """Raises ModelError where the model cannot be split as asked, or where it cannot be found or read."""
    if settings.world_size == 1:
        return
    from penstock.workers.models.families import read_model_config
    from penstock.workers.parallel.part import part_of_rank

    config = read_model_config(find_model(settings))
    for rank in range(settings.world_size):
        part_of_rank(rank, settings.tensor_parallel_size, settings.pipeline_parallel_size).of(
            config
        )


def check_frontend(settings: FrontendSettings) -> None:
    """Raises SettingsError or TextError for what Penstock's own front ends would end with."""
    _check_formats(settings)
    if settings.chat_template is not None:
        from penstock.frontend.text.chat_template import ChatTemplates, given_template

        ChatTemplates({"default": given_template(settings.chat_template)})
    if settings.ssl_certfile is not None:
        from penstock.frontend.http.tls import Certificates

        Certificates(settings)
    if settings.responses_store != "auto":  # nothing of it is opened before its first use
        from penstock.frontend.responses.places import open_store

        open_store(settings)


def _check_formats(settings: FrontendSettings) -> None:
    if settings.tool_call_parser != "auto":
        from penstock.frontend.formats import tool_format

        tool_format(settings.tool_call_parser)
    if settings.reasoning_parser not in ("auto", "none", ""):
        from penstock.frontend.formats import reasoning_format

        reasoning_format(settings.reasoning_parser)
