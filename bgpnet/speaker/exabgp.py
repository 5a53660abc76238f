"""How ExaBGP is run: its program, its environment, the relay it starts."""

import os
import sys
from pathlib import Path, PurePosixPath
from typing import Final

from bgpnet.drivers.process import Child

DAEMON: Final = "bgpnet.speaker.exabgp_entry"

RELAY: Final = Path(__file__).with_name("relay.py")

ENVIRONMENT_FILE: Final = "exabgp.env"

_SETTINGS: Final = {
    "exabgp_api_ack": "true",
    "exabgp_api_cli": "false",  # no named pipes: the relay is the only door
    "exabgp_api_chunk": "1000",  # lines of `show adj-rib out` per turn of the reactor: 1 otherwise
    "exabgp_api_compact": "true",
    "exabgp_api_encoder": "json",
    "exabgp_api_respawn": "true",
    "exabgp_api_show-routes-format": "v2",
    "exabgp_daemon_daemonize": "false",
    "exabgp_log_destination": "stderr",
    "exabgp_log_level": "ERROR",  # it warns of each connection it closes: the driver tells those, with causes
    # An idle turn of 30 ms, not 10: 0.6 % of a core, not 1.7 %. Sockets and the relay wake it at once.
    "exabgp_reactor_speed": "3.0",
}


def environment(directory: PurePosixPath) -> dict[str, str]:
    """ExaBGP's environment: nothing of ours but PATH, and every setting on which we rely.

    `directory` holds an empty settings file: a host's own /etc/exabgp/exabgp.env must not speak to ours.
    """
    user = "root" if os.geteuid() == 0 else os.environ.get("USER", "nobody")
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "EXABGP_ENVFILE": str(directory / ENVIRONMENT_FILE),
        "exabgp_daemon_user": user,  # root would become nobody, who cannot read the configuration again
        **_SETTINGS,
    }


def server(configuration: PurePosixPath) -> Child:
    """ExaBGP itself."""
    argv = (sys.executable, "-m", DAEMON, "server", str(configuration))
    return Child("exabgp", argv, environment(configuration.parent))


def validation(configuration: PurePosixPath) -> Child:
    """A run that only reads the configuration: exit code 0 when it can."""
    argv = (sys.executable, "-m", DAEMON, "validate", str(configuration))
    return Child("exabgp-validate", argv, environment(configuration.parent))


def relay_argv(socket_path: PurePosixPath) -> tuple[str, ...]:
    """The relay's command line: isolated and without site packages, so that it starts in milliseconds."""
    return (sys.executable, "-ISE", str(RELAY), str(socket_path))
