"""Verdicts on programs: right ones, wrong ones, and those that would rather forge one."""

import json
import subprocess
import sys
import threading
import time
from contextlib import closing

import pytest
from boundary.errors import BoundaryError
from boundary.sandbox.bubblewrap import find_bubblewrap, sandbox_command
from boundary.sandbox.client import Run, Sandbox
from boundary.sandbox.inside.isolation import Limits
from boundary.sandbox.probe import check_contained
from boundary.sandbox.turns import Turns
from boundary.verification.judge import Judge, Response, pose
from boundary.verification.policy import Policy, read_policy

POLICY = read_policy({"program_seconds": 1.0, "program_megabytes": 300})
SECRET = "S3CRET"


@pytest.fixture(scope="module")
def judge():
    with Judge("boundary", domain="code") as judge:
        yield judge


def stdin_tests(*cases):
    return {"public": [{"input": i, "output": o, "testtype": "stdin"} for i, o in cases]}


def function_tests(*cases):
    return {
        "private": [
            {
                "input": "\n".join(map(json.dumps, arguments)),
                "output": json.dumps(result),
                "testtype": "functional",
            }
            for arguments, result in cases
        ]
    }


DOUBLE = stdin_tests(("1\n", "2\n"), ("21\n", "42\n"))
ADD = function_tests(((1, 2), 3), ((20, 22), 42))
SECRETS = {
    "code": f"def check(candidate):\n    assert candidate(1) == '{SECRET}'\n",
    "entry_point": "f",
}


def verdict(judge, code, tests, function="f", gold=None, policy=POLICY):
    meta = json.dumps({"func_name": function})
    posed = pose(json.dumps(gold), policy, meta, json.dumps(tests))
    (decision,) = judge.decide([(posed, code)])
    return decision


STDIN = {
    "input": "print(2 * int(input()))",
    "sys.stdin": "import sys\nprint(2 * int(sys.stdin.readline()))",
    "iteration": "import sys\nfor line in sys.stdin: print(2 * int(line))",
    "read": "import sys\nprint(2 * int(sys.stdin.read()))",
    "buffer": "import sys\nprint(2 * int(sys.stdin.buffer.readline()))",
    "open(0)": "print(2 * int(open(0).read()))",
    "os.read": "import os\nprint(2 * int(os.read(0, 100)))",
    "main guard": "if __name__ == '__main__':\n    print(2 * int(input()))",
    "at exit": "import atexit\nn = int(input())\natexit.register(lambda: print(2 * n))",
    "thread": (
        "import sys, threading\nsys.setrecursionlimit(10 ** 6)\nthreading.stack_size(2 ** 26)\n"
        "threading.Thread(target=lambda: print(2 * int(input()))).start()"
    ),
    "sys.exit": "import sys\nprint(2 * int(input()))\nsys.exit()",
    "os._exit": "import os\nprint(2 * int(input()), flush=True)\nos._exit(0)",
    "no imports of its own": "print(2 * int(input()) + len(deque()) + gcd(0, 0))",
    "numpy": "import numpy\nprint(2 * numpy.int64(input()))",
    "temporary files": "open('/tmp/x', 'w').write(input())\nprint(2 * int(open('/tmp/x').read()))",
    "write": "import sys\nsys.stdout.write(str(2 * int(input())))",
}


@pytest.mark.parametrize("way", STDIN)
def test_every_way_of_reading_and_ending_is_right(judge, way):
    assert verdict(judge, STDIN[way], DOUBLE).outcome == "correct"


@pytest.mark.parametrize(
    ("code", "outcome", "reason"),
    [
        ("print(input())", "wrong", "test 1: printed '1'"),
        ("print(2)", "wrong", "test 2: printed '2'"),
        ("", "wrong", "test 1: printed ''"),
        ("print(2 * int(input()))\nprint()\nprint(1)", "wrong", "test 1: printed"),
        ("1 / 0", "program_error", "test 1: ZeroDivisionError: division by zero"),
        ("def f(:", "program_error", "test 1: SyntaxError"),
        ("print(2 * int(input()))\nraise KeyError('x')", "program_error", "test 1: KeyError"),
        (
            "print(2 * int(input()))\nimport sys\nsys.exit(3)",
            "program_error",
            "test 1: SystemExit: 3",
        ),
        ("import os\nprint(2, flush=True)\nos._exit(3)", "program_error", "(exit code 3)"),
        ("import os\nos.abort()", "program_error", "test 1: its process ended (signal"),
        ("while True: pass", "program_timeout", "test 1: more than 1 s of CPU time"),
        ("x = bytearray(10 ** 10)", "memory", "test 1: MemoryError"),
        ("while True: print('x' * 10000)", "output_limit", "test 1: more output"),
        ("import socket\nsocket.socket()", "forbidden", "test 1: PermissionError"),
    ],
)
def test_a_failure_tells_its_kind_and_its_test(judge, code, outcome, reason):
    decision = verdict(judge, code, DOUBLE)
    assert (decision.outcome, decision.rung) == (outcome, "tests")
    assert reason in decision.reason


