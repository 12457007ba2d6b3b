"""The commands below `kedro mart`."""
