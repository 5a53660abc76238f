"""What stands in config/systemd and in the chart fits the command line, and each other."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from bgpnet.cli import parser

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "config" / "systemd"
INSTALL = ROOT / "docs" / "install.md"
TEMPLATES = ROOT / "charts" / "bgpnet" / "templates"

ENVIRONMENT = dict(
    line.removeprefix("#").split("=", 1)
    for line in (UNITS / "bgpnet.env").read_text().splitlines()
    if re.match(r"#?BGPNET_", line)
)


def setting(unit: str, name: str) -> str:
    """The value of a setting of a unit."""
    (found,) = re.findall(rf"^{name}=(.*)$", (UNITS / unit).read_text(), re.MULTILINE)
    return str(found)


@pytest.mark.parametrize("unit", sorted(path.name for path in UNITS.glob("*.service")))
def test_a_unit_starts_what_there_is(unit: str) -> None:
    program, *arguments = shlex.split(setting(unit, "ExecStart"))
    assert program == "/usr/local/bin/bgpnet"
    assert parser(ENVIRONMENT).parse_args(arguments).verb


def test_the_target_wants_every_unit() -> None:
    wanted = re.findall(r"bgpnet-\w+\.service", (UNITS / "bgpnet.target").read_text())
    assert set(wanted) == {path.name for path in UNITS.glob("*.service")}


def test_the_documented_command_enables_every_unit() -> None:
    """The target is what is started at boot, and wants what is enabled beside it."""
    (line,) = re.findall(r"^ *systemctl enable --now (.*)$", INSTALL.read_text(), re.MULTILINE)
    named = {name if "." in name else f"{name}.service" for name in line.split()}
    assert named == {path.name for path in UNITS.iterdir() if path.suffix in {".service", ".target"}}


@pytest.mark.parametrize("process", ["agent", "cni", "speaker", "bfd"])
def test_what_stays_is_shut_in(process: str) -> None:
    for name in ("NoNewPrivileges", "PrivateDevices", "MemoryDenyWriteExecute", "RestrictNamespaces"):
        assert setting(f"bgpnet-{process}.service", name) == "yes"
    assert setting(f"bgpnet-{process}.service", "ProtectSystem") == "strict"


def test_each_variable_of_the_settings_file_is_a_flag() -> None:
    known = set()
    for verb in ("agent", "install-cni"):
        values = parser(ENVIRONMENT).parse_args([verb])
        known |= {f"BGPNET_{name.upper()}" for name in vars(values)}
    assert set(ENVIRONMENT) <= known


@pytest.mark.parametrize("process", ["agent", "cni", "speaker", "bfd"])
def test_units_and_containers_have_the_same_rights(process: str) -> None:
    template = (TEMPLATES / ("agent.yaml" if process in {"agent", "cni"} else "speaker.yaml")).read_text()
    container = template.split(f"- name: {process}\n", 1)[1]
    listed = re.search(r'"bgpnet.rights" \(list (.*?)\)', container)
    assert listed
    rights = re.findall(r'"(\w+)"', listed[1])
    bounding = setting(f"bgpnet-{process}.service", "CapabilityBoundingSet")
    assert bounding.split() == [f"CAP_{right}" for right in rights]


def pinned(path: str) -> dict[str, str]:
    """Version by package, of a file of requirements."""
    return dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / path).read_text(), re.MULTILINE))


def test_the_image_has_what_the_tests_have_and_every_dependency() -> None:
    image, tested = pinned("image/requirements.txt"), pinned("constraints.txt")
    assert image.pop("pip")
    assert image.items() <= tested.items()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[^\w.-]", each)[0].lower() for each in project["dependencies"]}
    assert names <= image.keys()
