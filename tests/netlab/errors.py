"""What can go wrong with a lab, said to a person.

::

    LabError
     +-- LabFileError      lab.clab.yml or expect.yml cannot be used: a list of complaints   exit 2
     +-- LabSetupError     this machine or this moment is not fit to run the lab             exit 2
     +-- LabRunError       the lab broke while it was brought up or driven                   exit 1
"""

from dataclasses import dataclass


class LabError(Exception):
    """Root of the errors of the lab runner."""


@dataclass(frozen=True, slots=True, order=True)
class Complaint:
    """One thing wrong in a file: where it stands, which field, what was found, what to write instead.

    `line` counts from 1; 0 when the file as a whole is meant.
    """

    file: str
    line: int
    field: str
    found: str
    remedy: str

    def __str__(self) -> str:
        """One line as compilers write it: `file:line: field: found …: remedy`."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        field = f" {self.field}:" if self.field else ""
        found = f" found {self.found}:" if self.found else ""
        return f"{place}:{field}{found} {self.remedy}"


class LabFileError(LabError):
    """A file of the lab folder cannot be used; `complaints` says everything wrong at once."""

    def __init__(self, complaints: tuple[Complaint, ...]) -> None:
        super().__init__("\n".join(str(complaint) for complaint in complaints))
        self.complaints = complaints


class LabSetupError(LabError):
    """This machine, or this moment, is not fit to run the lab."""


class LabRunError(LabError):
    """The lab broke while it was brought up or driven."""
