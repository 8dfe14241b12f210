"""Messages on a stream: the same, however the stream is cut."""

from hypothesis import given
from hypothesis import strategies as st

from penstock.protocol.frames import FrameReader, frame

MESSAGES = st.lists(st.binary(max_size=300), max_size=6)


@given(MESSAGES, st.lists(st.integers(1, 400)))
def test_messages_come_whole_and_in_order_wherever_the_stream_is_cut(
    messages: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join(map(frame, messages))
    reader, got = FrameReader(), list[bytes]()
    for size in [*cuts, len(stream) + 1]:
        piece, stream = stream[:size], stream[size:]
        got += reader.feed(piece)
    assert got == messages


def test_a_message_is_given_as_soon_as_its_last_byte_is_here() -> None:
    reader, data = FrameReader(), frame(b"plan")
    assert [reader.feed(data[i : i + 1]) for i in range(len(data))] == [[]] * 7 + [[b"plan"]]
    assert reader.feed(frame(b"") + frame(b"x")) == [b"", b"x"]
