"""OpenSSL in our processes: only where something is encrypted."""

import subprocess
import sys

import pytest

WITHOUT = """
import sys
from bgpnet.drivers import openssl
with openssl.left_out():
    {imported}
for name in ("ssl", "_ssl", "_hashlib"):
    assert name not in sys.modules, name
with open("/proc/self/maps") as maps:
    assert "libcrypto" not in maps.read()
{after}
"""


@pytest.mark.parametrize(
    ("imported", "after"),
    [
        ("from bgpnet.agent import app", "import hashlib; assert len(hashlib.sha256(b'').hexdigest()) == 64"),
        ("from bgpnet.speaker import exabgp_daemon", ""),
        ("import asyncio", "import ssl; assert ssl.OPENSSL_VERSION"),
        ("from bgpnet.agent import app", "import bgpnet.agent.metrics"),
    ],
)
def test_it_is_left_out_and_may_come_later(imported: str, after: str) -> None:
    program = WITHOUT.format(imported=imported, after=after)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
