"""What model pipelines share."""
