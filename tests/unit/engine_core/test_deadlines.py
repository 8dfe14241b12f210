"""First tokens that come too late, and requests that end long before that matters."""

from penstock.engine_core.deadlines import Deadlines
from penstock.engine_core.frontends import Session
from penstock.engine_core.sequence import Sequence
from penstock.protocol.messages import Hello
from penstock.protocol.sampling import SamplingParams


def ask(session: Session, request_id: int) -> Sequence:
    sequence = Sequence(request_id, [1], SamplingParams(max_tokens=5), owner=session)
    session.requests[request_id] = sequence
    return sequence


def test_the_late_are_named_once_and_only_while_they_wait() -> None:
    session, deadlines = Session(Hello(1, "a", 1), b"a/1", 0.0), Deadlines()
    late, _served, _ended, in_time = (ask(session, i) for i in range(4))
    for sequence, at in zip(session.requests.values(), (1.0, 2.0, 3.0, 9.0), strict=True):
        deadlines.add(at, session, sequence.id)
    session.requests[1].tokens.append(7)
    del session.requests[2]
    assert list(deadlines.missed(0.5)) == []
    assert list(deadlines.missed(5.0)) == [(session, late)]
    assert list(deadlines.missed(5.0)) == []
    assert deadlines.next == 9.0
    assert list(deadlines.missed(9.0)) == [(session, in_time)]


def test_long_deadlines_of_short_requests_do_not_pile_up() -> None:
    session, deadlines = Session(Hello(1, "a", 1), b"a/1", 0.0), Deadlines()
    kept = ask(session, 0)
    deadlines.add(1e9, session, 0)
    for request_id in range(1, 5000):
        ask(session, request_id)
        deadlines.add(1e9, session, request_id)
        del session.requests[request_id]
    assert len(deadlines) < 200
    assert list(deadlines.missed(1e9)) == [(session, kept)]
