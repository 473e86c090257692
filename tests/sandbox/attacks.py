"""Attacks of our own making: what a program would try that wants to pass, to get out, or to do harm.

Each is a script. A script that found a way prints ESCAPED; nothing that it prints otherwise matters.
"""

from __future__ import annotations

from typing import NamedTuple


class Attack(NamedTuple):
    """A script, and the ways in which its run may end: see ``how`` in test_attacks.py."""

    code: str
    ends: tuple[str, ...]


HOG = ("memory", "MemoryError", "cpu", "clock", "killed")
REFUSED = ("PermissionError", "OSError", "FileNotFoundError", "exited", "killed")

C_LOOP = """
import ctypes
libc = ctypes.CDLL(None)
while True:
    libc.getpid()
"""

ATTACKS = {
    # Time.
    "loop in Python": Attack("while True: pass", ("cpu",)),
    "loop in C": Attack("sum(iter(int, 1))", ("cpu",)),
    "loop in libc": Attack(C_LOOP, ("cpu",)),
    "regular expression": Attack("import re; re.match('(a+)+$', 'a' * 64 + 'b')", ("cpu",)),
    "large power": Attack("x = 9 ** 9 ** 9 ** 9", ("cpu", *HOG)),
    "sleep": Attack("import time; time.sleep(10 ** 6)", ("clock",)),
    "wait for a lock": Attack(
        "import threading; l = threading.Lock(); l.acquire(); l.acquire()", ("clock",)
    ),
    "ignored signals": Attack(
        "import signal\n"
        "for n in range(1, 65):\n"
        "    try: signal.signal(n, signal.SIG_IGN)\n"
        "    except (OSError, ValueError): pass\n"
        "while True: pass",
        ("cpu",),
    ),
    "work shared by children": Attack(
        "import os\nfor _ in range(6):\n    if os.fork() == 0: break\nwhile True: pass", ("cpu",)
    ),
    "endless exceptions": Attack(
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass", ("cpu",)
    ),
    "recursion": Attack("def f(): f()\nf()", ("RecursionError", "MemoryError", "killed")),
    "recursion in C": Attack(
        "a = []\nfor _ in range(10 ** 6): a = [a]\nrepr(a)", ("RecursionError", *HOG)
    ),
    "nested code": Attack("compile('(' * 10 ** 5, 'x', 'eval')", ("SyntaxError", *HOG)),
    # Memory and disk.
    "memory at once": Attack("x = bytearray(10 ** 11)", ("MemoryError",)),
    "memory in steps": Attack("x = []\nwhile True: x.append(bytearray(10 ** 6))", HOG),
    "memory of children": Attack(
        "import os, time\n"
        "for _ in range(8):\n"
        "    if os.fork() == 0:\n"
        "        x = bytearray(150 * 2 ** 20)\n"
        "        for i in range(0, len(x), 4096): x[i] = 1\n"
        "        time.sleep(60)\n"
        "time.sleep(60)",
        ("memory", "cpu"),
    ),
    "memory file": Attack("import os; os.memfd_create('x')\nprint('ESCAPED')", REFUSED),
    "System V segment": Attack(
        "import ctypes\nl = ctypes.CDLL(None)\n"
        "print('ESCAPED' if l.shmget(0, 10 ** 9, 0o1600) >= 0 else 'no')",
        REFUSED,
    ),
    "disk flood": Attack(
        "n = 0\nwhile True:\n    open(f'/tmp/{n}', 'wb').write(bytes(10 ** 6)); n += 1",
        ("OSError", *HOG),
    ),
    "shared memory flood": Attack(
        "n = 0\nwhile True:\n    open(f'/dev/shm/{n}', 'wb').write(bytes(10 ** 6)); n += 1",
        ("OSError", *HOG),
    ),
    "large file": Attack(
        "f = open('/tmp/x', 'wb')\nwhile True: f.write(bytes(10 ** 6))", ("OSError", "killed")
    ),
    "many files": Attack(
        "n = 0\nwhile True:\n    open(f'/tmp/{n}', 'w').close(); n += 1", ("OSError",)
    ),
    "open files": Attack("x = []\nwhile True: x.append(open('/dev/null'))", ("OSError",)),
    "output flood": Attack("while True: print('x' * 10 ** 6)", ("output",)),
    "output flood by os": Attack(
        "import os\nwhile True: os.write(1, b'x' * 65536)", ("output", "BrokenPipeError")
    ),
    "error flood": Attack("import os\nwhile True: os.write(2, b'x' * 65536)", ("cpu",)),
    "report flood": Attack(
        "import os\nwhile True: os.write(4, b'x' * 65536)", ("output", "clock")
    ),
    # Processes.
    "fork bomb": Attack(
        "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
        ("cpu", "processes", "memory", "clock"),
    ),
    "fork bomb by posix": Attack(
        "import posix\nwhile True:\n    try: posix.fork()\n    except OSError: pass",
        ("cpu", "processes", "memory", "clock"),
    ),
    "fork bomb by ctypes": Attack(
        "import ctypes\nl = ctypes.CDLL(None)\nwhile True: l.fork()",
        ("cpu", "processes", "memory", "clock"),
    ),
    "threads": Attack(
        "import threading, time\n"
        "for _ in range(10000): threading.Thread(target=time.sleep, args=(60,)).start()",
        ("RuntimeError", "clock", *HOG),
    ),
    "daemon": Attack(
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        time.sleep(1)\n"
        "        open('/tmp/alive', 'w').write('x')\n"
        "        time.sleep(10 ** 6)\n"
        "    os._exit(0)",
        ("exited",),
    ),
    "kill everybody": Attack("import os; os.kill(-1, 9)", ("exited", "killed", "ProcessLookupError")),
    "kill the group": Attack("import os; os.kill(0, 9)", ("exited", "killed", "ProcessLookupError")),
    "kill the parent": Attack(
        "import os\nos.kill(os.getppid(), 9)", ("exited", "killed", "ProcessLookupError")
    ),
    "kill every number": Attack(
        "import os\n"
        "for n in range(1, 40000):\n"
        "    if n != os.getpid():\n"
        "        try: os.kill(n, 9); print('ESCAPED', n)\n"
        "        except OSError: pass",
        ("exited",),
    ),
    "trace the parent": Attack(
        "import ctypes, os\nl = ctypes.CDLL(None)\n"
        "print('ESCAPED' if l.ptrace(16, os.getppid(), 0, 0) == 0 else 'no')",
        ("exited",),
    ),
    "priority": Attack("import os; os.nice(-20); print('ESCAPED')", REFUSED),
    # Files and secrets.
    "file outside": Attack(
        "for p in ('/usr/x', '/x', '/dev/x', '/etc/x', '/sandbox/inside/x', '/packages/x', '/bin/x'):\n"
        "    try: open(p, 'w'); print('ESCAPED', p)\n"
        "    except OSError: pass",
        ("exited",),
    ),
    "symlink outside": Attack(
        "import os\nos.symlink('/usr', '/tmp/u')\nopen('/tmp/u/x', 'w'); print('ESCAPED')", REFUSED
    ),
    "the machine's files": Attack(
        "import os\n"
        "for p in ('/etc/passwd', '/etc/shadow', '/home', '/var', '/work', '/proc/1/environ', '/sys'):\n"
        "    if os.path.exists(p): print('ESCAPED', p)",
        ("exited",),
    ),
    "proc": Attack(
        "import os\nprint('ESCAPED' if os.listdir('/proc') else 'no')\nopen('/proc/self/mem')", REFUSED
    ),
    "environment": Attack(
        "import os\n"
        "known = {'PATH', 'LANG', 'PYTHONHASHSEED', 'OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'PWD'}\n"
        "print('ESCAPED' if set(os.environ) - known else 'no')",
        ("exited",),
    ),
    "environment in memory": Attack(
        "import ctypes\n"
        "e = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), 'environ')\n"
        "n = 0\n"
        "while e[n]:\n"
        "    if b'SECRET' in e[n]: print('ESCAPED')\n"
        "    n += 1",
        ("exited",),
    ),
    "descriptors": Attack(
        "import os\n"
        "for n in range(5, 1024):\n"
        "    try: os.fstat(n); print('ESCAPED', n)\n"
        "    except OSError: pass",
        ("exited",),
    ),
    "write to the input": Attack(
        "import os\ntry: os.write(0, b'x'); print('ESCAPED')\nexcept OSError: pass", ("exited",)
    ),
    # Privileges and the kernel.
    "become root": Attack("import os; os.setuid(0); print('ESCAPED')", REFUSED),
    "new user namespace": Attack(
        "import ctypes\nl = ctypes.CDLL(None)\n"
        "print('ESCAPED' if l.unshare(0x10000000) == 0 else 'no')",
        ("exited",),
    ),
    "new namespace by clone": Attack(
        "import ctypes\nl = ctypes.CDLL(None)\n"
        "print('ESCAPED' if l.syscall(56, 0x10000011, 0, 0, 0, 0) >= 0 else 'no')",
        ("exited",),
    ),
    "mount": Attack(
        "import ctypes\nl = ctypes.CDLL(None)\n"
        "print('ESCAPED' if l.mount(b'tmpfs', b'/tmp', b'tmpfs', 0, b'') == 0 else 'no')\n"
        "print('ESCAPED' if l.umount2(b'/proc', 2) == 0 else 'no')",
        ("exited",),
    ),
    "change the root": Attack("import os; os.chroot('/tmp'); print('ESCAPED')", REFUSED),
    "32-bit calls": Attack(
        "import ctypes, mmap\n"
        "m = mmap.mmap(-1, 4096, prot=7)\n"
        "m.write(b'\\xb8\\x14\\x00\\x00\\x00\\xcd\\x80\\xc3')\n"
        "f = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))\n"
        "f(); print('ESCAPED')",
        ("killed",),
    ),
    "io_uring": Attack(
        "import ctypes\nl = ctypes.CDLL(None)\n"
        "print('ESCAPED' if l.syscall(425, 8, ctypes.create_string_buffer(256)) >= 0 else 'no')",
        ("exited",),
    ),
    "bpf": Attack(
        "import ctypes\nl = ctypes.CDLL(None)\n"
        "print('ESCAPED' if l.syscall(321, 0, ctypes.create_string_buffer(128), 128) >= 0 else 'no')",
        ("exited",),
    ),
    "raise the limits": Attack(
        "import resource\nresource.setrlimit(resource.RLIMIT_AS, (-1, -1)); print('ESCAPED')",
        ("ValueError", "PermissionError"),
    ),
    # The network.
    "connection": Attack(
        "import socket\nsocket.create_connection(('127.0.0.1', 22), 1); print('ESCAPED')", REFUSED
    ),
    "server": Attack(
        "import socket\ns = socket.socket(); s.bind(('', 8080)); print('ESCAPED')", REFUSED
    ),
    "abstract socket": Attack(
        "import socket\ns = socket.socket(socket.AF_UNIX); s.bind('\\0x'); print('ESCAPED')", REFUSED
    ),
    # Ways out of the process that was watched.
    "exit": Attack("import os; os._exit(0)", ("exited",)),
    "abort": Attack("import os; os.abort()", ("killed",)),
    "null pointer": Attack("import ctypes; ctypes.string_at(0)", ("killed",)),
    "execute a shell": Attack(
        "import os\nos.execv('/bin/sh', ['sh', '-c', 'echo hello; exit 3'])", ("exited", "OSError")
    ),
    "closed streams": Attack(
        "import sys\nsys.stdout.close(); sys.stderr.close(); sys.stdin.close()", ("exited",)
    ),
}  # fmt: skip
