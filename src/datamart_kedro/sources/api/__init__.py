"""A paged JSON API as a source: asked politely, kept page by page, and read by the engine as rows."""
