"""The commands of the CNI specification: a request in, an outcome out."""

import logging
import os
import socket
from dataclasses import dataclass

from bgpnet.cni import result
from bgpnet.cni.attachments import Attachments
from bgpnet.cni.blocks import CurrentBlocks
from bgpnet.cni.wire import Request
from bgpnet.drivers.podlink.channel import Channel
from bgpnet.model.cni import NEWEST_VERSION, CniCode, Command, NetworkConfig, PodLink
from bgpnet.model.cni_request import (
    decode_config,
    parse_attachment,
    parse_command,
    parse_config,
    parse_version,
)
from bgpnet.model.errors import CniError, KernelError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the shim prints and ends with; and the link that was made, to be undone if nobody takes that."""

    output: bytes
    status: int
    made: PodLink | None = None


class Commands:
    """Answers requests, one at a time."""

    def __init__(self, attachments: Attachments, blocks: CurrentBlocks) -> None:
        self._attachments = attachments
        self._blocks = blocks
        here = os.stat("/proc/self/ns/net")  # noqa: PTH116 - os.stat_result is what is compared
        self._host_netns = (here.st_dev, here.st_ino)

    def answer(self, request: Request) -> Outcome:
        """Carry out a request. Whatever is wrong with it is an error in the outcome."""
        version = NEWEST_VERSION
        try:
            decoded = decode_config(request.read_config())
            version = parse_version(decoded)
            command = parse_command(request.environment)
            return self._carry_out(command, parse_config(decoded, command), request)
        except CniError as error:
            refused = error
        except KernelError as error:
            refused = CniError(CniCode.KERNEL_REFUSED, str(error))
        except OSError as error:
            refused = CniError(CniCode.IO_FAILURE, f"input or output failed: {error.strerror}")
        except Exception:
            # It harms this request alone, and its runtime gets JSON.
            log.exception("fault in the CNI server")
            refused = CniError(CniCode.INTERNAL, "a fault in bgpnet cni; its log has the details")
        log.warning(
            "request refused command=%s container=%s code=%d error=%r",
            request.environment.get("CNI_COMMAND", "-"),
            request.environment.get("CNI_CONTAINERID", "-"),
            refused.code,
            str(refused),
        )
        return Outcome(result.error_result(version, refused), 1)

    def undo(self, link: PodLink) -> None:
        """Take away what was made for a runtime that did not wait for it."""
        try:
            self._attachments.undo(link)
        except KernelError as error:
            log.warning("link of a cut-off ADD stays link=%s error=%r", link.name, str(error))
        else:
            log.info("cut-off ADD undone container=%s link=%s", link.attachment.container, link.name)

    def _carry_out(self, command: Command, config: NetworkConfig, request: Request) -> Outcome:
        match command:
            case Command.ADD:
                return self._add(config, request)
            case Command.DEL:
                self._attachments.remove(parse_attachment(request.environment, config.name))
            case Command.GC:
                self._collect(config)
            case Command.STATUS:
                self._demand_ready()
            case Command.CHECK:
                raise CniError(CniCode.BAD_ENVIRONMENT, "CNI_COMMAND is CHECK, which is not supported")
        return Outcome(b"", 0)

    def _add(self, config: NetworkConfig, request: Request) -> Outcome:
        whose = parse_attachment(request.environment, config.name)
        if request.route < 0:
            raise CniError(CniCode.BAD_ENVIRONMENT, "CNI_NETNS is not set, ADD needs it")
        there = os.fstat(request.netns)
        if (there.st_dev, there.st_ino) == self._host_netns:
            raise CniError(CniCode.BAD_ENVIRONMENT, "CNI_NETNS is the host's own network namespace")
        blocks = self._blocks.read()
        with Channel(_take_over(request.route)) as pod:
            plan = self._attachments.add(whose, pod, request.netns, blocks, config.mtu or blocks.mtu)
        sandbox = request.environment.get("CNI_NETNS", "")
        return Outcome(result.add_result(config, plan, sandbox), 0, plan.link)

    def _collect(self, config: NetworkConfig) -> None:
        if config.valid is None:
            raise CniError(CniCode.INVALID_CONFIG, "cni.dev/valid-attachments is missing, GC needs it")
        self._attachments.retain(config.name, config.valid)

    def _demand_ready(self) -> None:
        try:
            self._blocks.read()
        except CniError as error:
            raise CniError(CniCode.NOT_AVAILABLE, str(error), error.details) from error


def _take_over(route: int) -> socket.socket:
    """A socket of the request's descriptor, with a copy of it: each closes its own."""
    return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE, fileno=os.dup(route))
