"""PID 1 of a node: gives the node a file system of its own, then waits for orphans until it is killed.

Started in fresh mount, PID, UTS and IPC namespaces and in the node's network namespace, with a specification
(one line of JSON) on standard input; answers one line of JSON: `{"pid": <pid outside>}` or `{"error": "…"}`.
It stays only when it then reads the line `stay`, so that a runner which dies before it has written the PID
down leaves nothing.

The node sees the host's files through an overlay, so that nothing that it writes reaches the host, with
private /run and /tmp, /proc and /sys of its own namespaces, and the binds of the lab. All of it lives in the
mount namespace and ends with it.
"""

import ctypes
import fcntl
import json
import os
import pwd
import signal
import socket
import struct
import sys
from pathlib import Path
from typing import Any

MS_RDONLY = 0x1
MS_REMOUNT = 0x20
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
MNT_DETACH = 2
SIOCGIFFLAGS = 0x8913
SIOCSIFFLAGS = 0x8914
IFF_UP = 0x1

DISKS = frozenset(
    {"bcachefs", "btrfs", "ext3", "ext4", "f2fs", "nfs", "nfs4", "overlay", "virtiofs", "xfs", "zfs", "9p"}
)
"""File system types that hold the host's files; all others are the kernel's or in memory."""

_libc = ctypes.CDLL(None, use_errno=True)


def _call(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """Make a mount, as the system call does."""
    arguments = [text.encode() or None for text in (source, target, kind)]
    _call(
        _libc.mount(*arguments, ctypes.c_ulong(flags), options.encode() or None),
        f"mount {source} on {target}",
    )


def bind(source: str, target: str, *, read_only: bool) -> None:
    """Show `source` with everything below it at `target`, which is made as needed."""
    place = Path(target)
    if Path(source).is_dir():
        place.mkdir(parents=True, exist_ok=True)
    else:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    mount(source, target, flags=MS_BIND | MS_REC)
    if read_only:
        mount("none", target, flags=MS_BIND | MS_REMOUNT | MS_RDONLY)


def host_mounts() -> list[str]:
    """Further disks of the host (as a separate /home), parents first."""
    points = []
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        fields = line.split()
        kind = fields[fields.index("-") + 1]
        point = fields[4].encode().decode("unicode_escape")
        below = point.split("/")[1]
        if kind in DISKS and below not in {"", "proc", "sys", "dev", "run", "tmp"} and Path(point).is_dir():
            points.append(point)
    return sorted(set(points))


def own_files(spec: dict[str, Any]) -> None:
    """Build the node's root directory and move into it."""
    mount("none", "/", flags=MS_REC | MS_PRIVATE)
    # Handles first: what is mounted below may hide a source's path.
    sources = [(os.open(each["source"], os.O_PATH), each) for each in spec["binds"]]
    scratch = spec["scratch"]
    disks = host_mounts()
    mount("netlab", scratch, "tmpfs", options="mode=755")
    root = scratch + "/root"
    for name in ("root", "upper", "work"):
        Path(scratch, name).mkdir()
    layers = f"lowerdir=/,upperdir={scratch}/upper,workdir={scratch}/work"
    mount("netlab", root, "overlay", options=layers)
    for point in disks:
        bind(point, root + point, read_only=True)
    mount("proc", root + "/proc", "proc")
    mount("sysfs", root + "/sys", "sysfs")
    mount("/dev", root + "/dev", flags=MS_BIND | MS_REC)
    mount("netlab", root + "/run", "tmpfs", options="mode=755")
    mount("netlab", root + "/tmp", "tmpfs", options="mode=1777")  # noqa: S108 - the node's own
    for name in ("lock", "netns"):
        Path(root, "run", name).mkdir()
    for hidden, owner in spec["hidden"].items():
        Path(root + hidden).mkdir(parents=True, exist_ok=True)
        mount("netlab", root + hidden, "tmpfs", options="mode=755")
        entry = pwd.getpwnam(owner)
        os.chown(root + hidden, entry.pw_uid, entry.pw_gid)
    for path, text in spec["files"].items():
        Path(root + path).write_text(text, encoding="utf-8")
    for handle, each in sources:
        bind(f"/proc/self/fd/{handle}", root + each["target"], read_only=each["read_only"])
        os.close(handle)
    os.chdir(root)
    Path("old_root_of_netlab").mkdir()
    _call(_libc.pivot_root(b".", b"old_root_of_netlab"), "pivot_root")
    os.chdir("/")
    _call(_libc.umount2(b"/old_root_of_netlab", MNT_DETACH), "umount of the old root")
    Path("/old_root_of_netlab").rmdir()


def own_network(spec: dict[str, Any]) -> None:
    """Set the node's sysctls and bring the loopback up."""
    for name, value in spec["sysctls"].items():
        path = "/proc/sys/" + name.replace(".", "/")
        try:
            Path(path).write_text(value, encoding="ascii")
        except OSError as error:
            raise OSError(
                error.errno,
                f"sysctl {name} = {value}: {error.strerror} (settings of one interface go into exec:"
                " interfaces come after sysctls)",
            ) from error
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh14x", b"lo", 0)
        (flags,) = struct.unpack_from("h", fcntl.ioctl(control, SIOCGIFFLAGS, request), 16)
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def reap() -> None:
    """Collect what other processes left behind, for ever."""
    while True:
        signal.sigwait({signal.SIGCHLD})
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass


def say(answer: dict[str, Any]) -> None:
    """Answer the runner."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Set the node up, answer, and stay."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    spec = json.loads(sys.stdin.readline())
    pid = int(Path("/proc/self").readlink().name)  # the old /proc still shows the PID outside
    try:
        own_files(spec)
        own_network(spec)
        socket.sethostname(spec["hostname"])
    except (OSError, KeyError) as error:
        say({"error": str(error)})
        raise SystemExit(1) from error
    say({"pid": pid})
    if sys.stdin.readline() != "stay\n":
        return
    os.close(0)
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, 1)
    os.dup2(null, 2)
    reap()


main()
