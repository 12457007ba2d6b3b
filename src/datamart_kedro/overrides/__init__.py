"""Rules that people change without editing the parameter files: kept with who, when and why."""
