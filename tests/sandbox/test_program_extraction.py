"""Which part of a response is its program."""

import pytest
from boundary.verification.programs.extraction import find_program

CODE = "n = int(input())\nprint(n)"
DEFINITION = "def f(x):\n    return x"


@pytest.mark.parametrize(
    ("text", "program", "where"),
    [
        (f"Here:\n```python\n{CODE}\n```\nDone.", CODE, "fence"),
        (f"```\n{CODE}\n```", CODE, "fence"),
        (f"```python\n1\n```\nbetter:\n```py\n{CODE}\n```", CODE, "fence"),
        (f"  ```python\n{CODE}\n  ```", CODE, "fence"),
        (f"```python\n{CODE}\n```\n```\n\n```", CODE, "fence"),
        (f"So\n```python\n{CODE}", CODE, "open fence"),
        # The prompt opened a block, and the response goes on in it.
        (f"{CODE}\n```", CODE, "continuation"),
        (f"{DEFINITION}\n```\nThis returns its argument.", DEFINITION, "continuation"),
        (f"{CODE}\n```\nFor example:\n```python\nf(1)\n```", CODE, "continuation"),
        (f"{CODE}\n```\nOutput:\n```\n1\n```\n", CODE, "continuation"),
        (f"{CODE}\n```\nFor example:\n```python\nf(1", CODE, "continuation"),
        (CODE, CODE, "whole"),
        (f"\n\n    {CODE}\n\n", f"    {CODE}", "whole"),
        (f"<think>\n```python\n1\n```\n</think>\n```python\n{CODE}\n```", CODE, "fence"),
        (f"```python\n{CODE}\n```".replace("\n", "\r\n"), CODE, "fence"),
        ("```python\ns = '''\n  a  \n'''\n```", "s = '''\n  a  \n'''", "fence"),
    ],
)
def test_the_program_is_found_where_it_stands(text, program, where):
    assert find_program(text) == (program, where)


@pytest.mark.parametrize(
    "text", ["", "I cannot solve this.", "```\n\n```", "The answer is 5.", "```python\n   \n"]
)
def test_a_response_without_code_has_none(text):
    assert find_program(text) is None


def test_a_hostile_response_takes_no_time():
    for text in ("`" * 10**6, "```\n" * 10**5, "a = " * 10**5, " " * 10**6 + "```", "x[" * 10**5):
        find_program(text)
    find_program("```" + "a" * 10**6 + "`")
    assert find_program("```\n" + "\n" * 10**6 + "x = 1\n```") == ("x = 1", "fence")
