"""The shape of lab.clab.yml: the subset of containerlab's schema that both runtimes read.

Field for field from containerlab 0.79 (schemas/clab.schema.json). A field that containerlab has and this
runner has not is refused by name; what is accepted but means nothing here is in `IGNORED`.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

OUTSIDE = frozenset(
    {"aliases", "auto-remove", "certificate", "cgroup-parent", "cgroupns-mode", "components", "config"}
    | {"credentials", "devices", "dns", "enforce-startup-config", "extras", "license", "link-apply-mode"}
    | {"pid-mode", "runtime", "security-opts", "shm-size", "startup-config", "startup-delay"}
    | {"suppress-startup-config", "tmpfs", "type", "volumes"}
)
"""Fields of containerlab's nodes that this runner refuses."""

IGNORED = frozenset(
    {"cap-add", "cpu", "cpu-set", "hostname", "image-pull-policy", "memory", "mgmt-ipv4", "mgmt-ipv6"}
    | {"ports", "privileged", "restart-policy", "user"}
)
"""Fields of containerlab's nodes that mean something to Docker only: accepted, named once in a notice."""


def _hyphenated(name: str) -> str:
    return name.replace("_", "-")


VERBATIM = frozenset({"env", "labels", "sysctls"})
"""Mappings whose values are text as it stands in the file."""


class Model(BaseModel):
    """Base: no unknown keys; `a_b` is written `a-b`."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=_hyphenated)


class Sparse(Model):
    """Base: a field with nothing after its colon says nothing, as for containerlab."""

    @model_validator(mode="before")
    @classmethod
    def _without_nothing(cls, value: Any) -> Any:  # noqa: ANN401 - whatever the file holds
        if isinstance(value, dict):
            return {key: each for key, each in value.items() if each is not None}
        return value


Stage = Literal["create", "create-links", "configure", "healthy", "exit"]
InterfaceName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$")]
Mac = Annotated[str, Field(pattern=r"^(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$")]
Mtu = Annotated[int, Field(ge=68, le=65535)]


class HealthCheck(Sparse):
    """Docker's health check. Times in seconds; defaults are Docker's."""

    test: Annotated[list[str], Field(min_length=2)]
    interval: Annotated[int, Field(ge=1)] = 30
    timeout: Annotated[int, Field(ge=1)] = 30
    retries: Annotated[int, Field(ge=1)] = 3
    start_period: Annotated[int, Field(ge=0)] = 0


class WaitFor(Model):
    """Do not enter the stage before `node` has finished `stage`."""

    node: str
    stage: Stage


class StageExec(Model):
    """A command that runs as the node enters or leaves a stage."""

    command: str
    target: Literal["container", "host"] = "container"
    phase: Literal["on-enter", "on-exit"] = "on-enter"


class StageFields(Sparse):
    """What hangs on one stage."""

    wait_for: list[WaitFor] = []
    exec: list[StageExec] = []


class NodeFields(Sparse):
    """What `defaults`, `kinds`, `groups` and `nodes` may say. None: says nothing."""

    kind: Literal["linux", "bridge", "host"] | None = None
    group: str | None = None
    image: str | None = None
    entrypoint: str | None = None
    cmd: str | None = None
    binds: list[str] = []
    env: dict[str, str | None] = {}
    env_files: list[str] = []
    exec: list[str] = []
    sysctls: dict[str, str] = {}
    labels: dict[str, str | None] = {}
    network_mode: Annotated[str, Field(pattern=r"^(none|host|container:\S+)$")] | None = None
    healthcheck: HealthCheck | None = None
    stages: dict[Stage, StageFields | None] = {}
    # Docker's own, see IGNORED
    cap_add: list[str] | None = None
    cpu: float | None = None
    cpu_set: str | None = None
    hostname: str | None = None
    image_pull_policy: str | None = None
    memory: str | None = None
    mgmt_ipv4: str | None = None
    mgmt_ipv6: str | None = None
    ports: list[str | int] | None = None
    privileged: bool | None = None
    restart_policy: str | None = None
    user: str | int | None = None


class BriefLink(Sparse):
    """`endpoints: ["a:eth1", "b:eth1"]`; addresses, vars and labels are not applied, as in containerlab."""

    endpoints: Annotated[list[Annotated[str, Field(pattern=r"^\S+:\S+$")]], Field(min_length=2, max_length=2)]
    mtu: Mtu | None = None
    ipv4: list[str] = []
    ipv6: list[str] = []
    vars: dict[str, Any] = {}
    labels: dict[str, str | None] = {}


class LongEndpoint(Sparse):
    """One end of a link in long form."""

    node: str
    interface: InterfaceName
    mac: Mac | None = None
    ipv4: str | None = None
    ipv6: str | None = None
    vars: dict[str, Any] = {}


class VethLink(Sparse):
    """A veth pair between two nodes, in long form."""

    type: Literal["veth"]
    endpoints: Annotated[list[LongEndpoint], Field(min_length=2, max_length=2)]
    mtu: Mtu | None = None
    ipv4: list[str] = []
    ipv6: list[str] = []
    vars: dict[str, Any] = {}
    labels: dict[str, str | None] = {}


class HostLink(Sparse):
    """A veth pair between a node and the root namespace."""

    type: Literal["host"]
    endpoint: LongEndpoint
    host_interface: InterfaceName
    mtu: Mtu | None = None
    vars: dict[str, Any] = {}
    labels: dict[str, str | None] = {}


def _link_form(value: object) -> str:
    form = value.get("type", "brief") if isinstance(value, dict) else "brief"
    return form if isinstance(form, str) else "brief"


AnyLink = Annotated[
    Annotated[BriefLink, Tag("brief")] | Annotated[VethLink, Tag("veth")] | Annotated[HostLink, Tag("host")],
    Discriminator(_link_form),
]


class TopologyFields(Sparse):
    """Nodes, what they share, and the links between them."""

    defaults: NodeFields | None = None
    kinds: dict[Literal["linux", "bridge", "host"], NodeFields | None] = {}
    groups: dict[str, NodeFields | None] = {}
    nodes: Annotated[
        dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")], NodeFields | None],
        Field(min_length=1),
    ]
    links: list[AnyLink] = []


class TopologyFile(Sparse):
    """A whole lab.clab.yml. `mgmt` and `settings` concern Docker and are ignored."""

    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._-]*$", max_length=60)]
    prefix: Annotated[str, Field(pattern=r"^$|^__lab-name$|^[a-zA-Z0-9][a-zA-Z0-9._-]*$")] | None = None
    mgmt: dict[str, Any] | None = None
    settings: dict[str, Any] | None = None
    topology: TopologyFields
