"""Reads `nv set` lines from standard input and prints those that NVUE's model of a version does not have.

python nvue.py 5.16 < lines
"""

import importlib
import sys
import typing
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError


def main() -> int:
    """0 when the model has every line."""
    models = importlib.import_module(f"nvueschema.models.v{sys.argv[1].replace('.', '_')}")
    lines = {line.strip() for line in sys.stdin if line.startswith("nv set ")}
    unknown = sorted(line for line in lines if not known(models.NvueConfig, line.split()[2:]))
    print(*unknown, sep="\n")
    return 1 if unknown or not lines else 0


def known(kind: Any, words: list[str]) -> bool:  # noqa: ANN401 - an annotation
    """Whether the words lead from this part of the model to a value that it takes."""
    if not words:
        return True
    if any(known(inner, words[1:]) for inner in below(kind, words[0])):
        return True
    return len(words) == 1 and not list(parts(kind, BaseModel)) and takes(kind, words[0])


def below(kind: Any, word: str) -> Iterator[Any]:  # noqa: ANN401 - likewise
    """What stands under a key."""
    for model in parts(kind, BaseModel):
        fields = {field.alias or name: field.annotation for name, field in model.model_fields.items()}
        yield from [fields[word]] if word in fields else []
    for mapping in parts(kind, dict):
        yield typing.get_args(mapping)[1]


def parts(kind: Any, wanted: type) -> Iterator[Any]:  # noqa: ANN401 - likewise
    """Models, or mappings, that a union holds."""
    if typing.get_origin(kind) is dict:
        yield from [kind] if wanted is dict else []
    elif isinstance(kind, type) and issubclass(kind, BaseModel):
        yield from [kind] if wanted is BaseModel else []
    else:
        for inner in typing.get_args(kind):
            yield from parts(inner, wanted)


def takes(kind: Any, word: str) -> bool:  # noqa: ANN401 - likewise
    """Whether a value is one of this kind."""
    if any(typing.get_args(mapping)[1] is Any for mapping in parts(kind, dict)):
        return True
    for value in (word, int(word) if word.isdigit() else word):
        try:
            TypeAdapter(kind).validate_python(value)
        except ValidationError:
            continue
        return not list(parts(kind, dict))
    return False


if __name__ == "__main__":
    sys.exit(main())
