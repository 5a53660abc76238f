"""Fetch one page and print it. Argument: the URL."""

import sys
import urllib.error
import urllib.request

# no proxy of the machine's, and no waiting: whoever asks tries again
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
try:
    with opener.open(sys.argv[1], timeout=3) as answer:
        sys.stdout.write(answer.read(65536).decode(errors="replace"))
except (OSError, urllib.error.URLError) as error:
    sys.exit(f"{error}")
