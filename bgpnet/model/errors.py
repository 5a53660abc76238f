"""The one tree of errors.

::

    BgpnetError
     +-- UsageError            the command line or a setting is wrong                    exit 2
     +-- NotThereError         the node has not what was asked for                       exit 1
     +-- UnreachableError      an agent, supervisor, relay or API server does not answer    exit 3
     +-- SourceError           a source of objects cannot be read at all
     +-- ApiError              the Kubernetes API refused a request, or was not reached
     +-- KernelError           the kernel refused a change
     +-- InstallError          the host is not as an installation needs it             exit 1
     +-- SpeakerError          ExaBGP or its supervisor refused a change
     +-- CniError              an answer of the CNI specification, with its code

A bad *object* is not an exception: it is a `Rejection` (model/rejection.py) and everything else goes on.
Messages say which object, which field, what was found and what to do.
"""


class BgpnetError(Exception):
    """Root of every error that this package raises on purpose."""


class UsageError(BgpnetError):
    """The command line, the environment or a setting is wrong."""


class NotThereError(BgpnetError):
    """This node has not what was asked for: a peer, a route."""


class UnreachableError(BgpnetError):
    """A process of ours does not answer on its socket, or the API server not what is needed."""


class SourceError(BgpnetError):
    """A source of objects cannot be read at all."""


class ApiError(BgpnetError):
    """The Kubernetes API. `status` is HTTP's, 0 when there was no answer; `reason` is its one word.

    `retry_after`: seconds for which a server with too much to do asks to be left alone (RFC 9110 §10.2.3).
    """

    def __init__(self, status: int, reason: str, message: str, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.retry_after = retry_after


class KernelError(BgpnetError):
    """The kernel refused a change. `errno` is its answer, 0 when it gave none."""

    def __init__(self, message: str, errno: int = 0) -> None:
        super().__init__(message)
        self.errno = errno


class InstallError(BgpnetError):
    """The host is not as an installation of the CNI plug-in needs it, or refuses a file."""


class SpeakerError(BgpnetError):
    """ExaBGP or its supervisor refused a change."""


class CniError(BgpnetError):
    """An error answer of the CNI specification.

    `code` is one of the specification's (4, 5, 6, 7, 11, 50) or ours from 100; `details` may be empty.
    """

    def __init__(self, code: int, message: str, details: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.details = details
