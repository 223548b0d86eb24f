# A hosted engine, phase by phase. Each phase requires the one before it, so any runs alone.
include:
  - hosted_engine.preflight
  - hosted_engine.appliance
  - hosted_engine.bootstrap
  - hosted_engine.engine
  - hosted_engine.handover
  - hosted_engine.ha
