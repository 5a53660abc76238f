"""The CNI server and its address management: thin, always quick, independent of the agent."""
