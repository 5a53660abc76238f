"""Kubernetes label selectors."""

from collections.abc import Mapping

from bgpnet.model.declared import LabelRequirement, Selector


def selects(selector: Selector, labels: Mapping[str, str]) -> bool:
    """Whether every requirement holds for these labels (labels.Selector.Matches of apimachinery)."""
    return all(_holds(requirement, labels) for requirement in selector.requirements)


def least_labels(selector: Selector) -> dict[str, str]:
    """Labels of a node of which nothing is known but that the selector selects it."""
    needed = (each for each in selector.requirements if each.operator in {"In", "Exists"})
    return {each.key: next(iter(each.values), "") for each in needed}


def _holds(requirement: LabelRequirement, labels: Mapping[str, str]) -> bool:
    match requirement.operator:
        case "In":
            return labels.get(requirement.key) in requirement.values
        case "NotIn":
            return labels.get(requirement.key) not in requirement.values
        case "Exists":
            return requirement.key in labels
        case "DoesNotExist":
            return requirement.key not in labels
    raise ValueError(f"label selector operator {requirement.operator!r} passed the model")
