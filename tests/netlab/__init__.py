"""Labs on network namespaces: the runner of `containerlab/`, its judge, probes and faults.

A lab folder holds a containerlab topology (`lab.clab.yml`) and what must hold (`expect.yml`);
containerlab/README.md says how to write one.
"""
