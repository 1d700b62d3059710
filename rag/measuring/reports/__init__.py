"""What was measured, for a person: values of a report, its charts, its HTML and Markdown."""
