"""The commands of the CNI specification: a request in, an outcome out."""

import logging
import os
from dataclasses import dataclass
from typing import Final

from bgpnet.cni import result
from bgpnet.cni.attachments import Attachments, Order
from bgpnet.cni.blocks import CurrentBlocks
from bgpnet.cni.check import differences
from bgpnet.cni.wire import Request
from bgpnet.drivers.podlink.channel import Channel
from bgpnet.drivers.podlink.inspect import inspect
from bgpnet.drivers.podlink.observe import observe
from bgpnet.model.cni import NEWEST_VERSION, CniCode, Command, NetworkConfig, PodLink, PodName
from bgpnet.model.cni_config import decode_config, parse_config, parse_version
from bgpnet.model.cni_json import show
from bgpnet.model.cni_request import parse_attachment, parse_command, parse_pod
from bgpnet.model.errors import CniError, KernelError
from bgpnet.model.net import Address

_KNOWN: Final = 16  # configurations
_KNOWN_LENGTH: Final = 4096  # bytes

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the shim prints and ends with.

    `made` is the link of an ADD, to be undone if nobody takes the answer, else recorded with its `pod`.
    """

    output: bytes
    status: int
    made: PodLink | None = None
    pod: PodName | None = None


class Commands:
    """Answers requests, one at a time."""

    def __init__(self, host: Channel, attachments: Attachments, blocks: CurrentBlocks) -> None:
        self._host = host
        self._attachments = attachments
        self._blocks = blocks
        here = os.stat("/proc/self/ns/net")  # noqa: PTH116 - os.stat_result is what is compared
        self._host_netns = (here.st_dev, here.st_ino)
        self._known: dict[bytes, NetworkConfig] = {}

    def answer(self, request: Request, *, patient: bool = False) -> Outcome | None:
        """Carry out a request. Whatever is wrong with it is an error in the outcome.

        None, only where `patient`: an ADD found no free address and has done nothing, and there will be some,
        as the node claims another block. It is to be asked for again when `supply` has changed.
        """
        version = NEWEST_VERSION
        try:
            text = request.read_config()
            config = self._known.get(text) if request.environment.get("CNI_COMMAND") == Command.ADD else None
            if config is not None:
                version = config.version
                return self._add(config, request)
            decoded = decode_config(text)
            version = parse_version(decoded)
            command = parse_command(request.environment)
            config = parse_config(decoded, command)
            if command is Command.ADD:
                self._remember(text, config)
            return self._carry_out(command, config, request)
        except CniError as error:
            if patient and error.code == CniCode.NO_FREE_ADDRESS and self._blocks.growing:
                return None
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
            show(request.environment.get("CNI_COMMAND")),
            show(request.environment.get("CNI_CONTAINERID")),
            refused.code,
            str(refused),
        )
        if request.environment.get("CNI_COMMAND") == Command.ADD:
            self._attachments.refused(refused.code)
        return Outcome(result.error_result(version, refused), 1)

    def supply(self) -> tuple[object, int]:
        """While it is the same, an ADD that found no free address finds none."""
        return self._blocks.signature(), self._attachments.freed

    def record(self, outcome: Outcome) -> None:
        """Keep what the kernel does not of an ADD that was answered."""
        if outcome.made is not None and outcome.pod is not None:
            self._attachments.record(outcome.made, outcome.pod)

    def undo(self, link: PodLink) -> None:
        """Take away what was made for a runtime that did not wait for it."""
        try:
            self._attachments.undo(link)
        except KernelError as error:
            log.warning("link of a cut-off ADD stays link=%s error=%r", link.name, str(error))
        else:
            log.info("cut-off ADD undone container=%s link=%s", link.attachment.container, link.name)

    def _remember(self, text: bytes, config: NetworkConfig) -> None:
        """Keep what an ADD's configuration said: for most pods of a node it is the same, to the byte."""
        if len(text) <= _KNOWN_LENGTH:
            if len(self._known) == _KNOWN:
                self._known.clear()
            self._known[text] = config

    def _carry_out(self, command: Command, config: NetworkConfig, request: Request) -> Outcome:
        match command:
            case Command.ADD:
                return self._add(config, request)
            case Command.DEL:
                self._attachments.remove(parse_attachment(request.environment, config.name))
            case Command.GC:
                self._collect(config)
            case Command.CHECK:
                self._check(config, request)
        return Outcome(b"", 0)

    def _add(self, config: NetworkConfig, request: Request) -> Outcome:
        whose = parse_attachment(request.environment, config.name)
        name = parse_pod(request.environment)
        order = Order(whose, request.netns, config, name.namespace)
        plan = self._attachments.add(order, self._pod(request), self._blocks.read())
        sandbox = request.environment.get("CNI_NETNS", "")
        try:
            output = result.add_result(config, plan, sandbox)
        except BaseException:
            self.undo(plan.link)
            raise
        return Outcome(output, 0, plan.link, name)

    def _pod(self, request: Request) -> Channel:
        """A channel to the pod's namespace; the request closes it."""
        if request.route < 0:
            raise CniError(CniCode.BAD_ENVIRONMENT, "CNI_NETNS is not set, ADD and CHECK need it")
        there = os.fstat(request.netns)
        if (there.st_dev, there.st_ino) == self._host_netns:
            raise CniError(CniCode.BAD_ENVIRONMENT, "CNI_NETNS is the host's own network namespace")
        return Channel(request.route)

    def _check(self, config: NetworkConfig, request: Request) -> None:
        whose = parse_attachment(request.environment, config.name)
        if config.previous is None:
            raise CniError(CniCode.INVALID_CONFIG, "prevResult is missing, CHECK needs it")
        link = self._attachments.find(whose)
        if link is None:
            raise CniError(CniCode.CHECK_FAILED, f"{whose} is not attached")
        there = inspect(self._pod(request), whose.ifname)
        found = differences(link, inspect(self._host, link.name), self._routed(link), there, config.previous)
        wrong = "; ".join(found)
        if wrong:
            raise CniError(CniCode.CHECK_FAILED, f"{whose}: {wrong}")

    def _routed(self, link: PodLink) -> frozenset[Address]:
        return frozenset(
            address for one in observe(self._host) if one.name == link.name for address in one.routed
        )

    def _collect(self, config: NetworkConfig) -> None:
        if config.valid is None:
            raise CniError(CniCode.INVALID_CONFIG, "cni.dev/valid-attachments is missing, GC needs it")
        self._attachments.retain(config.name, config.valid)
