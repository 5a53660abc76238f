"""Our own rules for a configuration: known statements, names defined before they are trusted, safe policy.

Where a system has a program to ask, that one judges the language, and these rules what it lets pass.
"""
