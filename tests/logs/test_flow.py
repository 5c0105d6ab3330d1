"""How much may be in flight: limits hold, and the window follows the server."""

from __future__ import annotations

from workbench.logs.flow import Flow

MB = 1 << 20


def settle(flow: Flow, seconds_of: dict[int, float], rounds: int = 400) -> int:
    """A server that answers after so many seconds with that many batches in flight; the window it ends with."""
    for turn in range(rounds):
        taken: list[bytes] = []
        while flow.enter("n", b"%d" % len(taken), MB // 2):
            taken.append(b"%d" % len(taken))
        assert taken, f"nothing may go in round {turn}"
        most = max(seconds_of)
        for key in taken:
            flow.leave("n", key, MB // 2, seconds_of[min(len(taken), most)])
    return int(flow.nodes["n"].after_probe or flow.nodes["n"].window)


def test_a_server_with_two_workers_is_kept_busy_but_not_flooded() -> None:
    queueing = {n: 0.005 * max(1, n / 2) for n in range(1, 33)}
    assert 2 <= settle(Flow(), queueing) <= 5


def test_a_server_that_becomes_slower_or_faster_is_not_flooded_either() -> None:
    flow = Flow()
    for factor in (1, 10, 0.1):
        assert 2 <= settle(flow, {n: factor * 0.005 * max(1, n / 2) for n in range(1, 33)}, 2000) <= 5


def test_a_server_that_answers_as_quickly_whatever_is_asked_gets_all_that_bytes_allow() -> None:
    assert settle(Flow(most_bytes=64 * MB), {1: 0.005}) == 32


def test_bytes_in_flight_have_a_limit_but_a_single_large_batch_may_go() -> None:
    flow = Flow(most_bytes=MB)
    assert flow.enter("n", b"a", 5 * MB)
    assert not flow.enter("n", b"b", 1)
    flow.leave("n", b"a", 5 * MB, 0.01)
    assert flow.enter("n", b"b", MB // 2)
    assert not flow.enter("n", b"c", MB)


def test_a_partition_has_two_batches_at_most() -> None:
    flow = Flow()
    flow.nodes.clear()
    assert flow.enter("n1", b"a", 1)
    assert flow.enter("n2", b"a", 1)
    assert not flow.enter("n3", b"a", 1)
    assert flow.enter("n3", b"b", 1)
    flow.leave("n1", b"a", 1, 0.01)
    assert flow.enter("n3", b"a", 1)


def test_a_failure_halves_what_may_be_in_flight() -> None:
    flow = Flow(most_bytes=64 * MB)
    settle(flow, {1: 0.005})
    assert flow.enter("n", b"x", MB)
    flow.leave("n", b"x", MB, None)
    assert int(flow.nodes["n"].window) == 16
    for _ in range(10):
        assert flow.enter("n", b"x", MB)
        flow.leave("n", b"x", MB, None)
    assert flow.nodes["n"].window == 1, (
        "one batch may always go, or the load would never find out that the node is back"
    )
    assert flow.in_flight == 0


def test_small_batches_say_nothing_about_full_ones() -> None:
    flow = Flow()
    assert flow.enter("n", b"a", MB)
    flow.leave("n", b"a", MB, 0.010)
    for _ in range(50):
        assert flow.enter("n", b"a", 100)
        flow.leave("n", b"a", 100, 0.0001)
    assert flow.nodes["n"].shortest >= 0.009


def test_a_node_that_does_not_answer_is_passed_over_for_a_while() -> None:
    flow = Flow()
    assert flow.enter("a", b"x", 1)
    flow.leave("a", b"x", 1, None)
    flow.shun("a", now=100.0)
    assert flow.choose(["a", "b"], now=104.0) == "b"
    assert flow.choose(["a"], now=104.0) == "a", "where there is no other, it has to be asked"
    assert flow.choose(["a", "b"], now=105.0) == "a"
    flow.shun("a", now=105.0)
    assert flow.choose(["a", "b"], now=114.0) == "b", "twice as long the second time"
    assert flow.choose(["a", "b"], now=115.0) == "a"