def test_functions_are_called_with_their_arguments_by_name_or_as_methods(judge):
    assert verdict(judge, "def f(a, b): return a + b", ADD).outcome == "correct"
    method = "class Solution:\n    def f(self, a: int, b: List[int]) -> int: return a + b"
    assert verdict(judge, method, ADD).outcome == "correct"
    decision = verdict(judge, "def f(a, b): return 3", ADD)
    assert decision == ("wrong", "tests", "test 2: returned 3")
    decision = verdict(judge, "def f(a, b): return a + b if a < 5 else g()", ADD)
    assert (decision.outcome, decision.reason[:19]) == ("program_error", "test 2: NameError: ")
    assert verdict(judge, "def g(): pass", ADD).reason.startswith("test 1: KeyError")


def test_equal_is_what_the_benchmark_calls_equal(judge):
    pairs = function_tests(((), [[1, 2], {"a": 0.5}]))
    assert verdict(judge, "def f(): return [(1, 2), {'a': 0.5}]", pairs).outcome == "correct"
    assert verdict(judge, "def f(): return [[1, 2], {'b': 0.5}]", pairs).outcome == "wrong"
    assert verdict(judge, "def f(): return [{1, 2}, {'a': 0.5}]", pairs).outcome == "wrong"
    nothing = function_tests(((0,), [1, 2.5, None, "x"]))
    assert verdict(judge, "def f(n): return (1, 2.5, None, 'x')", nothing).outcome == "correct"
    assert verdict(judge, "def f(n): return [1, 2.5, None, 'y']", nothing).outcome == "wrong"
    third = stdin_tests(("", "0.333333 1"))
    assert verdict(judge, "print(1 / 3, 1.0)", third).outcome == "wrong"
    loose = read_policy({"tolerance": 1e-6}, POLICY)
    assert verdict(judge, "print(1 / 3, 1.0)", third, policy=loose).outcome == "correct"
    spaced = stdin_tests(("", "1 2\n3\n"))
    assert verdict(judge, "print('1 2  ')\nprint(' 3')\nprint()", spaced).outcome == "correct"
    assert verdict(judge, "print('1.0 2')\nprint('3')", spaced).outcome == "correct"
    assert verdict(judge, "print('1 2 3')", spaced).outcome == "wrong"


def test_a_slow_test_is_told_from_many_that_are_slow_together(judge):
    busy = (
        "import time\ndef f(n):\n    end = time.process_time() + n\n"
        "    while time.process_time() < end: pass\n    return n"
    )
    assert verdict(judge, busy, function_tests(*[((0.4,), 0.4)] * 4)).outcome == "correct"
    decision = verdict(judge, busy, function_tests(((0.1,), 0.1), ((3,), 3)))
    assert decision.outcome == "program_timeout" and decision.reason.startswith("test 2")


