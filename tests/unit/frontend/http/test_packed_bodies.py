"""Bodies that come compressed: read as what they are, within the bound, and no further than that."""

import gzip
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.front import Answer, Front

from penstock.frontend.api.packed_body import unpacked
from penstock.frontend.errors import ApiError

BODY = b'{"text": "ab"}'
PACKED = gzip.compress(BODY, mtime=0)  # with the time in it, no two collections agree
MOST = 1 << 20


@pytest.fixture(scope="module")
def bounded(byte_model: Path) -> Iterator[Front]:
    with Front(byte_model, max_body_bytes=MOST) as front:
        yield front


def send(front: Front, data: bytes, encoding: str) -> Answer:
    return front.post("/tokenize", data, Content_Encoding=encoding)


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("gzip", PACKED),
        ("GZIP", PACKED),
        ("x-gzip", PACKED),
        ("deflate", zlib.compress(BODY)),
        ("deflate", zlib.compress(BODY)[2:-4]),
        ("identity", BODY),
    ],
)
def test_they_are_read(bounded: Front, encoding: str, data: bytes) -> None:
    assert send(bounded, data, encoding).json["count"] == 2


@pytest.mark.parametrize(
    ("encoding", "data", "status"),
    [
        ("gzip", BODY, 400),
        ("gzip", PACKED[:-4], 400),
        ("gzip", PACKED + b"more", 400),
        ("deflate", BODY, 400),
        ("gzip", b"", 400),
        ("br", BODY, 415),
        ("zstd", BODY, 415),
        ("gzip, gzip", gzip.compress(PACKED, mtime=0), 415),
        ("gzip", gzip.compress(b" " * MOST + BODY, mtime=0), 413),
    ],
)
def test_or_refused(bounded: Front, encoding: str, data: bytes, status: int) -> None:
    answer = send(bounded, data, encoding)
    assert (answer.status, answer.error["code"]) == (status, status)


def test_what_unpacks_to_gigabytes_holds_nobody_up(bounded: Front) -> None:
    bomb = gzip.compress(b" " * 200_000_000)
    begun = time.process_time()
    assert send(bounded, bomb, "gzip").status == 413
    assert bounded.get("/ping").status == 200
    assert time.process_time() - begun < 0.5


@given(st.binary(max_size=200))
def test_whatever_is_no_gzip_is_the_clients_fault(data: bytes) -> None:
    with pytest.raises(ApiError) as raised:
        unpacked(data, "gzip", MOST)
    assert raised.value.status == 400


@given(st.binary(min_size=1, max_size=2000), st.data())
def test_never_more_than_may_be(data: bytes, drawn: st.DataObject) -> None:
    packed = gzip.compress(data)
    enough = drawn.draw(st.sampled_from([0, len(data), len(data) + 1]))
    assert unpacked(packed, "gzip", enough) == data
    if len(data) > 1:
        with pytest.raises(ApiError) as raised:
            unpacked(packed, "gzip", drawn.draw(st.integers(1, len(data) - 1)))
        assert raised.value.status == 413
