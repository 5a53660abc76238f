"""What the agent hands the CNI server: apart from the plan, so that the server need not know all of that."""

from dataclasses import dataclass

from bgpnet.model.net import Family, Prefix, family_of


@dataclass(frozen=True, slots=True)
class Reserved:
    """What only pods of some namespaces get: the node's part of IPPools with a namespaceSelector."""

    family: Family
    prefixes: tuple[Prefix, ...]
    """None while the node has no block of these pools."""
    namespaces: frozenset[str]


@dataclass(frozen=True, slots=True)
class Blocks:
    """The prefixes to give addresses from, and the pods' MTU in bytes."""

    prefixes: tuple[Prefix, ...]
    """All of them."""
    mtu: int
    reserved: tuple[Reserved, ...] = ()
    everybody: bool = True
    """Whether there is an IPPool for pods of any namespace."""
    growing: bool = False
    """Whether the node claims another block when these are nearly used up."""

    def serving(self, namespace: str) -> tuple[Prefix, ...]:
        """The prefixes for pods of a namespace, '' where none is known.

        Of each family those reserved for it; only where no pool of the family is, those reserved for nobody.
        """
        if not self.reserved:
            return self.prefixes
        mine = [each for each in self.reserved if namespace in each.namespaces]
        found = {prefix for each in mine for prefix in each.prefixes}
        others = {prefix for each in self.reserved for prefix in each.prefixes}
        dedicated = {each.family for each in mine}
        return tuple(
            prefix
            for prefix in self.prefixes
            if prefix in found or (prefix not in others and family_of(prefix) not in dedicated)
        )

    def serves(self, namespace: str) -> bool:
        """Whether an IPPool is for the namespace, be there a block of it or not yet."""
        return self.everybody or any(namespace in each.namespaces for each in self.reserved)
