"""The code of custom resources: one file each, put inline into templates, never imported by the renderer."""
