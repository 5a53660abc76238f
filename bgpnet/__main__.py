"""`python -m bgpnet`: the `bgpnet` command."""

import sys

from bgpnet.cli import main

sys.exit(main())
