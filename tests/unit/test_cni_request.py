"""Reading a CNI request: what is accepted, and the error for what is not."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bgpnet.model.cni import SUPPORTED_VERSIONS, Attachment, CniCode, Command, Dns, NetworkConfig
from bgpnet.model.cni_request import decode_config, parse_attachment, parse_command, parse_config
from bgpnet.model.errors import CniError

CONFIG: dict[str, Any] = {"cniVersion": "1.1.0", "name": "pods", "type": "bgpnet"}
ENVIRONMENT = {"CNI_COMMAND": "ADD", "CNI_CONTAINERID": "4f0c", "CNI_IFNAME": "eth0"}

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)


@pytest.mark.parametrize("version", SUPPORTED_VERSIONS)
def test_a_plain_configuration(version: str) -> None:
    assert parse_config(CONFIG | {"cniVersion": version}, Command.ADD) == NetworkConfig(version, "pods")


def test_every_field_that_is_read() -> None:
    config = CONFIG | {
        "mtu": 9000,
        "dns": {"nameservers": ["10.0.0.10"], "domain": "x", "search": ["a", "b"], "options": None},
        "cni.dev/valid-attachments": [{"containerID": "4f0c", "ifname": "eth0"}],
    }
    assert parse_config(config, Command.GC) == NetworkConfig(
        "1.1.0", "pods", 9000, Dns(("10.0.0.10",), "x", ("a", "b")), frozenset({("4f0c", "eth0")})
    )


@pytest.mark.parametrize("version", ["0.1.0", "0.2.0", "1.2.0", "2", "", None, 1.0, ["1.0.0"]])
def test_other_versions_are_incompatible(version: object) -> None:
    refused(CONFIG | {"cniVersion": version}, CniCode.INCOMPATIBLE_VERSION, "0.3.0, 0.3.1")


def test_no_version_means_0_1_0() -> None:
    config = {"name": "pods", "type": "bgpnet"}
    refused(config, CniCode.INCOMPATIBLE_VERSION, '"0.1.0"')


@pytest.mark.parametrize("name", ["", None, 7, "-x", "a b", "a/b", "ä", "a\n", "x" * 65])
def test_names_that_no_network_has(name: object) -> None:
    refused(CONFIG | {"name": name}, CniCode.INVALID_CONFIG, "name is ")


@pytest.mark.parametrize("mtu", [67, 65536, -1, "1500", 1500.0, True, None, [1500]])
def test_mtus_that_no_link_has(mtu: object) -> None:
    refused(CONFIG | {"mtu": mtu}, CniCode.INVALID_CONFIG, "mtu is ")


@pytest.mark.parametrize(
    ("dns", "field"),
    [
        ([], "dns is"),
        ("x", "dns is"),
        ({"domain": 1}, "dns.domain"),
        ({"nameservers": "10.0.0.10"}, "dns.nameservers"),
        ({"search": [1]}, "dns.search"),
    ],
)
def test_dns_of_a_wrong_shape(dns: object, field: str) -> None:
    refused(CONFIG | {"dns": dns}, CniCode.INVALID_CONFIG, field)


@pytest.mark.parametrize("field", ["ipam", "prevResult", "runtimeConfig"])
def test_what_would_be_ignored_is_refused_by_name(field: str) -> None:
    config = CONFIG | {field: {"ips": ["10.0.0.1/32"]}}
    refused(config, CniCode.UNSUPPORTED_FIELD, field, '{"ips": ["10.0.0.1/32"]}')
    assert parse_config(config, Command.DEL).name == "pods"
    assert parse_config(CONFIG | {field: {}}, Command.ADD).name == "pods"


@pytest.mark.parametrize(
    "items", [{}, "x", [1], [{}], [{"containerID": "a"}], [{"containerID": 1, "ifname": "b"}]]
)
def test_valid_attachments_of_a_wrong_shape(items: object) -> None:
    config = CONFIG | {"cni.dev/valid-attachments": items}
    refused(config, CniCode.INVALID_CONFIG, "cni.dev/valid-attachments", command=Command.GC)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"nul",
        b"[" * 500_000,
        b'{"a":' * 200_000,
        b"9" * 10_000,
        b"[]",
        b'"x"',
        b"null",
    ],
)
def test_what_is_no_json_object(text: bytes) -> None:
    with pytest.raises(CniError, match="stdin") as raised:
        decode_config(text)
    assert raised.value.code == CniCode.UNDECODABLE


def test_a_command_and_an_attachment() -> None:
    assert parse_command(ENVIRONMENT) is Command.ADD
    assert parse_attachment(ENVIRONMENT, "pods") == Attachment("pods", "4f0c", "eth0")


@pytest.mark.parametrize("command", [None, "", "add", "VERSION", "ADD "])
def test_commands_that_there_are_not(command: str | None) -> None:
    environment = {} if command is None else {"CNI_COMMAND": command}
    with pytest.raises(CniError, match=r"CNI_COMMAND is .* not one of ADD, DEL") as raised:
        parse_command(environment)
    assert raised.value.code == CniCode.BAD_ENVIRONMENT


@pytest.mark.parametrize("container", ["", "-a", "a/b", "a b", "a\udcff", "x" * 101])
def test_containers_that_there_are_not(container: str) -> None:
    with pytest.raises(CniError, match="CNI_CONTAINERID is ") as raised:
        parse_attachment(ENVIRONMENT | {"CNI_CONTAINERID": container}, "pods")
    assert raised.value.code == CniCode.BAD_ENVIRONMENT


@pytest.mark.parametrize(
    "ifname", ["", ".", "..", "a/b", "a:b", "a b", "eth%d", "ä", "e\n", "sixteen-letters-"]
)
def test_interfaces_that_there_are_not(ifname: str) -> None:
    with pytest.raises(CniError, match="CNI_IFNAME is ") as raised:
        parse_attachment(ENVIRONMENT | {"CNI_IFNAME": ifname}, "pods")
    assert raised.value.code == CniCode.BAD_ENVIRONMENT


def test_a_long_value_is_shown_in_part() -> None:
    with pytest.raises(CniError) as raised:
        parse_config(CONFIG | {"name": "x" * 10_000}, Command.ADD)
    assert len(str(raised.value)) < 300


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # others use the machine, too
@given(
    st.dictionaries(st.sampled_from([*CONFIG, "mtu", "dns", "ipam", "cni.dev/valid-attachments"]), anything)
)
def test_whatever_comes_is_a_configuration_or_a_cni_error(fields: dict[str, Any]) -> None:
    text = json.dumps(CONFIG | fields).encode()
    with suppress(CniError):
        parse_config(decode_config(text), Command.ADD)


def refused(config: dict[str, Any], code: CniCode, *texts: str, command: Command = Command.ADD) -> None:
    with pytest.raises(CniError) as raised:
        parse_config(config, command)
    assert raised.value.code == code
    for text in texts:
        assert text in str(raised.value)
