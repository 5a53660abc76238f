"""Plan -> text. Templates decide nothing."""
