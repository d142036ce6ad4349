"""Raw attention is the trace's rows and columns, with every head."""

from __future__ import annotations

import numpy as np
import pytest

from vitviz.errors import Cancelled
from vitviz.maps.heat_map import Quantity
from vitviz.methods import METHODS
from vitviz.methods.base import Question
from vitviz.progress import silent

ATTENTION = METHODS["attention"]


@pytest.mark.parametrize("query", [0, 1, 3, 17, 30])
def test_of_a_token_is_its_row(random_trace, query):
    found = ATTENTION.explain(random_trace.trace, Question(query=(query,)), silent)
    np.testing.assert_allclose(found.values, random_trace.dense[:, :, query], rtol=1e-5, atol=1e-7)
    assert found.layers == (0, 1, 2, 3)
    assert found.head is None
    assert found.quantity == Quantity("attention", "share")
    with pytest.raises(ValueError, match="read-only"):
        found.values[0] = 0


@pytest.mark.parametrize("query", [0, 2, 29])
def test_to_a_token_is_its_column(random_trace, query):
    question = Question(query=(query,), direction="to")
    found = ATTENTION.explain(random_trace.trace, question, silent)
    wanted = random_trace.dense[:, :, :, query]
    np.testing.assert_allclose(found.values, wanted, rtol=1e-5, atol=1e-7)
    assert found.quantity == Quantity("attention")


@pytest.mark.parametrize("layer", [0, 3, -1])
@pytest.mark.parametrize("head", [0, 2, "mean", "max", "min"])
def test_the_map_of_a_layer_and_a_head(random_trace, layer, head):
    found = ATTENTION.explain(random_trace.trace, Question(query=(5,)), silent).map(layer, head)
    row = random_trace.dense[layer][:, 5]
    row = row[head] if isinstance(head, int) else getattr(row, head)(axis=0)
    np.testing.assert_allclose(found.values, row[3:].reshape(4, 7), rtol=1e-5, atol=1e-7)
    assert (found.layer, found.head) == (layer % 4, head)
    if head in ("max", "min"):
        assert found.prefix_share == ()
    else:
        assert [name for name, _ in found.prefix_share] == ["cls", "dist", "reg1"]
        total = found.values.sum() + sum(share for _, share in found.prefix_share)
        assert total == pytest.approx(1, abs=1e-6)


def test_a_column_has_no_shares(random_trace):
    question = Question(query=(5,), direction="to")
    assert ATTENTION.explain(random_trace.trace, question, silent).map(0, 1).prefix_share == ()


def test_a_head_it_does_not_have_becomes_the_last_and_says_so(random_trace):
    explanation = ATTENTION.explain(random_trace.trace, Question(), silent)
    found = explanation.map(99, 11)
    assert (found.layer, found.head) == (3, 2)
    assert np.array_equal(found.values, explanation.map(3, 2).values)


def test_it_can_be_cancelled(random_trace):
    def impatient(stage, fraction):
        raise Cancelled

    with pytest.raises(Cancelled):
        ATTENTION.explain(random_trace.trace, Question(), impatient)
