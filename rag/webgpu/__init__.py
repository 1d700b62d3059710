"""The page that runs models in the browser: served, given models, and answered by this server's."""
