"""Where the processes of a node find each other: the paths below the run directory."""

from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(frozen=True, slots=True)
class RunDir:
    """Paths below one run directory (default /run/bgpnet, on tmpfs). Pure: touches no file."""

    root: PurePosixPath

    @property
    def cni_socket(self) -> PurePosixPath:
        """SOCK_SEQPACKET: shim -> `bgpnet cni`."""
        return self.root / "cni.sock"

    @property
    def agent_socket(self) -> PurePosixPath:
        """HTTP over a stream socket: `bgpnet status` and probes -> agent."""
        return self.root / "agent.sock"

    @property
    def blocks(self) -> PurePosixPath:
        """JSON, agent -> `bgpnet cni`, replaced atomically: the node's blocks and link settings."""
        return self.root / "blocks.json"

    @property
    def sysctls(self) -> PurePosixPath:
        """JSON: the sysctls we set, with the values found before, so that they can be restored."""
        return self.root / "sysctls.json"

    @property
    def last_good(self) -> PurePosixPath:
        """JSON: the last good content of each manifest (files source)."""
        return self.root / "last-good.json"

    @property
    def passwords(self) -> PurePosixPath:
        """JSON (0600): the passwords in use, for an agent that restarts while the API server is away."""
        return self.root / "passwords.json"

    @property
    def speaker(self) -> PurePosixPath:
        """Directory (0700) of the speaker's own files: configuration with secrets, sockets."""
        return self.root / "speaker"

    @property
    def speaker_socket(self) -> PurePosixPath:
        """JSON lines over a stream socket: agent -> supervisor."""
        return self.speaker / "supervisor.sock"

    @property
    def relay_socket(self) -> PurePosixPath:
        """JSON lines over a stream socket: agent <-> relay."""
        return self.speaker / "relay.sock"

    @property
    def exabgp_conf(self) -> PurePosixPath:
        """ExaBGP's configuration in force (0600)."""
        return self.speaker / "exabgp.conf"

    @property
    def bfd_sessions(self) -> PurePosixPath:
        """JSON, agent -> `bgpnet bfd`, replaced atomically: the sessions it is to keep."""
        return self.root / "bfd.json"

    @property
    def bfd_socket(self) -> PurePosixPath:
        """JSON lines over a stream socket: `bgpnet bfd` -> agent, at each change."""
        return self.root / "bfd.sock"

    @property
    def bfd_state(self) -> PurePosixPath:
        """JSON: what `bgpnet bfd` needs to go on with its sessions after a restart."""
        return self.root / "bfd-state.json"

    @property
    def ready(self) -> PurePosixPath:
        """Empty; the node was route-ready once since it booted. Read by the CNI shim for STATUS."""
        return self.root / "ready"

    @property
    def drain(self) -> PurePosixPath:
        """What `bgpnet drain` asked for; there as long as it holds."""
        return self.root / "drain"

    @property
    def heartbeat(self) -> PurePosixPath:
        """The agent's last sign of life: seconds of CLOCK_MONOTONIC. Read by the CNI shim for STATUS."""
        return self.root / "heartbeat"

    @property
    def cni(self) -> PurePosixPath:
        """Directory (0700) of the CNI server's own state."""
        return self.root / "cni"

    @property
    def pods(self) -> PurePosixPath:
        """JSON lines, appended to by `bgpnet cni`: which pod has which addresses, which were freed when."""
        return self.cni / "pods.jsonl"