FORGERIES = {
    "an object that equals everything": (
        "class X(str):\n    def __eq__(self, other): return True\n    __hash__ = str.__hash__\n"
        "def f(n): return X('')"
    ),
    "a type that says it is another": (
        "class X:\n    __class__ = str\n    def __eq__(self, other): return True\n"
        "def f(n): return X()"
    ),
    "what the collector knows": (
        "import gc\n"
        "def f(n): return next((r for x in gc.get_objects() if 'S3' 'CRET' in (r := repr(x))), '')"
    ),
    "what the frames hold": (
        "import sys\n"
        "def f(n):\n"
        "    frame = sys._getframe()\n"
        "    while frame:\n"
        "        for x in frame.f_locals.values():\n"
        "            if 'S3' 'CRET' in repr(x): return repr(x)\n"
        "        frame = frame.f_back\n"
    ),
    "its own report": (
        'import os\nos.write(4, b\'{"passed": true, "calls": 1}\\n\')\n'
        'def f(n):\n    os.write(4, b\'{"passed": true, "calls": 1}\\n\'); os._exit(0)'
    ),
    "its own message": (
        "import json, os\n"
        "def f(n):\n"
        "    text = json.dumps({'passed': True, 'calls': 1}).encode()\n"
        "    os.write(3, len(text).to_bytes(4, 'big') + text)\n"
    ),
    "data that decodes to nothing": (
        "import json, os\n"
        "def f(n):\n"
        "    text = json.dumps({'returned': {'opaque': ['x']}}).encode()\n"
        "    os.write(3, len(text).to_bytes(4, 'big') + text)\n    os._exit(0)"
    ),
    "patched builtins": (
        "import builtins, json\nbuiltins.AssertionError = Exception\n"
        "json.dumps = lambda x: '{\"returned\": true}'\n"
        "builtins.isinstance = lambda *a: True\ndef f(n): return 1"
    ),
    "patched encoder": (
        "import sys\nm = sys.modules['inside.program']\nm.encode = lambda x, d=0: True\n"
        "def f(n): return 1"
    ),
    "assertions off": "import sys\nsys.flags = None\n__debug__x = False\ndef f(n): return 1",
    "exit": "import os\ndef f(n): os._exit(0)",
    "SystemExit": "def f(n): raise SystemExit(0)",
    "an assertion of its own": "def f(n): raise AssertionError",
    "a huge answer": "def f(n): return 'x' * 10 ** 8",
    "a deep answer": ("def f(n):\n    x = []\n    for _ in range(10 ** 5): x = [x]\n    return x"),
    "an endless answer": "import itertools\ndef f(n): return itertools.count()",
}


@pytest.mark.parametrize("how", FORGERIES)
def test_a_verdict_cannot_be_forged(judge, how):
    assert verdict(judge, FORGERIES[how], SECRETS, gold="def f(n): pass").outcome not in (
        "correct",
        "error",
    )


def test_assertions_call_the_program_as_they_would_any_function(judge):
    tests = {
        "code": (
            "def check(candidate):\n"
            "    assert candidate([3, 1, 2]) == [1, 2, 3]\n"
            "    assert candidate((2, 1)) == [1, 2] and candidate([]) == []\n"
            "    assert helper(candidate([5])) == 5\n"
            "    try:\n        candidate(None)\n        assert False\n"
            "    except TypeError:\n        pass\n"
        ),
        "entry_point": "f",
    }
    gold = "def helper(x): return x[0]\n\ndef f(x): return sorted(x)"
    assert verdict(judge, "def f(x): return sorted(x)", tests, gold=gold).outcome == "correct"
    decision = verdict(judge, "def f(x): return list(x)", tests, gold=gold)
    assert decision == ("wrong", "tests", "call 1: an assertion failed")
    decision = verdict(judge, "def f(x): return sorted(x) if x else 1 / 0", tests, gold=gold)
    assert decision.outcome == "program_error" and "call 3: ZeroDivisionError" in decision.reason
    by_name = {"code": "assert f(2) == 4\nassert f(3) == 9", "entry_point": "f", "imports": []}
    assert verdict(judge, "def f(x): return x * x", by_name, gold=gold).outcome == "correct"
    assert verdict(judge, "def f(x): return x + x", by_name, gold=gold).reason.startswith("call 2")
    timeouts = verdict(judge, "def f(x):\n    while True: pass", by_name, gold=gold)
    assert timeouts.outcome == "program_timeout"
    assert (
        verdict(judge, "def f(x): return bytearray(10 ** 10)", by_name, gold=gold).outcome
        == "memory"
    )


def test_a_broken_test_judges_nothing(judge):
    tests = {"code": "while True: pass", "entry_point": "f"}
    judge_limits = "boundary.verification.programs.judging.TESTER_SECONDS"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judge_limits, 0.0)
        assert verdict(judge, "def f(x): pass", tests, gold="").outcome == "error"


