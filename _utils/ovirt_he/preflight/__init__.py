"""
What must be so before a deployment begins: each check is a function of a host that returns
problems. Imports all other rooms; nothing imports it but modules.
"""
