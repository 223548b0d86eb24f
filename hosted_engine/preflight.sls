# All that would stop the deployment, told before anything is changed.

Hosted engine pillar is valid:
  hosted_engine.valid

# Memory, names and routes matter during the deployment; a deployed engine's host isn't judged by them.
Host is fit for the hosted engine:
  hosted_engine.fit
