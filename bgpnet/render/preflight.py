"""PreflightStatus -> the text of `bgpnet preflight`."""

from bgpnet.model.preflight import PreflightStatus


def preflight_text(status: PreflightStatus) -> str:
    """A line for each finding, and below it what to do."""
    width = max(len(each.check) for each in status.findings)
    lines = []
    for each in status.findings:
        lines.append(f"{each.verdict:7}  {each.check:{width}}  {each.found}".rstrip())
        if each.cure:
            lines.append(f"{'':7}  {'':{width}}  {each.cure}")
    return "\n".join(lines) + "\n"
