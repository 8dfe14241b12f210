"""Items while they are written: what each token may cost."""

from penstock.frontend.responses.open_items import OpenMessage
from penstock.frontend.text.logprobs import ChatLogprob


def test_a_token_adds_its_own_log_probability_and_copies_no_other() -> None:
    message = OpenMessage("resp_0", 0)
    part = message.opening()[1]["part"]
    told = part.logprobs
    found = [ChatLogprob(token, -0.5, [], []) for token in "abc"]
    for each in found:
        (event,) = message.add(each.token, [each])
        assert event["logprobs"] == [each]
    assert part.logprobs is told
    assert message.closing("completed")[0]["logprobs"] == found
