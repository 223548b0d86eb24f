# Report everything that would make the deployment fail, before anything is changed.

Hosted engine pillar is valid:
  hosted_engine.valid

# Memory, names and routes only matter during the deployment, so a deployed host isn't checked.
Host is ready for the hosted engine:
  hosted_engine.host_ready
