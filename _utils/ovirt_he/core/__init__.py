"""
The reconcile loop and what every part needs: waiting, records, commands, text that is safe to
show. It knows nothing of oVirt, and imports no other room.
"""
