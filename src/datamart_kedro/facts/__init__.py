"""What the report and the console show, as plain values: read from a mart, nothing is drawn here."""
