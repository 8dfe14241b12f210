"""Tokenizers to hold our text against: one trained here, the one that ships, and real ones where they lie."""

import warnings
from pathlib import Path

import pytest
from tokenizers import Tokenizer as Backend
from tokenizers import decoders, models, pre_tokenizers, trainers

from penstock.frontend.text.tokenizer import Tokenizer
from penstock.frontend.text.tokenizer_config import TokenizerConfig

REPO = Path(__file__).resolve().parents[4]
SAMPLES = (
    "The quick brown fox jumps over the lazy dog, doesn't it? 'Yes', 3.14 times.",
    "def f(x):\n\treturn x ** 2  # comment\n\n\n    indented\r\n",
    "日本語のテキストと中文文本，全角標点。한국어 텍스트",
    "Ελληνικά, кириллица, עברית, العربية, हिन्दी, ไทย, தமிழ்",
    "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇩🇪 🤷🏾‍♀️ 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𠜎",
    "e\u0301 a\u0308\u0323 Z\u0351\u036b\u0343a\u0363l\u0368g\u0301o \u200b\ufeff \ufffd",
    "  leading and trailing   spaces ▁ <0x0A> <|im_end|> ",
)


@pytest.fixture(scope="session")
def shared() -> Path:
    folder = REPO.parent / "shared"
    if not folder.is_dir():
        pytest.skip("no shared folder beside the repository")
    return folder


@pytest.fixture(scope="session")
def samples() -> tuple[str, ...]:
    return SAMPLES


@pytest.fixture(scope="session")
def byte_level() -> Tokenizer:
    backend = Backend(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=["<|bos|>", "<|im_end|>"],
        initial_alphabet=alphabet,
        show_progress=False,
    )
    backend.train_from_iterator(SAMPLES * 3, trainer)
    backend.add_tokens(["<tool call>"])
    return Tokenizer(backend)


@pytest.fixture(scope="session")
def word_piece() -> Tokenizer:
    """A decoder whose text depends on neighbours: no table can stand for it."""
    words = ["[UNK]", "the", "quick", "##er", "fox", ",", "##s", "'", "n't", "do", "[CLS]"]
    backend = Backend(
        models.WordPiece(dict(zip(words, range(20), strict=False)), unk_token="[UNK]")
    )
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece()
    backend.add_special_tokens(["[CLS]", "[SEP]"])
    return Tokenizer(backend, TokenizerConfig(clean_up=True))


def _gguf(shared: Path, name: str) -> Tokenizer:
    pytest.importorskip("gguf")
    transformers = pytest.importorskip("transformers")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # The same that AutoTokenizer makes, which first reads the file three times, slowly, for a config.
        theirs = transformers.PreTrainedTokenizerFast.from_pretrained(
            str(shared / "vocabs"), gguf_file=f"ggml-vocab-{name}.gguf"
        )
    return Tokenizer(Backend.from_str(theirs.backend_tokenizer.to_str()))


KINDS = [
    "trained",
    "brook",
    "gpt-2",
    "llama-spm",
    "phi-3",
    pytest.param("llama-bpe", marks=pytest.mark.slow),
    pytest.param("qwen2", marks=pytest.mark.slow),
]


@pytest.fixture(scope="session", params=KINDS)
def tokenizer(request: pytest.FixtureRequest, byte_level: Tokenizer) -> Tokenizer:
    """Every tokenizer whose tokens have bytes of their own."""
    if request.param == "trained":
        return byte_level
    if request.param != "brook":
        return _gguf(request.getfixturevalue("shared"), request.param)
    folder = REPO / "src" / "penstock" / "brook"
    if not (folder / "tokenizer.json").is_file():
        pytest.skip("brook is not built yet")
    return Tokenizer.load(folder)
