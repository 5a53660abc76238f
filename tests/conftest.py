"""What holds for every test."""

from hypothesis import HealthCheck, settings

# Others use the machine too, and the tiers run beside each other: how long one example takes says nothing.
settings.register_profile("shared-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared-machine")
