"""The layouts of models that fill in the middle, found by their vocabulary."""

import pytest
from tokenizers import Tokenizer as Backend
from tokenizers import decoders, models, pre_tokenizers

from penstock.frontend.text.fill_in_the_middle import FAMILIES, detect, end_ids, prompt_ids
from penstock.frontend.text.tokenizer import Tokenizer


def tokenizer_with(*added: str) -> Tokenizer:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    backend = Backend(models.BPE(vocab={c: i for i, c in enumerate(alphabet)}, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens(list(added))
    return Tokenizer(backend)


# As the models' own documentation spells a prompt with prefix P and suffix S.
SPELLED = {
    "qwen": "<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>",
    "starcoder": "<fim_prefix>P<fim_suffix>S<fim_middle>",
    "santacoder": "<fim-prefix>P<fim-suffix>S<fim-middle>",
    "code llama": "▁<PRE>P▁<SUF>S▁<MID>",
    "deepseek-coder": "<｜fim▁begin｜>P<｜fim▁hole｜>S<｜fim▁end｜>",
    "codestral": "[SUFFIX]S[PREFIX]P",
}


@pytest.mark.parametrize("index", range(len(FAMILIES)), ids=SPELLED)
def test_each_family_is_found_and_spelled_as_it_wants(index: int) -> None:
    found, spelled = FAMILIES[index], list(SPELLED.values())[index]
    tokenizer = tokenizer_with(*found.markers, *found.ends)
    assert detect(tokenizer) is found
    ids = prompt_ids(found, tokenizer, tokenizer.encode("P"), tokenizer.encode("S"))
    assert ids == tokenizer.encode(spelled)
    assert tokenizer.decode(ids, skip_special_tokens=False) == spelled
    assert [tokenizer.token_name(i) for i in end_ids(found, tokenizer)] == list(found.ends)


def test_ends_that_a_vocabulary_lacks_are_left_out() -> None:
    family = FAMILIES[0]
    tokenizer = tokenizer_with(*family.markers, "<|file_sep|>")
    assert end_ids(family, tokenizer) == (tokenizer.token_id("<|file_sep|>"),)


def test_a_vocabulary_with_some_of_the_markers_is_of_no_family() -> None:
    assert detect(tokenizer_with("<|fim_prefix|>", "<|fim_suffix|>")) is None
    assert detect(tokenizer_with()) is None
