"""What passes between a program and those who judge it: values, and nothing else."""

import json
import math
from collections import Counter

import numpy as np
import pytest
from boundary.sandbox.inside.plain_data import NotPlainError, decode, encode


def test_values_pass_as_what_they_are():
    values = [
        *(None, True, 0, -1, 2**63, -(10**4000), 0.1, math.inf, -0.0, "", "\ud800", b"\x00", 1j),
        [1, (2, [3])],
        {1: {"a": {2.5}}, (1, 2): frozenset({3})},
        bytearray(b"x"),
        [True, 1, 1.0],
    ]
    passed = decode(json.loads(json.dumps(encode(values))))
    assert repr(passed) == repr(values)
    huge = 10**5000  # more digits than Python writes
    assert decode(json.loads(json.dumps(encode(huge)))) == huge
    assert decode(encode(Counter("aab"))) == {"a": 2, "b": 1}
    assert list(decode(encode(n * n for n in range(3)))) == [0, 1, 4]
    assert decode(encode(np.array([[1, 2]]))) == [[1, 2]] and decode(encode(np.float64(0.5))) == 0.5
    opaque = decode(encode(object()))
    assert opaque != opaque and opaque != object()


@pytest.mark.parametrize(
    "data",
    [
        *([], 1.5, {}, {"list": 1}, {"x": 1}, {"integer": "z"}, {"float": []}, {"bytes": "0"}),
        *({"list": [], "tuple": []}, {"dict": [[1]]}, {"set": [{"list": []}]}, {"dict": 5}),
        {"set": [{"integer": hex(k * (2**61 - 1))} for k in range(20_000)]},
        json.loads('{"list": [' * 400 + "]}" * 400),
    ],
)
def test_what_nobody_encoded_is_no_value(data):
    with pytest.raises(NotPlainError):
        decode(data)
