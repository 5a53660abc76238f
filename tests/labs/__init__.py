"""Whole labs: real routers against real nodes, judged from the routers and from packets."""
