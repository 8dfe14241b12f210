"""From a sample to the JSON that is posted. Knows the API's fields, not connections."""

from typing import Any

import msgspec

from penstock.bench.samples import Endpoint, Sample
from penstock.bench.settings import SamplingSettings

_encode = msgspec.json.Encoder().encode


class BodyMaker:
    """Bodies of streamed requests to one endpoint of one model."""

    def __init__(self, model: str, endpoint: Endpoint, sampling: SamplingSettings) -> None:
        self._endpoint = endpoint
        self._extra = sampling.extra_body
        self._fixed: dict[str, Any] = {
            "model": model,
            "stream": True,
            "stream_options": {"include_usage": True},
            **_sampling_fields(sampling, endpoint),
        }

    def __call__(self, sample: Sample) -> bytes:
        length = {} if sample.output_len is None else {"max_tokens": sample.output_len}
        return _encode({**self._fixed, **self._asked(sample), **length, **self._extra})

    def _asked(self, sample: Sample) -> dict[str, Any]:
        if self._endpoint == "completions":
            return {"prompt": sample.prompt}
        if isinstance(sample.prompt, str):
            return {"messages": [{"role": "user", "content": sample.prompt}]}
        return {"messages": sample.prompt}


def _sampling_fields(sampling: SamplingSettings, endpoint: Endpoint) -> dict[str, Any]:
    fields = msgspec.structs.asdict(sampling)
    del fields["extra_body"]
    logprobs = fields.pop("logprobs")
    if not fields["ignore_eos"]:
        del fields["ignore_eos"]
    if logprobs is not None:
        asked = {"logprobs": True, "top_logprobs": logprobs}
        fields.update(asked if endpoint == "chat" else {"logprobs": logprobs})
    return {name: value for name, value in fields.items() if value is not None}
