"""The console: a web application that reads what is published.

A page is a module below `routes`, with its own list of routes; it gets the mart from `Console.read`, and shows a
template that extends ``console/base.html``. What holds for every request is in `security`.
"""
