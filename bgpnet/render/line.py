"""A line of a page about one thing: a name, and what it is."""


def line(name: str, value: str) -> str:
    """Indented, with the values below each other; without a name it goes on from the line before."""
    return f"  {name + ':' if name else '':18}{value}"
