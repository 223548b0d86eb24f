"""
The pillar: its schema, its validation, the merged settings, and the storage types that it names.
Imports core.
"""
