"""The speaker's processes: the supervisor of ExaBGP and the relay that is ExaBGP's only child."""
