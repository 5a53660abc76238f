"""The pure core: Snapshot -> Plan, and Plan with what was observed -> ordered changes."""
