"""Programs that run inside the namespaces of a lab: the standard library only, each file stands alone."""
