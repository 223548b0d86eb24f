# Report everything that would make the deployment fail, before anything is changed.

Hosted engine pillar is valid:
  hosted_engine.valid

# Memory, names and routes matter during the deployment; a deployed engine's host isn't judged by them.
Host is ready for the hosted engine:
  hosted_engine.fit
