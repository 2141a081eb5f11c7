"""The viewer: a scan or a result in a local page, to click on."""
