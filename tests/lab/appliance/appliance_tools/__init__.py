"""The engine's own tools as far as a deployment uses them: engine-setup and its sisters."""
