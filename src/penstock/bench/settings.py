"""What `penstock bench serve` can be told, under the names other load generators use. Knows no meaning of flags."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from penstock.protocol.settings.field import described

Length = Annotated[int, Meta(ge=1)]
NO_TOKENIZER = "prompts are sent as token ids or words, and the server counts them"


class TargetSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Which server, and as whom."""

    base_url: Annotated[
        str | None, described("The server, e.g. https://host:8000; in place of --host and --port.")
    ] = None
    host: Annotated[str, described("The server's address.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535, description="The server's port.")] = 8000
    backend: Annotated[
        Literal["openai", "openai-chat", "vllm"] | None,
        described(
            "openai (or vllm) completes prompts, openai-chat chats; by default what --endpoint says."
        ),
    ] = None
    endpoint: Annotated[
        str | None,
        described("Path to post to: /v1/completions (the default) or /v1/chat/completions."),
    ] = None
    model: Annotated[
        str | None, described("The model's name; by default the first of /v1/models.")
    ] = None
    served_model_name: Annotated[
        str | None, described("The name to ask for, when not that of --model.")
    ] = None
    api_key: Annotated[str | None, described("Sent as a bearer token.", env=["OPENAI_API_KEY"])] = (
        None
    )
    header: Annotated[list[str], described("More headers, as KEY=VALUE.")] = []
    insecure: Annotated[bool, described("Do not check the server's certificate.")] = False
    ready_check_timeout_sec: Annotated[
        float, Meta(ge=0, description="Wait so long for the server to answer before starting.")
    ] = 0
    request_timeout_s: Annotated[
        float, Meta(gt=0, description="A request that takes longer counts as failed.")
    ] = 21600


class DatasetSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked."""

    dataset_name: Annotated[
        Literal["random", "prefix_repetition", "custom", "sharegpt"],
        described(
            "random ids; groups that share a prefix; lines of your own; conversations in ShareGPT's form."
        ),
    ] = "random"
    dataset_path: Annotated[str | None, described("The file of custom and sharegpt.")] = None
    num_prompts: Annotated[int, Meta(ge=1, description="How many requests to send.")] = 1000
    seed: Annotated[int, described("Seeds prompts, lengths and arrivals.")] = 0
    input_len: Annotated[Length | None, described("Same as --random-input-len.")] = None
    output_len: Annotated[
        Length | None, described("Output tokens of each request, whatever the dataset says.")
    ] = None
    random_input_len: Annotated[
        int, Meta(ge=1, description="random: tokens of each prompt, less the shared prefix.")
    ] = 1024
    random_output_len: Annotated[
        int, Meta(ge=1, description="random: output tokens of each request.")
    ] = 128
    random_range_ratio: Annotated[
        str,
        described(
            'random: lengths vary by this share up and down; 0 to 1, or {"input": 0.2, "output": 0.5}.'
        ),
    ] = "0.0"
    random_prefix_len: Annotated[
        int, Meta(ge=0, description="random: tokens that all prompts begin with.")
    ] = 0
    random_token_ids: Annotated[
        str, described("random, prefix_repetition: ids to draw from, LOW:HIGH (HIGH excluded).")
    ] = "1000:3000"
    prefix_repetition_prefix_len: Annotated[
        int, Meta(ge=1, description="prefix_repetition: tokens of each shared prefix.")
    ] = 256
    prefix_repetition_suffix_len: Annotated[
        int, Meta(ge=1, description="prefix_repetition: tokens after it.")
    ] = 256
    prefix_repetition_num_prefixes: Annotated[
        int, Meta(ge=1, description="prefix_repetition: how many different prefixes.")
    ] = 10
    prefix_repetition_output_len: Annotated[
        int, Meta(ge=1, description="prefix_repetition: output tokens of each request.")
    ] = 128
    custom_output_len: Annotated[
        Annotated[int, Meta(ge=-1)] | None,
        described("custom: output tokens in place of the lines' own (-1: the lines' own)."),
    ] = None
    sharegpt_output_len: Annotated[
        Length | None, described("sharegpt: output tokens in place of the answers' own lengths.")
    ] = None
    tokenizer: Annotated[
        str | None,
        described("sharegpt: a folder with tokenizer.json to count by; else four bytes a token."),
    ] = None
    disable_shuffle: Annotated[bool, described("custom, sharegpt: keep the file's order.")] = False
    oversample: Annotated[
        bool, described("custom, sharegpt: repeat a file that is shorter than --num-prompts.")
    ] = True
    skip_chat_template: Annotated[
        bool, described("Accepted for compatibility.", inert="no template is applied here")
    ] = False
    tokenizer_mode: Annotated[str, described("Accepted for compatibility.", inert=NO_TOKENIZER)] = (
        "auto"
    )
    skip_tokenizer_init: Annotated[
        bool, described("Accepted for compatibility.", inert=NO_TOKENIZER)
    ] = False
    trust_remote_code: Annotated[
        bool, described("Accepted for compatibility.", inert=NO_TOKENIZER)
    ] = False


class SamplingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How answers are sampled; what is not given is left to the server."""

    ignore_eos: Annotated[bool, described("Every answer runs to its full length.")] = False
    temperature: Annotated[float | None, described("0 is greedy.")] = None
    top_p: Annotated[float | None, described("Nucleus sampling.")] = None
    top_k: Annotated[int | None, described("The k most probable tokens.")] = None
    min_p: Annotated[float | None, described("Least share of the best token's probability.")] = None
    frequency_penalty: Annotated[float | None, described("Against frequent tokens.")] = None
    presence_penalty: Annotated[float | None, described("Against tokens already there.")] = None
    repetition_penalty: Annotated[float | None, described("Against repetition, as a factor.")] = (
        None
    )
    logprobs: Annotated[int | None, described("Ask for so many log probabilities a token.")] = None
    extra_body: Annotated[
        dict[str, Any], described("More fields of each request, as a JSON object; they win.")
    ] = {}


class TrafficSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How requests arrive."""

    request_rate: Annotated[
        float, Meta(gt=0, description="Requests a second on average; inf sends all at once.")
    ] = float("inf")
    burstiness: Annotated[
        float,
        Meta(
            gt=0, description="1: Poisson arrivals; less comes in bursts, more is steadier (gamma)."
        ),
    ] = 1.0
    max_concurrency: Annotated[
        Length | None, described("At most so many requests open at once; others wait here.")
    ] = None
    num_warmups: Annotated[
        int,
        Meta(
            ge=0,
            description="Requests sent, and not counted, before the start.",
            extra={"flags": ["--warmup"]},
        ),
    ] = 0
    disable_tqdm: Annotated[bool, described("Show no progress.")] = False


class ReportSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What is reported and kept."""

    percentile_metrics: Annotated[
        str, described("Which of ttft, tpot, itl and e2el to show, with commas between.")
    ] = "ttft,tpot,itl,e2el"
    metric_percentiles: Annotated[str, described("Which percentiles, with commas between.")] = "99"
    goodput: Annotated[
        list[str],
        described("Count requests within all of these bounds, in ms: ttft:200 tpot:50 e2el:3000."),
    ] = []
    save_result: Annotated[bool, described("Write a JSON file (docs/benchmarking.md).")] = False
    save_detailed: Annotated[bool, described("Write every request's times into it too.")] = False
    append_result: Annotated[bool, described("Add the JSON as one more line of the file.")] = False
    result_dir: Annotated[str | None, described("Folder of that file; default: here.")] = None
    result_filename: Annotated[
        str | None, described("Its name; default: label, rate, model and time.")
    ] = None
    plot: Annotated[str | None, described("Draw the run into this PNG file.")] = None
    label: Annotated[str | None, described("What to call this run in files and plots.")] = None
    metadata: Annotated[list[str], described("KEY=VALUE pairs to keep in the JSON file.")] = []


SERVE: list[type[msgspec.Struct]] = [
    TargetSettings,
    DatasetSettings,
    SamplingSettings,
    TrafficSettings,
    ReportSettings,
]
