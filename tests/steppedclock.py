"""A wall clock of some programs' own, which a test sets."""

import struct
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).parent / "labs" / "clock.c"


class Clock:
    """The wall clock of the programs that run with it. `at`: where they find by how much it is wrong."""

    def __init__(self, folder: Path, at: str = "") -> None:
        self.library, self._step = folder / "clock.so", folder / "step"
        compiler = [sys.executable, "-m", "ziglang", "cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror"]
        place = f'-DSTEP="{at or self._step}"'
        subprocess.run([*compiler, place, "-o", self.library, SOURCE], check=True, timeout=120)
        self._step.write_bytes(struct.pack("=q", 0))

    @property
    def environment(self) -> Mapping[str, str]:
        """Of programs that have this clock."""
        return {"LD_PRELOAD": str(self.library)}

    def binds(self, at: str) -> str:
        """Lines of a lab's node all of whose programs have it."""
        preload = self.library.with_name("preload")
        preload.write_text("/usr/local/lib/clock.so\n", encoding="ascii")
        places = {self.library: "/usr/local/lib/clock.so", self._step: at, preload: "/etc/ld.so.preload"}
        return "".join(f"        - {file}:{path}:ro\n" for file, path in places.items())

    def set(self, seconds: int) -> None:
        """Set it to so much more than the machine's."""
        with self._step.open("r+b") as file:
            file.write(struct.pack("=q", seconds))
