"""Text that others wrote, made fit for one line of a terminal or a log."""


def printable(text: str) -> str:
    """The text with everything that a terminal might act on, or cannot show, written as an escape.

    Line breaks and control characters could pass for lines or colours of ours; the bytes of a file name that
    is not UTF-8 (Python's lone surrogates) cannot be encoded at all.
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
