"""How figures look: charts, tables and cards, for the report and the console."""
