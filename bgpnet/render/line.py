"""A line of a page about one thing: a name, and what it is."""


def line(name: str, value: str) -> str:
    """Indented, with the values below each other."""
    return f"  {name + ':':18}{value}"
