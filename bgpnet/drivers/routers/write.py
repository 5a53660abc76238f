"""Writes a router's files."""

from pathlib import Path

from bgpnet.drivers import atomic
from bgpnet.model.errors import UsageError
from bgpnet.render.routers.rendered import Rendered


def write(folder: Path, made: Rendered) -> list[Path]:
    """Write configuration, verification and the way back; the files that were written.

    With a password in it a configuration is for its owner's eyes only, mode 0600.

    Raises:
        UsageError: the folder cannot be written to.
    """
    texts = {
        f"{made.name}.{made.suffix}": made.configuration,
        f"{made.name}.verify.txt": made.verification,
        f"{made.name}.rollback.txt": made.rollback,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            secret = made.secret and text is made.configuration
            atomic.replace(folder / name, text.encode(), 0o600 if secret else 0o644)
    except OSError as error:
        raise UsageError(f"--output is {str(folder)!r}; it cannot be written to: {error.strerror}") from error
    return [folder / name for name in texts]
