"""The `bgpnet` command: verbs only, no logic.

Exit codes: 0 fine, 1 the answer is no, 2 usage, 3 cannot reach the agent.
Every flag can also be given in the environment: `--run-dir` as BGPNET_RUN_DIR.

A group of verbs is a module with `add`, which declares them; `command.py` puts the groups together.
"""

from bgpnet.cli.command import main, parser

__all__ = ["main", "parser"]
