"""Undo and redo against a naive model, by random programs."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from vitviz.gui.store import MAX_STEPS, MERGE_WITHIN_S, Store
from vitviz.session.state import Session, View


def with_layer(layer: int) -> Session:
    return Session(view=View(layer=layer))


def store_at(times: list[float]) -> Store:
    store = Store()
    store.clock = lambda: times[0]
    return store


STEPS = st.one_of(
    st.tuples(st.just("set"), st.integers(0, 3)),
    st.tuples(st.just("undo"), st.just(0)),
    st.tuples(st.just("redo"), st.just(0)),
)


@given(st.lists(STEPS, max_size=40))
def test_it_is_a_list_with_a_place_in_it(program: list[tuple[str, int]]) -> None:
    store = Store()
    states, at = [store.session], 0
    for what, layer in program:
        if what == "set":
            session = with_layer(layer)
            store.set(session)
            if session != states[at]:
                states[at + 1 :] = [session]
                at += 1
        elif what == "undo":
            store.undo()
            at = max(at - 1, 0)
        else:
            store.redo()
            at = min(at + 1, len(states) - 1)
        assert store.session == states[at]
        assert store.can_undo == (at > 0)
        assert store.can_redo == (at < len(states) - 1)


def test_quick_changes_of_one_kind_are_one_step() -> None:
    times = [0.0]
    store = store_at(times)
    for layer in range(5):
        times[0] += MERGE_WITHIN_S / 2
        store.set(with_layer(layer), "layer")
    assert store.undo_steps == 1
    store.set(replace(store.session, tab="heads"), "tab")
    assert store.undo_steps == 2, "of another kind"
    times[0] += MERGE_WITHIN_S * 2
    store.set(with_layer(9), "tab")
    assert store.undo_steps == 3, "too late"
    store.set(with_layer(10))
    store.set(with_layer(11))
    assert store.undo_steps == 5, "without a kind, never merged"


def test_after_undo_nothing_is_merged_into_what_was_undone() -> None:
    store = store_at([0.0])
    store.set(with_layer(1), "layer")
    store.set(with_layer(2), "layer")
    store.undo()
    store.set(with_layer(3), "layer")
    store.undo()
    assert store.session == Session()


def test_what_is_amended_is_no_step() -> None:
    store = Store()
    store.set(with_layer(1))
    store.amend(Session())
    heard: list[Session] = []
    store.changed.connect(lambda new, old: heard.append(new))
    store.undo()
    assert store.session == Session()
    assert heard == [], "the step led where it is already"
    assert not store.can_undo


def test_it_tells_what_changed_once() -> None:
    store = Store()
    heard: list[tuple[Session, Session]] = []
    store.changed.connect(lambda new, old: heard.append((new, old)))
    store.set(with_layer(1))
    store.set(with_layer(1))
    store.amend(with_layer(1))
    assert heard == [(with_layer(1), Session())]


def test_it_forgets_the_oldest() -> None:
    store = Store()
    for layer in range(MAX_STEPS + 50):
        store.set(with_layer(layer))
    assert store.undo_steps == MAX_STEPS
    store.forget_history()
    assert not store.can_undo
