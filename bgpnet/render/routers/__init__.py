"""RouterConfig -> the text of one router's system.

::

    RouterConfig ──► inexpressible? ──► template (templates/SYSTEM.j2) ──► configuration
                     capability table    verify.py                     ──► what to look at afterwards
                     (systems/SYSTEM.py) rollback.py                   ──► how to take it back

A system is one template, one file in `systems/`, and its goldens: docs/router-side.md says how to add one.
"""
