"""Pages that people look at: charts and prose in one HTML file that needs no script, no network and no other file.

`page` has the parts of a page and writes it, `charts` draws. Both need the extra `report`, and import it only when a
page is made; `extra.require()` tells a person who lacks it what to install, before any long work begins.
"""
