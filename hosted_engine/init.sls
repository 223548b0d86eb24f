# Deploy a hosted engine, phase by phase. Each phase includes the previous one and can be applied alone.
include:
  - hosted_engine.preflight
  - hosted_engine.appliance
  - hosted_engine.bootstrap
  - hosted_engine.engine
  - hosted_engine.handover
  - hosted_engine.ha
