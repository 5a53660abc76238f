"""CheckReport -> the text of `bgpnet routers check`."""

from bgpnet.model.routercheck import CheckReport, FileCheck


def check_text(report: CheckReport) -> str:
    """A file a paragraph: its verdict, who looked, what nobody looked at, what is wrong."""
    return "\n".join(line for file in report.files for line in _file(file)) + "\n"


def _file(file: FileCheck) -> list[str]:
    router = f" (router {file.router})" if file.router else ""
    return [
        f"{file.file}{router}, {file.system}: {file.verdict}",
        f"  checked by {'; '.join(file.checked_by)}",
        *(f"  not checked: {each}" for each in file.not_checked),
        *(f"  {finding}" for finding in file.findings),
    ]
