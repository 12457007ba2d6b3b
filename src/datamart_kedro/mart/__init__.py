"""The mart file: its tables, its ledger, its publication and its replicas."""