def test_nothing_leaks_to_the_next_program():
    limits = Limits(1.0, 300, 5.0, 1 << 20)
    leave = (
        "import builtins, json, os, random\n"
        "for folder in ('/tmp', '/dev/shm'): open(folder + '/left', 'w').write('x')\n"
        "builtins.left = json.left = 1; random.seed(99); os.environ['LEFT'] = '1'\n"
        "os.chdir('/'); os.umask(0)"
    )
    look = (
        "import builtins, json, os, random\n"
        "print(os.listdir('/tmp'), os.listdir('/dev/shm'))\n"
        "print(hasattr(builtins, 'left'), hasattr(json, 'left'))\n"
        "print('LEFT' in os.environ, os.getcwd(), random.random())"
    )
    with closing(Sandbox()) as sandbox:
        before = sandbox.run(Run(look, "main", limits)).stdout
        sandbox.run(Run(leave, "main", limits))
        assert sandbox.run(Run(look, "main", limits)).stdout == before
    assert before.startswith(b"[] []\nFalse False\nFalse /tmp ")


def test_a_time_out_is_run_again_alone(monkeypatch):
    """Whoever runs out of time among others waits until all have ended, and has the machine to itself."""
    ours, theirs = Turns(), Turns()
    order = []
    with theirs.shared():
        alone = threading.Thread(target=lambda: _alone(ours, order))
        alone.start()
        time.sleep(0.2)
        order.append("others are done")
    alone.join()
    assert order == ["others are done", "alone"]


def _alone(turns, order):
    with turns.alone():
        order.append("alone")


def test_equal_programs_run_once(judge, monkeypatch):
    ran = []
    original = Sandbox.begin

    def begin(self, run, link):
        ran.append(run.code)
        return original(self, run, link)

    monkeypatch.setattr(Sandbox, "begin", begin)
    tests = stdin_tests(("", "7"))
    posed = pose("null", POLICY, None, json.dumps(tests))
    texts = [
        f"{before}print(7){after}" for before in ("", "\n\n") for after in ("", "\n", "\r\n \n")
    ]
    judged = judge.judge([Response(posed, f"```python\n{text}\n```", "stop") for text in texts])
    assert {one.verdict for one in judged} == {"correct"} and ran == ["print(7)"]


def test_a_sandbox_that_is_killed_is_started_again(judge):
    posed = pose("null", POLICY, None, json.dumps(stdin_tests(("", "8"))))
    worker = judge.pool._workers[0]
    worker.solver.start()
    worker.solver._process.kill()
    (decision,) = judge.decide([(posed, "print(8)")])
    assert decision.outcome == "correct"


def test_without_namespaces_nothing_runs_and_the_way_out_is_told(monkeypatch):
    monkeypatch.setattr(
        "boundary.sandbox.process.sandbox_command",
        lambda module, descriptor: [
            "sh",
            "-c",
            "echo bwrap: No permissions to create new namespace >&2; exit 1",
        ],
    )
    with (
        closing(Sandbox()) as sandbox,
        pytest.raises(
            BoundaryError, match=r"No permissions to create new namespace.*user namespaces"
        ),
    ):
        sandbox.run(Run("print(1)", "main", Limits(1, 300, 5, 1 << 20)))
    monkeypatch.setattr("boundary.sandbox.bubblewrap.importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("boundary.sandbox.bubblewrap.shutil.which", lambda name: None)
    with pytest.raises(BoundaryError, match="there is no bwrap"):
        find_bubblewrap()


def test_the_verdict_is_the_same_under_load(judge):
    """CPU time decides: beside two busy processes, a program of most of its limit is not too slow."""
    code = "import time\nwhile time.process_time() < 0.6: pass\nprint(9)"
    posed = pose("null", Policy(program_seconds=1.0), None, json.dumps(stdin_tests(("", "9"))))
    hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(4)]
    try:
        (decision,) = judge.decide([(posed, code)])
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()
    assert decision.outcome == "correct"


def test_a_sandbox_that_does_not_hold_is_not_used(monkeypatch):
    """Were the filter of system calls not there, the probe would tell."""
    original = sandbox_command

    def without_filter(module, descriptor):
        command = original(module, descriptor)
        patch = "import inside.isolation as i; i.refuse_system_calls = lambda *_: None; from inside.server"
        return [*command[:-1], command[-1].replace("from inside.server", patch)]

    with closing(Sandbox()) as sandbox:
        check_contained(sandbox)
    monkeypatch.setattr("boundary.sandbox.process.sandbox_command", without_filter)
    with (
        closing(Sandbox()) as sandbox,
        pytest.raises(BoundaryError, match="could open a socket"),
    ):
        check_contained(sandbox)
