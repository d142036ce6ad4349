"""Which photos are shown in the list, and in which order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vitviz.engine.predicting import Prediction
from vitviz.gui.panels.photo_order import Order, arranged, natural
from vitviz.session.state import PhotoRef

CATS = PhotoRef("/a/IMG_10.jpg")
DOGS = PhotoRef("/b/img_9.JPG")
BOAT = PhotoRef("/c/boat house.png")
REFS = (CATS, DOGS, BOAT)
SAID = {CATS: Prediction("tabby", 0.4), DOGS: Prediction("Beagle", 0.9)}


def test_what_is_neither_filtered_nor_sorted_stays_the_same_object() -> None:
    assert arranged(REFS) is REFS
    assert arranged(REFS, "  ") is REFS


def test_all_words_have_to_be_in_the_name_or_the_class() -> None:
    assert arranged(REFS, "img") == (CATS, DOGS)
    assert arranged(REFS, "HOUSE boat") == (BOAT,)
    assert arranged(REFS, "img beag", predictions=SAID) == (DOGS,)
    assert arranged(REFS, "beag") == ()
    assert arranged(REFS, "/a") == (), "folders are not names"


def test_numbers_in_names_are_numbers() -> None:
    assert arranged(REFS, order=Order("name")) == (BOAT, DOGS, CATS)
    assert arranged(REFS, order=Order("name", backwards=True)) == (CATS, DOGS, BOAT)
    assert arranged(REFS, order=Order(backwards=True)) == REFS[::-1]


def test_what_nobody_knows_stands_last_both_ways() -> None:
    by = Order("prediction")
    assert arranged(REFS, order=by, predictions=SAID) == (DOGS, CATS, BOAT)
    back = Order("prediction", backwards=True)
    assert arranged(REFS, order=back, predictions=SAID) == (CATS, DOGS, BOAT)


def test_the_surest_of_a_class_stands_first() -> None:
    said = {CATS: Prediction("tabby", 0.4), DOGS: Prediction("tabby", 0.9)}
    assert arranged(REFS, order=Order("prediction"), predictions=said)[:2] == (DOGS, CATS)


def test_numbers_of_a_column_stand_before_its_texts() -> None:
    values = {CATS.path: 10.0, DOGS.path: "n/a", BOAT.path: 9.5}
    order = Order("column", column="entropy")
    assert arranged(REFS, order=order, values=values) == (BOAT, CATS, DOGS)
    del values[BOAT.path]
    assert arranged(REFS, order=order, values=values) == (CATS, DOGS, BOAT)


@given(st.lists(st.integers(0, 10**30), min_size=2, max_size=9))
def test_natural_order_is_that_of_the_numbers(numbers: list[int]) -> None:
    names = [f"photo {number}.jpg" for number in numbers]
    assert sorted(names, key=natural) == [f"photo {number}.jpg" for number in sorted(numbers)]
